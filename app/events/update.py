"""Changing an event: all of it, one date of it, or it from one date on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from app.calendars.writing import Write, open_write
from app.db.database import Transaction
from app.errors import Problem
from app.events.dates import ensure_next, exclude, store_again, store_dates, store_specials
from app.events.edits import (
    RECURRENCE_FIELDS,
    changed,
    check_given,
    given_exdates,
    has_same_dates,
    only_a_series_has_exdates,
    override_of,
    planned_members,
)
from app.events.expect import check_expected
from app.events.find import (
    Date,
    Whole,
    find_date,
    find_event,
    find_whole,
    open_whole,
    read_overrides,
    read_specials,
)
from app.events.materialise import PAST_KEPT, Special, first_of
from app.events.model import Event
from app.events.preview import effect, look
from app.events.recurrence import excluded_keys, plan, served_rule
from app.events.render import with_members
from app.events.schemas import EventUpdate
from app.events.split import split_series
from app.events.sql import sql
from app.events.storing import put_override, put_series, put_single, span
from app.http.context import Context
from app.http.preconditions import check_match

MODES: Final = ("single", "future", "all")


async def update_event(
    at: Context,
    tx: Transaction,
    key_hash: bytes,
    calendar_id: str,
    wire_id: str,
    fields: EventUpdate,
    mode: str | None,
    condition: str | None = None,
) -> str:
    """Change what was given; null clears an optional field. Returns the answer's text.

    Under an occurrence's id one date becomes an override (`mode=single`), the series is split there (`future`), or
    changed as a whole (`all`). A series changes all its dates but overrides, which keep their own copy. `condition`
    is an If-Match header for what the id names; raises `precondition_failed` when that has changed, and
    `expectation_failed` when the start is not what `expect` says of it then.
    """
    check_given(fields)
    rule = None if fields.rule is None else served_rule(fields.rule)
    async with open_write(at, tx, key_hash, calendar_id) as write:
        whole = await find_whole(write, wire_id)
        if whole is not None:
            if mode in ("single", "future") and whole.event.is_series:
                raise Problem(
                    "invalid_field",
                    f"mode={mode} needs the id of one date of the series.",
                    hint=f"Use an id such as {whole.event.id}_20260301, or leave mode out to change the whole series.",
                    field="mode",
                )
            check_match(condition, whole.text)
            event_id, invited = whole.event.id, await at.mails.before(write, whole.event)
            dates = await look(write, event_id)
            text = await _update_whole(write, whole, fields, rule)
        else:
            event, key = await find_event(write, wire_id)
            date = await find_date(write, event, key, wire_id)
            check_match(condition, date.text)
            event_id, invited = event.id, await at.mails.before(write, event)
            dates = await look(write, event_id)
            if mode == "all" or (mode == "future" and date.is_first):
                whole = await open_whole(write, event.id)
                assert whole is not None
                text = await _update_whole(write, whole, fields, rule)
            elif mode == "future":
                text = await split_series(write, event, date, fields, rule, at.settings.email_domain)
            else:
                text = await _update_date(write, event, date, fields)
        check_expected(fields.expect, text)
        told = await at.mails.tell(write, invited, event_id, invites=bool(fields.attendees))
        return with_members(text, **told, **await effect(write, dates, event_id))


async def _update_whole(write: Write, whole: Whole, fields: EventUpdate, rule: str | None) -> str:
    old, before = whole.event, whole.text
    new = changed(old, fields, fields.model_fields_set, rule, write.calendar.timezone, write.now)
    new = replace(new, version=write.next_seq)
    if not new.is_series:
        if fields.exdates:
            raise only_a_series_has_exdates()
        if old.is_series:
            new = _recurring_no_more(write, old, fields)
        return await _store_single(write, old, new, before)
    if not old.is_series:
        return _become_series(write, new, before, fields)
    exdates = given_exdates(fields)
    if has_same_dates(old, new) and exdates is None:
        first = first_of(new.series(write.calendar.timezone))
        assert first is not None
        text = put_series(write, new, sql.update_event, first, whole.excluded)
        write.record("event.updated", new.id, before, text)
        return text
    return await _reexpand(write, old, new, before, await read_specials(write, old.id), exdates)


async def _reexpand(
    write: Write, old: Event, new: Event, before: str, specials: dict[str, Special], exdates: Sequence[str] | None
) -> str:
    """Other times or another rule: dates are made anew; what was cancelled or edited stays under its id."""
    assert old.stored_from is not None
    since = max(old.stored_from, write.now - PAST_KEPT)
    planned = plan(new, write.calendar.timezone, write.now, exdates=exdates, specials=specials, since=since)
    if exdates is not None:
        excluded = replace(planned.event, exclusions=new.exclusions + 1, excluded_at=write.now)
        planned = replace(planned, event=excluded)
    overrides = await read_overrides(write, new.id)
    text, orphaned = store_again(write, planned, specials, overrides, before)
    return with_members(text, **planned_members(planned, orphaned))


def _become_series(write: Write, new: Event, before: str, fields: EventUpdate) -> str:
    planned = plan(new, write.calendar.timezone, write.now, exdates=fields.exdates or (), specials={})
    params = {"calendar_id": new.calendar_id, "event_id": new.id, "keys": [""]}
    write.tx.later(sql.delete_occurrences, params)
    text = put_series(write, planned.event, sql.update_event, planned.first, planned.excluded)
    write.record("event.updated", new.id, before, text)
    store_specials(write, planned, {}, ())
    store_dates(write, planned)
    return with_members(text, **planned_members(planned, []))


def _recurring_no_more(write: Write, old: Event, fields: EventUpdate) -> Event:
    """A series as the single event it becomes: it keeps the start it showed, maybe an RDATE before the rule's first."""
    zone = write.calendar.timezone
    first = first_of(old.series(zone))
    assert first is not None
    shown = replace(old, start_wall=first.original)
    return replace(changed(shown, fields, fields.model_fields_set, None, zone, write.now), version=write.next_seq)


