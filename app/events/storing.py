"""From an Event and its dates to the rows that hold them, caches included."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from app.calendars.writing import Write
from app.core.series import Occurrence
from app.core.times import end_of, instant_of, load_zone, midnight_of
from app.events.materialise import last_of
from app.events.model import Event, event_params
from app.events.render import (
    RENDERER,
    occurrence_text,
    override_json,
    own_json,
    series_json,
    series_text,
    shared_json,
    vevent_text,
)
from app.events.sql import sql

_DAY: Final = timedelta(days=1)
_SEPARATOR: Final = "\x1e"  # JSON texts never hold it bare


def put_single(write: Write, event: Event, statement: str) -> str:
    """Store a single event with its one occurrence; returns its text. `statement` inserts or updates the row."""
    occurrence = only_occurrence(event, write.calendar.timezone)
    shared, own = shared_json(event), own_json(event, occurrence)
    _put_row(write, event, statement, shared, None, vevent_text(event), occurrence.start, None)
    _put_occurrence(write, event, occurrence.start, occurrence.end, own)
    return occurrence_text(event, own, shared)


def put_series(write: Write, event: Event, statement: str, first: Occurrence, excluded: Sequence[str]) -> str:
    """Store what was written of a series; returns its text. `excluded` are the keys of the dates it makes and does
    not have (EXDATE). Its dates are stored by `put_dates`."""
    zone = write.calendar.timezone
    shared, own = shared_json(event), series_json(event, first)
    last_at = last_of(event.series(zone))
    _put_row(write, event, statement, shared, own, vevent_text(event, excluded), first.start, last_at)
    return series_text(event, own, shared)


def put_override(write: Write, event: Event, series: Event, statement: str, *, cancelled: bool) -> str:
    """Store an override and the occurrence it is; returns the occurrence's text."""
    start, end = span(event, write.calendar.timezone)
    shared, own = shared_json(event), override_json(event, start, end)
    _put_row(write, event, statement, shared, None, vevent_text(event, series=series), start, None)
    _put_occurrence(write, event, start, end, own, cancelled=cancelled, is_exception=True)
    return occurrence_text(event, own, shared, cancelled=cancelled, is_exception=True)


def put_dates(write: Write, event: Event, dates: Sequence[Occurrence]) -> None:
    """Store dates of a series that follow it in everything. What is stored under the same keys stays as it is."""
    _put_many(write, event, dates, sql.put_occurrences)


def put_cancelled_dates(write: Write, event: Event, dates: Sequence[Occurrence]) -> None:
    """Store dates of a series as cancelled, whether or not they were stored; their tag is the event's."""
    _put_many(write, event, dates, sql.put_cancelled_occurrences)


def _put_many(write: Write, event: Event, dates: Sequence[Occurrence], statement: str) -> None:
    if not dates:
        return
    write.occurrences_quota.take(len(dates))
    _note_longest(write, longest(dates))
    params = date_params(event, write.calendar.timezone, dates)
    identity = {"calendar_id": event.calendar_id, "event_id": event.id, "version": event.version}
    write.tx.later(statement, identity | params)


def date_params(event: Event, calendar_zone: str, dates: Sequence[Occurrence]) -> dict[str, str]:
    """Many dates as texts of joined values, as `put_occurrences` takes them."""
    first_day_ends = moments = [""] * len(dates)
    if event.all_day:
        zone = load_zone(calendar_zone)
        first_day_ends = [str(int(midnight_of(date.original.date() + _DAY, zone).timestamp())) for date in dates]
        if event.zone != calendar_zone:
            own = load_zone(event.zone)
            moments = [str(int(midnight_of(date.original.date(), own).timestamp())) for date in dates]
    return {
        "keys": ",".join([date.key for date in dates]),
        "starts": ",".join([str(int(date.start.timestamp())) for date in dates]),
        "ends": ",".join([str(int(date.end.timestamp())) for date in dates]),
        "first_day_ends": ",".join(first_day_ends),
        "moments": ",".join(moments),
        "own_jsons": _SEPARATOR.join([own_json(event, date) for date in dates]),
    }


