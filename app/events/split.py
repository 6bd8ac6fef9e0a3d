"""This and future: a series ends before one of its dates, and another begins there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from app.calendars.writing import FOREVER, Write
from app.core.series import Occurrence, Series, at, occurrences, split
from app.core.times import instant_of
from app.events.dates import keep_stored, mark_orphaned, store_dates
from app.events.edits import (
    asked_again,
    changed,
    given_exdates,
    only_a_series_has_exdates,
    override_of,
    planned_members,
)
from app.events.find import Date, read_overrides, read_specials, read_text
from app.events.materialise import Special, first_of, key_in, special_of
from app.events.model import Event, wall_of_key
from app.events.recurrence import Plan, excluded_keys, plan, with_part
from app.events.render import with_members
from app.events.schemas import EventUpdate
from app.events.sql import sql
from app.events.storing import put_cancelled, put_dates, put_override, put_series, put_single

_ONE_SECOND: Final = timedelta(seconds=1)


async def split_series(
    write: Write, series: Event, date: Date, fields: EventUpdate, rule: str | None, domain: str
) -> str:
    """`date` and those after it become a series of their own with the given changes; COUNT, EXDATEs and overrides go
    to the side of their original date. Without a recurrence the one date goes on alone. The head remembers its
    successor, so the tail's old ids keep answering. Returns the text of the tail."""
    zone = write.calendar.timezone
    head_part, tail_part = split(series.series(zone), date.key)
    assert head_part is not None
    specials = await read_specials(write, series.id)
    overrides = {row.key: row for row in await read_overrides(write, series.id)}
    write.events_quota.take(1)
    tail_id = write.new_event_id()
    gone = await end_before(write, series, head_part, date, specials, successor=tail_id)
    renamed = _renamed(series.series(zone), tail_part, gone)
    new_keys = {key: renamed[key].key if key in renamed else key_in(tail_part, key) for key in gone}
    moving = {new: replace(gone[old], key=new) for old, new in new_keys.items()}
    rows = {new: replace(overrides[old], key=new) for old, new in new_keys.items() if old in overrides}

    uid = f"{tail_id}@{domain}"
    tail = replace(
        with_part(series, tail_part),
        id=tail_id,
        uid=uid,
        client_id=None,
        exclusions=0,
        excluded_at=None,
        instant_given=False,
        created_at=write.now,
    )
    tail = _changed_tail(write, tail, fields, rule)
    if not tail.is_series:
        return _go_on_alone(write, series, replace(_as_it_stands(series, date), id=tail_id, uid=uid), fields)
    planned = plan(tail, zone, write.now, exdates=given_exdates(fields), specials=moving)
    text = put_series(write, planned.event, sql.insert_event, planned.first, planned.excluded)
    write.record("event.created", tail_id, None, text)
    orphaned = _move_specials(write, planned, rows)
    store_dates(write, planned)
    return with_members(text, split_from=series.id, **planned_members(planned, orphaned))


def _changed_tail(write: Write, tail: Event, fields: EventUpdate, rule: str | None) -> Event:
    new = changed(tail, fields, fields.model_fields_set, rule, write.calendar.timezone, write.now)
    return asked_again(replace(new, sequence=0, version=write.next_seq))


def _as_it_stands(series: Event, date: Date) -> Event:
    """One date of a series, edited or cancelled, as an event of its own."""
    event = date.row or override_of(series, date.key, date.occurrence.original)
    status = "cancelled" if date.cancelled else event.status
    return replace(event, key="", status=status, client_id=None, stored_from=None, stored_through=None)


def _go_on_alone(write: Write, series: Event, event: Event, fields: EventUpdate) -> str:
    """The date at which a series is split becomes a single event, with the changes."""
    if fields.exdates:
        raise only_a_series_has_exdates()
    event = replace(event, created_at=write.now)
    event = _changed_tail(write, event, fields, None)
    text = put_single(write, event, sql.insert_event)
    write.record("event.created", event.id, None, text)
    return with_members(text, split_from=series.id)


