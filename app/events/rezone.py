"""Zones that change under stored times: a calendar's own zone, or the rules of any."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from app.calendars.writing import Write
from app.core.series import occurrences
from app.core.times import instant_of, load_zone, wall_of
from app.events.dates import mark_orphaned, store_again
from app.events.find import read_row, read_specials, read_text
from app.events.materialise import stored_keys
from app.events.model import Event, event_of_row
from app.events.recurrence import plan
from app.events.sql import sql
from app.events.storing import put_override, put_single, span

Times = dict[str, tuple[datetime, datetime, bool]]  # by key: start, end, and whether an override says so


async def rezone(write: Write, zone: str) -> None:
    """The calendar gets another zone: all-day events keep their dates and move to its midnights; those without a zone
    of their own show the new one. Timed events keep theirs."""
    write.calendar.timezone = zone
    rows = await _rows(write)
    for event in rows:
        if event.all_day and not event.key:
            new = event if event.zone_given else replace(event, zone=zone)
            await _store(write, event, new, _overrides(rows, event), is_change=new.zone != event.zone)
    series = {event.id: event for event in rows if not event.key}
    for row in rows:
        if row.all_day and row.key and not series[row.id].all_day:
            await _store_override(write, series[row.id], _in_zone(row, zone))


async def recompute(write: Write) -> None:
    """Zone rules changed. What was written in wall time keeps it, and its instants move; a single event that was
    written as an instant keeps that. Each event with a time to come that moved is logged as changed."""
    rows = await _rows(write)
    for event in rows:
        if event.key:
            continue
        times = await _stored_times(write, event)
        if event.instant_given and not event.is_series:
            wall = wall_of(times[""][0], load_zone(event.zone))
            is_wall_moved = instant_of(event.start_wall, load_zone(event.zone)) != times[""][0]
            if is_wall_moved:
                await _store(write, event, replace(event, start_wall=wall), (), is_change=True)
        elif _has_moved(write, event, times):
            await _store(write, event, event, _overrides(rows, event), is_change=True)
        for row in _overrides(rows, event):
            if row.key in times and span(row, write.calendar.timezone) != times[row.key][:2]:
                await _store_override(write, event, row, has_moved=True)


async def _rows(write: Write) -> list[Event]:
    return [event_of_row(row) for row in await write.tx.all(sql.all_rows, {"calendar_id": write.calendar.id})]


def _overrides(rows: list[Event], event: Event) -> list[Event]:
    return [row for row in rows if row.id == event.id and row.key]


async def _stored_times(write: Write, event: Event) -> Times:
    params = {"calendar_id": write.calendar.id, "event_id": event.id}
    return {row[0]: (row[1], row[2], row[3]) for row in await write.tx.all(sql.stored_times, params)}


def _has_moved(write: Write, event: Event, times: Times) -> bool:
    """Whether the present rules put any date to come elsewhere than it is stored."""
    zone = write.calendar.timezone
    if not event.is_series:
        return span(event, zone) != times[""][:2]
    own = {key: (start, end) for key, (start, end, is_override) in times.items() if not is_override}
    series = event.series(zone)
    until = max((end for _, end in own.values()), default=write.now)
    for date in occurrences(series, write.now, until):
        stored = next((own[key] for key in stored_keys(series, date) if key in own), None)
        if stored is not None and stored != (date.start, date.end):
            return True
    return False


async def _store(write: Write, old: Event, new: Event, overrides: list[Event] | tuple[()], *, is_change: bool) -> None:
    """Store an event again with its times computed anew."""
    was = await read_text(write, old) if is_change else None
    if is_change:
        new = replace(new, version=write.next_seq, updated_at=write.now, sequence=old.sequence + 1)
    if not new.is_series:
        text = put_single(write, new, sql.update_event)
        if is_change:
            write.record("event.updated", new.id, was, text)
        return
    specials = await read_specials(write, new.id)
    planned = plan(new, write.calendar.timezone, write.now, exdates=None, specials=specials, since=old.stored_from)
    store_again(write, planned, specials, overrides, was)
    for row in overrides:
        if row.all_day:
            await _store_override(write, planned.event, _in_zone(row, write.calendar.timezone))


def _in_zone(row: Event, zone: str) -> Event:
    return row if row.zone_given else replace(row, zone=zone)


async def _store_override(write: Write, series: Event, row: Event, *, has_moved: bool = False) -> None:
    """Store an override with its times computed anew; logged when it says something else than before."""
    old = await read_row(write, row.id, row.key)
    before = await write.tx.one(sql.read_text, {"calendar_id": row.calendar_id, "event_id": row.id, "key": row.key})
    assert before is not None
    text, is_cancelled, _, is_orphaned = before[:4]
    is_change = has_moved or old is None or old.zone != row.zone
    if is_change:
        row = replace(row, version=write.next_seq, updated_at=write.now, sequence=row.sequence + 1)
    after = put_override(write, row, series, sql.update_event, cancelled=is_cancelled)
    if is_orphaned:
        mark_orphaned(write, series, row.key, orphaned=True)
    elif is_change:
        write.record("event.updated", row.wire_id, text, after)
