"""What a write finds under an id, inside its lock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.calendars.writing import Write
from app.core.series import Occurrence, at
from app.events.ids import no_such_event, split_id
from app.events.materialise import Special, first_of, key_in, stored_keys
from app.events.model import Event, event_of_row
from app.events.render import occurrence_text, own_json, shared_json
from app.events.sql import sql

MOST_SPLITS: Final = 1000  # successors followed for one id: a chain longer than that is not a calendar's


@dataclass(frozen=True, slots=True)
class Date:
    """One date of a series as it stands: its text, and where it is if stored. `row` is its override's, if any."""

    key: str
    text: str
    cancelled: bool
    is_exception: bool
    start: datetime
    end: datetime
    occurrence: Occurrence
    is_first: bool
    row: Event | None


@dataclass(frozen=True, slots=True)
class Whole:
    """An event as a whole: its row, its text as it stands, and the keys of its EXDATEs if it is a series."""

    event: Event
    text: str
    excluded: list[str]


async def open_whole(write: Write, event_id: str) -> Whole | None:
    """The event to be changed as a whole, in one look."""
    row = await write.tx.one(sql.open_event, {"calendar_id": write.calendar.id, "event_id": event_id})
    return None if row is None else Whole(event_of_row(row[:-2]), row[-2], row[-1] or [])


async def find_whole(write: Write, wire_id: str) -> Whole | None:
    """The event that an id names as a whole; None where it names one date of a series. Raises `not_found`."""
    event_id, key = split_id(wire_id)
    if key:
        return None
    found = await open_whole(write, event_id)
    if found is None:
        raise no_such_event(wire_id)
    return found


async def find_event(write: Write, wire_id: str) -> tuple[Event, str]:
    """The event an id names, and the key of the date it names, '' for the whole. A date that a split gave to a
    successor is found there. Raises `not_found`."""
    event_id, key = split_id(wire_id)
    for _ in range(MOST_SPLITS):
        event = await read_row(write, event_id)
        if event is None or (key and not event.is_series):
            break
        if key:
            key = key_in(event.series(write.calendar.timezone), key)
        if not key or at(event.series(write.calendar.timezone), key) is not None:
            return event, key
        successor = event.successor_of(key)
        if successor is None:
            break
        event_id = successor
        row = await read_row(write, event_id)
        if row is not None and row.is_series:
            key = key_in(row.series(write.calendar.timezone), key)
    raise no_such_event(wire_id)


async def read_row(write: Write, event_id: str, key: str = "") -> Event | None:
    params = {"calendar_id": write.calendar.id, "event_id": event_id, "key": key}
    row = await write.tx.one(sql.read_event, params)
    return None if row is None else event_of_row(row)


async def read_overrides(write: Write, event_id: str) -> list[Event]:
    params = {"calendar_id": write.calendar.id, "event_id": event_id}
    return [event_of_row(row) for row in await write.tx.all(sql.read_overrides, params)]


async def read_specials(write: Write, event_id: str) -> dict[str, Special]:
    params = {"calendar_id": write.calendar.id, "event_id": event_id}
    rows = await write.tx.all(sql.read_specials, params)
    return {row[0]: Special(*row) for row in rows}


async def read_text(write: Write, event: Event) -> str:
    """The present text of a whole event: the before-image of its change."""
    params = {"calendar_id": write.calendar.id, "event_id": event.id, "key": ""}
    row = await write.tx.one(sql.read_series_text if event.is_series else sql.read_text, params)
    assert row is not None
    return str(row[0])


async def find_date(write: Write, series: Event, key: str, wire_id: str) -> Date:
    """One date of a series, stored or not. A bare date on a series with several a day means its first. Raises
    `not_found` when the series does not make it."""
    params = {"calendar_id": write.calendar.id, "event_id": series.id}
    recurrence = series.series(write.calendar.timezone)
    made = at(recurrence, key_in(recurrence, key))
    if made is None:
        raise no_such_event(wire_id)
    row = None
    for key in reversed(stored_keys(recurrence, made)):
        row = await write.tx.one(sql.read_text, {**params, "key": key})
        if row is not None:
            break
    else:
        key = made.key
    first = first_of(recurrence)
    is_first = first is not None and first.key == made.key
    if row is None:
        text = occurrence_text(series, own_json(series, made), shared_json(series), key=key)
        return Date(key, text, False, False, made.start, made.end, made, is_first, None)
    text, cancelled, is_exception, _, start, end = row
    override = await read_row(write, series.id, key) if is_exception else None
    return Date(key, text, cancelled, is_exception, start, end, made, is_first, override)