def longest(dates: Sequence[Occurrence]) -> timedelta:
    return max(date.end - date.start for date in dates)


def put_cancelled(write: Write, event: Event, date: Occurrence) -> str:
    """Store one date as cancelled, whether or not it was stored; returns its text."""
    own = own_json(event, date)
    _put_occurrence(write, event, date.start, date.end, own, key=date.key, cancelled=True, day=date.original.date())
    return occurrence_text(event, own, shared_json(event), key=date.key, cancelled=True)


def only_occurrence(event: Event, calendar_zone: str) -> Occurrence:
    """The one time a single event happens."""
    start, end = span(event, calendar_zone)
    return Occurrence(key="", original=event.start_wall, start=start, end=end)


def span(event: Event, calendar_zone: str) -> tuple[datetime, datetime]:
    """The instants at which a single event or an override starts and ends."""
    zone = load_zone(calendar_zone if event.all_day else event.zone)
    if event.all_day:
        first = event.start_wall.date()
        return midnight_of(first, zone), midnight_of(first + event.length.days * _DAY, zone)
    start = instant_of(event.start_wall, zone)
    return start, end_of(start, zone, event.length)


def keep_window(write: Write, since: datetime, through: datetime) -> None:
    """Narrow what the calendar says is stored of all its series by what is stored of one."""
    calendar = write.calendar
    calendar.stored_from = max(calendar.stored_from, since)
    calendar.stored_through = min(calendar.stored_through, through)


def _note_longest(write: Write, length: timedelta) -> None:
    write.calendar.longest_seconds = max(write.calendar.longest_seconds, int(length.total_seconds()))


def _put_row(
    write: Write,
    event: Event,
    statement: str,
    shared: str,
    series: str | None,
    vevent: str,
    start_at: datetime,
    last_at: datetime | None,
) -> None:
    write.tx.later(statement, row_params(event, shared, series, vevent, start_at, last_at))


def row_params(
    event: Event, shared: str, series: str | None, vevent: str, start_at: datetime, last_at: datetime | None
) -> dict[str, Any]:
    """An event's row by column, caches included."""
    caches: dict[str, Any] = {
        "shared_json": shared,
        "series_json": series,
        "vevent": vevent,
        "renderer": RENDERER,
        "start_at": start_at,
        "last_at": last_at,
    }
    return event_params(event) | caches


def _put_occurrence(
    write: Write,
    event: Event,
    start: datetime,
    end: datetime,
    own: str,
    *,
    key: str | None = None,
    cancelled: bool = False,
    is_exception: bool = False,
    day: date | None = None,
) -> None:
    _note_longest(write, end - start)
    params = occurrence_params(
        event,
        write.calendar.timezone,
        start,
        end,
        own,
        key=key,
        cancelled=cancelled,
        is_exception=is_exception,
        day=day,
    )
    write.tx.later(sql.put_occurrence, params)


def occurrence_params(
    event: Event,
    calendar_zone: str,
    start: datetime,
    end: datetime,
    own: str,
    *,
    key: str | None = None,
    cancelled: bool = False,
    is_exception: bool = False,
    day: date | None = None,
) -> dict[str, Any]:
    """One date's row by column."""
    first_day_end = moment = None
    if event.all_day:
        day = day or event.start_wall.date()
        first_day_end = midnight_of(day + _DAY, load_zone(calendar_zone))
        moment = midnight_of(day, load_zone(event.zone)) if event.zone != calendar_zone else None
    return {
        "calendar_id": event.calendar_id,
        "event_id": event.id,
        "key": event.key if key is None else key,
        "start_at": start,
        "end_at": end,
        "first_day_end": first_day_end,
        "cancelled": cancelled,
        "is_exception": is_exception,
        "orphaned": False,
        "version": event.version if cancelled else None,
        "own_json": own,
        "moment": moment,
    }
