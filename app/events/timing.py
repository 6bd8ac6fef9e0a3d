"""From the wire's start, end, duration, all_day and timezone to when an event is, and back from nothing else.

The decisions (ARCHITECTURE.md, Time): a start without offset is read in `timezone`, else in the event's zone, else
the calendar's. An offset that contradicts an explicit `timezone` is refused. An end gives an exact length, a
duration a nominal one.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Protocol

from app.core.times import Length, instant_of, load_zone, parse_duration, parse_time, place, wall_of
from app.errors import Problem
from app.events.model import Event
from app.events.schemas import EventUpdate

TIMING_FIELDS: Final = frozenset({"start", "end", "duration", "all_day", "timezone"})


@dataclass(frozen=True, slots=True)
class Timing:
    """When an event is: the fields of `Event` that say so."""

    all_day: bool
    start_wall: datetime
    zone: str
    zone_given: bool
    instant_given: bool
    length: Length


class Timed(Protocol):
    """What of a body says when an event is."""

    @property
    def start(self) -> str: ...
    @property
    def end(self) -> str | None: ...
    @property
    def duration(self) -> str | None: ...
    @property
    def all_day(self) -> bool | None: ...
    @property
    def timezone(self) -> str | None: ...


def timing_of(fields: Timed, calendar_zone: str) -> Timing:
    """The timing of a new event. Raises `invalid_time`, `invalid_timezone`, `offset_mismatch`,
    `end_before_start`, or `invalid_field` where the forms of start, end and all_day do not fit together."""
    zone, zone_given = _zone(fields.timezone, calendar_zone)
    start = read_time(fields.start, "start")
    all_day = _all_day(start, fields.all_day)
    if all_day:
        wall = datetime.combine(start, time())
        length = _whole_days(wall.date(), fields.end, fields.duration)
        assert length is not None
        return Timing(True, wall, zone, zone_given, False, length)
    assert isinstance(start, datetime)
    wall = _placed(start, zone, zone_given, "start")
    length = _lapse(wall, zone, zone_given, fields.end, fields.duration)
    assert length is not None
    return Timing(False, wall, zone, zone_given, start.tzinfo is not None and not zone_given, length)


def retimed(old: Event, fields: EventUpdate, given: Set[str], calendar_zone: str) -> Timing:
    """The timing of `old` after a change: start alone keeps the length, end alone keeps the start.

    A new timezone alone keeps the wall time of an event that was written in wall time, and the instant of one that
    was written as an instant. null for timezone means the calendar's zone.
    """
    zone, zone_given = old.zone, old.zone_given
    if "timezone" in given:
        zone, zone_given = _zone(fields.timezone, calendar_zone)
    start = read_time(fields.start, "start") if fields.start is not None else None
    wanted = old.all_day if fields.all_day is None else fields.all_day
    all_day = wanted if start is None else _all_day(start, wanted)
    if all_day != old.all_day and start is None:
        form = "a date, such as 2026-03-01" if all_day else "a time, such as 2026-03-01T09:00:00"
        raise Problem(
            "invalid_field",
            f"Changing all_day needs a new start: {form}.",
            hint="Give start and end.",
            field="all_day",
        )
    if all_day:
        wall = old.start_wall if start is None else datetime.combine(start, time())
        length = _whole_days(wall.date(), fields.end, fields.duration) or (old.length if old.all_day else Length(1, 0))
        return Timing(True, wall, zone, zone_given, False, length)
    instant_given = old.instant_given
    if start is not None:
        assert isinstance(start, datetime)
        wall = _placed(start, zone, "timezone" in given and zone_given, "start")
        instant_given = start.tzinfo is not None and not zone_given
    elif old.instant_given and zone != old.zone:
        wall = wall_of(instant_of(old.start_wall, load_zone(old.zone)), load_zone(zone))
    else:
        wall = old.start_wall
    lapse = _lapse(wall, zone, zone_given and "timezone" in given, fields.end, fields.duration)
    if lapse is None:
        if old.all_day:
            raise Problem(
                "invalid_field",
                "An all-day event that gets a time needs an end too.",
                hint="Give end or duration.",
                field="end",
            )
        lapse = old.length
    return Timing(False, wall, zone, zone_given, instant_given, lapse)


def _zone(given: str | None, calendar_zone: str) -> tuple[str, bool]:
    if given is None:
        return calendar_zone, False
    try:
        load_zone(given)
    except Problem as problem:
        raise problem.at("timezone") from None
    return given, True


def read_time(text: str, name: str) -> date | datetime:
    """`parse_time`, naming the field at fault."""
    try:
        return parse_time(text)
    except Problem as problem:
        raise problem.at(name) from None


def _all_day(start: date | datetime, wanted: bool | None) -> bool:
    timed = isinstance(start, datetime)
    if wanted is None:
        return not timed
    if wanted and timed:
        raise Problem(
            "invalid_field",
            "An all-day event starts on a date, not at a time.",
            hint=f'Give start as "{start.strftime("%Y-%m-%d")}", or all_day: false.',
            field="start",
        )
    if not wanted and not timed:
        raise Problem(
            "invalid_field",
            "start is a date without a time, and the event is not all-day.",
            hint=f'Give a time, such as "{start.isoformat()}T09:00:00", or all_day: true.',
            field="start",
        )
    return wanted


def _placed(value: datetime, zone: str, zone_is_explicit: bool, name: str) -> datetime:
    try:
        return place(value, load_zone(zone), zone_is_explicit=zone_is_explicit).wall
    except Problem as problem:
        raise problem.at(name) from None


def _whole_days(first: date, end: str | None, duration: str | None) -> Length | None:
    """The days from `first` to the inclusive date `end`, or a duration of whole days."""
    if duration is not None:
        length = _duration(duration)
        if length.seconds or not length.days:
            raise Problem(
                "invalid_field",
                "An all-day event lasts whole days.",
                hint="For example P1D.",
                field="duration",
            )
        return length
    if end is None:
        return None
    last = read_time(end, "end")
    if isinstance(last, datetime):
        raise Problem(
            "invalid_field",
            "An all-day event ends on a date, which is its last day.",
            hint=f'Give end as "{last.strftime("%Y-%m-%d")}".',
            field="end",
        )
    if last < first:
        raise Problem(
            "end_before_start",
            f"The event ends on {last}, before it starts on {first}.",
            hint="end is the last day itself; a one-day event has the same start and end.",
            field="end",
        )
    return Length((last - first) // timedelta(days=1) + 1, 0)


def _lapse(wall: datetime, zone: str, zone_is_explicit: bool, end: str | None, duration: str | None) -> Length | None:
    """The exact time from `wall` to `end`, or the duration as it was given."""
    if duration is not None:
        return _duration(duration)
    if end is None:
        return None
    value = read_time(end, "end")
    if not isinstance(value, datetime):
        raise Problem(
            "invalid_field",
            "start has a time and end has none.",
            hint=f'Give end as a time, such as "{value.isoformat()}T10:00:00".',
            field="end",
        )
    place_ = load_zone(zone)
    start_at = instant_of(wall, place_)
    end_at = instant_of(_placed(value, zone, zone_is_explicit, "end"), place_)
    if end_at < start_at:
        raise Problem(
            "end_before_start",
            f"The event ends at {end}, before it starts at {wall.isoformat()} in {zone}.",
            hint="Give an end at or after start; mind the offsets.",
            field="end",
        )
    return Length(0, int((end_at - start_at).total_seconds()))


def _duration(text: str) -> Length:
    try:
        return parse_duration(text)
    except Problem as problem:
        raise problem.at("duration") from None