async def _store_single(write: Write, old: Event, new: Event, before: str) -> str:
    """A single event as it is now. One that was a series keeps its start alone."""
    gone: list[str] = []
    if old.is_series:
        params = {"calendar_id": new.calendar_id, "event_id": new.id}
        specials = await read_specials(write, old.id)
        gone = [key for key, special in specials.items() if not special.orphaned]
        write.tx.later(sql.delete_overrides, {**params, "keys": list(specials)})
        write.tx.later(sql.delete_all_occurrences, params)
        new = replace(new, stored_from=None, stored_through=None, start_counts=False)
    text = put_single(write, new, sql.update_event)
    write.record("event.updated", new.id, before, text)
    for key in gone:
        write.record("event.deleted", f"{new.id}_{key}", None, None)
    return text


async def _update_date(write: Write, series: Event, date: Date, fields: EventUpdate) -> str:
    """One date becomes an override with a full copy of texts and times, or its override changes."""
    given = fields.model_fields_set
    for name in sorted(RECURRENCE_FIELDS & given):
        raise Problem(
            "invalid_field",
            f"{name} belongs to the series, not to one of its dates.",
            hint=f"PATCH {series.id} instead, or use ?mode=future to change this date and those after it.",
            field=name,
        )
    old = date.row or override_of(series, date.key, date.occurrence.original)
    new = changed(old, fields, given, None, write.calendar.timezone, write.now)
    new = replace(new, version=write.next_seq)
    cancelled = date.cancelled
    if "status" in given:
        cancelled = new.status == "cancelled"
        new = replace(new, status=old.status if cancelled else new.status)
    specials = await read_specials(write, series.id)
    statement = sql.insert_event if date.row is None else sql.update_event
    text = put_override(write, new, series, statement, cancelled=cancelled)
    is_deleted = cancelled and not date.cancelled
    write.record("event.deleted" if is_deleted else "event.updated", new.wire_id, date.text, text)
    excluded = excluded_keys(specials)
    start, _ = span(new, write.calendar.timezone)
    declined = not cancelled and new.status == "cancelled"
    specials[date.key] = Special(date.key, cancelled, True, start, declined=declined)
    if excluded_keys(specials) != excluded:
        await exclude(write, series, specials)
    await ensure_next(write, series, specials)
    return text
