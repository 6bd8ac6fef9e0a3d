"""Storing the dates of a planned series: those that follow it, and those with a life of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from app.calendars.writing import FOREVER, Write
from app.core.series import Occurrence
from app.events.materialise import SAFETY, Special, materialise, special_of
from app.events.model import Event
from app.events.recurrence import Plan, excluded_keys
from app.events.render import occurrence_text, own_json, shared_json, vevent_text
from app.events.sql import sql
from app.events.storing import keep_window, put_cancelled_dates, put_dates, put_override, put_series


def store_dates(write: Write, planned: Plan) -> None:
    """Store the dates that follow the series, after those with a life of their own."""
    event = planned.event
    assert event.stored_from is not None
    assert event.stored_through is not None
    keep_window(write, event.stored_from, event.stored_through)
    put_dates(write, event, planned.dates)


def store_again(
    write: Write, planned: Plan, before: Mapping[str, Special], overrides: Sequence[Event], was: str | None
) -> tuple[str, list[str]]:
    """Store a series whose dates are made anew, and log it when `was`, its text of before, is given. Returns its text
    and the ids of overrides that it has just stopped making."""
    event = planned.event
    write.tx.later(sql.delete_plain_occurrences, {"calendar_id": event.calendar_id, "event_id": event.id})
    text = put_series(write, event, sql.update_event, planned.first, planned.excluded)
    keep_stored(write, event)
    if was is not None:
        write.record("event.updated", event.id, was, text)
    orphaned = store_specials(write, planned, before, overrides)
    store_dates(write, planned)
    return text, orphaned


def store_specials(write: Write, planned: Plan, before: Mapping[str, Special], overrides: Sequence[Event]) -> list[str]:
    """Bring the dates with a life of their own to where the plan has them, with a change for each that was cancelled
    or came back. Returns the ids of overrides that the series has just stopped making."""
    rows = {row.key: row for row in overrides}
    shared = shared_json(planned.event)
    orphaned, cancelled = [], []
    for key in sorted({*before, *planned.specials}):
        old, new = before.get(key), planned.specials.get(key)
        if new is None:
            _restore(write, planned, key, shared)
        elif key in rows:
            _store_override(write, planned, rows[key], old, new)
            if new.orphaned and not (old and old.orphaned) and not new.cancelled:
                orphaned.append(f"{planned.event.id}_{key}")
        else:
            place = _log_cancelled(write, planned, key, shared, old)
            cancelled += [] if place is None else [place]
    put_cancelled_dates(write, planned.event, cancelled)
    return orphaned


async def exclude(write: Write, series: Event, specials: Mapping[str, Special]) -> None:
    """The set of cancelled dates changed: the feed's VEVENT of the series says so, its JSON stays as it is."""
    row = replace(series, exclusions=series.exclusions + 1, excluded_at=write.now)
    write.tx.later(
        sql.update_exclusions,
        {
            "calendar_id": series.calendar_id,
            "event_id": series.id,
            "vevent": vevent_text(row, excluded_keys(specials)),
            "exclusions": row.exclusions,
            "excluded_at": row.excluded_at,
        },
    )


def _restore(write: Write, planned: Plan, key: str, shared: str) -> None:
    """A cancelled date that is cancelled no longer follows its series again."""
    event, date = planned.event, planned.places[key]
    params = {"calendar_id": event.calendar_id, "event_id": event.id, "keys": [key]}
    write.tx.later(sql.delete_occurrences, params)
    assert date is not None
    text = occurrence_text(event, own_json(event, date), shared, key=key)
    write.record("event.updated", f"{event.id}_{key}", None, text)


def _log_cancelled(write: Write, planned: Plan, key: str, shared: str, old: Special | None) -> Occurrence | None:
    """Log a date that is cancelled now, or that the series just stopped making; returns where it is to be stored."""
    event, date = planned.event, planned.places[key]
    was_orphaned = old is not None and old.orphaned
    if date is None:
        mark_orphaned(write, event, key, orphaned=True)
        if not was_orphaned:
            write.record("event.deleted", f"{event.id}_{key}", None, None)
        return None
    date = date._replace(key=key)
    if old is None or was_orphaned:
        text = occurrence_text(event, own_json(event, date), shared, key=key, cancelled=True)
        write.record("event.deleted", f"{event.id}_{key}", None, text)
    return date


def _store_override(write: Write, planned: Plan, row: Event, old: Special | None, new: Special) -> None:
    """An override keeps its own texts and times; only its RECURRENCE-ID and window follow the series."""
    event = planned.event
    row = replace(row, stored_from=event.stored_from, stored_through=event.stored_through)
    was_orphaned = old is not None and old.orphaned
    was_cancelled = old is not None and old.cancelled
    if new.orphaned and not was_orphaned:
        write.record("event.deleted", row.wire_id, None, None)
    if not new.orphaned and (was_orphaned or was_cancelled != new.cancelled):
        row = replace(row, version=write.next_seq, updated_at=write.now)
        text = put_override(write, row, event, sql.update_event, cancelled=new.cancelled)
        write.record("event.deleted" if new.cancelled else "event.updated", row.wire_id, None, text)
    else:
        params = {"calendar_id": row.calendar_id, "event_id": row.id, "key": row.key}
        write.tx.later(sql.update_vevent, {**params, "vevent": vevent_text(row, series=event)})
    mark_orphaned(write, event, row.key, orphaned=new.orphaned)


def keep_stored(write: Write, event: Event) -> None:
    """What is stored of a series, on its row and on its overrides'."""
    write.tx.later(
        sql.extend_stored,
        {
            "calendar_id": event.calendar_id,
            "event_id": event.id,
            "stored_from": event.stored_from,
            "stored_through": event.stored_through,
        },
    )


def mark_orphaned(write: Write, event: Event, key: str, *, orphaned: bool) -> None:
    """Whether a stored date is still one the series makes; one that is not is kept, and not listed."""
    params = {"calendar_id": event.calendar_id, "event_id": event.id, "key": key}
    write.tx.later(sql.orphan_occurrence, {**params, "orphaned": orphaned})


async def ensure_next(write: Write, series: Event, specials: Mapping[str, Special]) -> None:
    """After a date went: a live series keeps at least one date to come stored, however far it is."""
    if not await _has_live(write, series):
        await extend(write, series, specials)


async def extend(write: Write, series: Event, specials: Mapping[str, Special]) -> datetime:
    """Store a series' dates from where they end to the horizon. Logs nothing: what was written is unchanged.
    Returns how far they reach."""
    assert series.stored_through is not None
    if series.stored_through >= FOREVER:
        return FOREVER
    recurrence = series.series(write.calendar.timezone)
    stored = materialise(
        recurrence, specials, series.stored_through, write.now, has_live=await _has_live(write, series)
    )
    put_dates(write, series, [date for date in stored.dates if special_of(recurrence, specials, date) is None])
    keep_stored(write, replace(series, stored_through=stored.through))
    return stored.through


async def _has_live(write: Write, series: Event) -> bool:
    row = await write.tx.one(
        sql.has_live,
        {
            "calendar_id": series.calendar_id,
            "event_id": series.id,
            "after": write.now + SAFETY,
            "through": series.stored_through,
        },
    )
    return row is not None and bool(row[0])