async def end_before(
    write: Write,
    series: Event,
    head_part: Series,
    date: Date,
    specials: Mapping[str, Special],
    *,
    successor: str | None = None,
) -> dict[str, Special]:
    """Let a series end before one of its dates. What it had from there on goes, with a change for each date that had
    a life of its own; those are returned."""
    before = await read_text(write, series)
    whole = series.series(write.calendar.timezone)
    border = date.occurrence.start
    gone = {key: special for key, special in specials.items() if _place(whole, key) >= border}
    kept = {key: special for key, special in specials.items() if key not in gone}
    renamed = _renamed(whole, head_part, kept)
    moved = {place.key: replace(kept.pop(key), key=place.key) for key, place in renamed.items()}
    kept |= moved
    head = replace(
        with_part(series, head_part),
        version=write.next_seq,
        updated_at=write.now,
        sequence=series.sequence + 1,
        successor_id=successor or series.successor_id,
        successor_key=date.key if successor else series.successor_key,
    )
    assert head.stored_through is not None
    if border <= head.stored_through:
        head = replace(head, stored_through=FOREVER)
    first = first_of(head_part)
    assert first is not None
    params = {"calendar_id": series.calendar_id, "event_id": series.id}
    write.tx.later(sql.delete_overrides, {**params, "keys": list(gone)})
    write.tx.later(sql.delete_occurrences, {**params, "keys": list(gone)})
    write.tx.later(sql.delete_plain_occurrences_from, {**params, "start_at": border})
    text = put_series(write, head, sql.update_event, first, excluded_keys(kept))
    write.record("event.updated", series.id, before, text)
    keep_stored(write, head)
    if head_part.rule is None:
        # What is left are single dates, and the one that is the start now is named by its date alone.
        assert head.stored_from is not None
        kept_dates = occurrences(head_part, head.stored_from, border)
        write.tx.later(sql.delete_plain_occurrences, params)
        put_dates(write, head, [each for each in kept_dates if special_of(head_part, kept, each) is None])
    if renamed:
        await _rename_specials(write, head, renamed, moved)
    for key, special in gone.items():
        if special.orphaned:
            continue
        write.record("event.deleted", f"{series.id}_{key}", None, None)
    return gone


def _renamed(whole: Series, part: Series, kept: Mapping[str, Special]) -> dict[str, Occurrence]:
    """The dates with a life of their own that a part has under another key, by the key they had: where single dates
    are left, an RDATE with a time may now be the start, and a start an RDATE."""
    if part.rule is not None:
        return {}
    orphaned = {key for key, special in kept.items() if special.orphaned}
    renamed: dict[str, Occurrence] = {}
    for key in kept.keys() - orphaned:
        if (made := at(whole, key)) is not None:
            found = occurrences(part, made.start, made.start + _ONE_SECOND)
            renamed.update((key, each) for each in found)
    return {key: place for key, place in renamed.items() if place.key not in {key, *orphaned}}


async def _rename_specials(
    write: Write, head: Event, renamed: Mapping[str, Occurrence], specials: Mapping[str, Special]
) -> None:
    """Store dates with a life of their own under their new key; a change for either key says so."""
    params = {"calendar_id": head.calendar_id, "event_id": head.id, "keys": list(renamed)}
    rows = {row.key: row for row in await read_overrides(write, head.id)}
    write.tx.later(sql.delete_overrides, params)
    write.tx.later(sql.delete_occurrences, params)
    for key in sorted(renamed):
        write.record("event.deleted", f"{head.id}_{key}", None, None)
    for key, place in sorted(renamed.items()):
        cancelled, row, version = specials[place.key].cancelled, rows.get(key), write.next_seq
        if row is None:
            text = put_cancelled(write, replace(head, version=version), place)
        else:
            row = replace(row, key=place.key, version=version, stored_through=head.stored_through)
            text = put_override(write, row, head, sql.insert_event, cancelled=cancelled)
        write.record("event.deleted" if cancelled else "event.updated", f"{head.id}_{place.key}", None, text)


def _place(series: Series, key: str) -> datetime:
    """When the series itself has a date; for one it no longer makes, what its key says."""
    made = at(series, key)
    return instant_of(wall_of_key(key), series.zone) if made is None else made.start


def _move_specials(write: Write, planned: Plan, overrides: Mapping[str, Event]) -> list[str]:
    """Give the tail the dates of its side that had a life of their own; returns the ids of overrides it does not
    make."""
    tail, orphaned = planned.event, []
    for key, special in sorted(planned.specials.items()):
        row, place = overrides.get(key), planned.places[key]
        if row is not None:
            moved = replace(
                row,
                id=tail.id,
                uid=tail.uid,
                version=write.next_seq,
                stored_from=tail.stored_from,
                stored_through=tail.stored_through,
            )
            text = put_override(write, moved, tail, sql.insert_event, cancelled=special.cancelled)
            if special.orphaned:
                mark_orphaned(write, tail, key, orphaned=True)
                orphaned.append(moved.wire_id)
            else:
                write.record("event.deleted" if special.cancelled else "event.updated", moved.wire_id, None, text)
        elif place is None:
            unmade = Occurrence(key, wall_of_key(key), special.start_at, special.start_at)
            put_cancelled(write, tail, unmade)
            mark_orphaned(write, tail, key, orphaned=True)
        elif place is not None:
            text = put_cancelled(write, replace(tail, version=write.next_seq), place._replace(key=key))
            write.record("event.deleted", f"{tail.id}_{key}", None, text)
    return orphaned
