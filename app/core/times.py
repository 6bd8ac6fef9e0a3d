"""Wall time + zone → instant, and the texts that times, durations and offsets travel as.

Terms: an *instant* is an aware datetime in UTC; a *wall time* is a naive datetime that always travels with
its zone, its `fold` (PEP 495) telling the second pass of an hour that happens twice; all are in whole
seconds, as iCalendar's are. Zones come from `load_zone` only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final, NoReturn, Self
from zoneinfo import ZoneInfo

from app.core.zones import TZDATA_VERSION, load_zone, nearest_zones
from app.errors import Problem

__all__ = [
    "MAX_LENGTH",
    "MAX_OFFSET",
    "MAX_YEAR",
    "MIN_YEAR",
    "TZDATA_VERSION",
    "Length",
    "Moment",
    "end_of",
    "format_instant",
    "format_length",
    "format_local",
    "format_wait",
    "instant_of",
    "load_zone",
    "midnight_of",
    "nearest_zones",
    "parse_duration",
    "parse_offset",
    "parse_time",
    "place",
    "wall_of",
]

MIN_YEAR: Final = 1900  # zone data before it is local mean time, with offsets in odd seconds
MAX_YEAR: Final = 2999  # the zone rules repeat without end; a later year is a mistyped one
MAX_LENGTH: Final = timedelta(days=36_525)  # a hundred years: longer is a wrong unit, and ends stay in datetime's range
MAX_OFFSET: Final = timedelta(days=30)  # how far a reminder may lie from its event, either way

ONE_DAY: Final = timedelta(days=1)
ONE_SECOND: Final = timedelta(seconds=1)

_TIME: Final = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]{1,9})?)?"
    r"(?P<offset>[Zz]|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_DURATION: Final = re.compile(
    r"\+?P(?=[0-9T])(?:(?P<weeks>[0-9]{1,9})W)?(?:(?P<days>[0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,9})H)?(?:(?P<minutes>[0-9]{1,9})M)?(?:(?P<seconds>[0-9]{1,9})S)?)?"
)
_OFFSET: Final = re.compile(r"(?P<sign>[+-])(?P<number>[0-9]{1,7})(?P<unit>[smhd])")
_OFFSET_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SHOWN_LENGTH: Final = 60  # characters of a caller's text that an error repeats


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…"


# ---------------------------------------------------------------------------------------------- reading a time


def _unreadable(text: str, why: str) -> NoReturn:
    raise Problem(
        "invalid_time",
        f"“{_shown(text)}” {why}.",
        "Write a time as 2026-03-01T09:00:00 (local), 2026-03-01T09:00:00-07:00 or 2026-03-01T16:00:00Z,"
        " a whole day as 2026-03-01.",
    )


def _tzinfo(offset: str) -> timezone | None:
    """None when the offset is out of range. `Z` and `-00:00` are `UTC` itself, `+00:00` an equal but other
    object: RFC 9557 §2 and §3.4: the first two say nothing about the local time, the third does.
    """
    if offset in ("Z", "z", "-00:00", "-0000"):
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if hours > 23 or minutes > 59:
        return None
    size = timedelta(hours=hours, minutes=minutes)
    return timezone(-size if offset[0] == "-" else size, f"{offset[:3]}:{offset[-2:]}")


def parse_time(text: str) -> date | datetime:
    """A date for `YYYY-MM-DD`, else a datetime: naive without an offset, aware with one.

    `T` and `Z` in either case, a blank for `T`, `±HHMM` and left-out seconds are taken; fractions are
    dropped. Raises `Problem("invalid_time")` for everything else, for 24:00, second 60, and years outside
    1900-2999.
    """
    if not isinstance(text, str):
        _unreadable(str(text), "is not a time given as text")
    match = _TIME.fullmatch(text.strip(" "))
    if match is None:
        _unreadable(text, "cannot be read as a date or a time")
    try:
        day = date.fromisoformat(match["date"])
    except ValueError:
        _unreadable(text, "names a date that does not exist")
    if not MIN_YEAR <= day.year <= MAX_YEAR:
        _unreadable(text, f"lies outside the years {MIN_YEAR} to {MAX_YEAR}")
    if match["hour"] is None:
        return day
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    if hour > 23 or minute > 59 or second > 59:
        _unreadable(text, "names a time of day that does not exist; hours go to 23, minutes and seconds to 59")
    zone = None
    if match["offset"] is not None and (zone := _tzinfo(match["offset"])) is None:
        _unreadable(text, "carries an offset that does not exist")
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=zone)


# ------------------------------------------------------------------------------------------ wall time ↔ instant


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which clocks in `zone` show `wall`.

    In a gap the offset before it applies (02:30 becomes 03:30, RFC 5545 §3.3.5), whatever `wall.fold`; an
    hour that happens twice means its first pass unless `wall.fold` is 1.
    """
    aware = wall.replace(tzinfo=zone)
    if wall.fold and _is_gap(wall, zone):
        aware = aware.replace(fold=0)
    return aware.astimezone(UTC)


def _is_gap(wall: datetime, zone: ZoneInfo) -> bool:
    """Whether clocks in `zone` never show `wall`: PEP 495 gives such a time the smaller offset at fold 0."""
    before, after = (wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    assert before is not None
    assert after is not None
    return before < after


def is_turning(wall: datetime, zone: ZoneInfo) -> bool:
    """Whether clocks in `zone` show this wall time twice or not at all."""
    return wall.replace(tzinfo=zone, fold=0).utcoffset() != wall.replace(tzinfo=zone, fold=1).utcoffset()


def wall_of(instant: datetime, zone: ZoneInfo) -> datetime:
    """What clocks in `zone` show at `instant`: naive, with `fold` 1 on the second pass."""
    return instant.astimezone(zone).replace(tzinfo=None)


def midnight_of(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which `day` begins in `zone`; where a gap swallows midnight, the end of the gap."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Moment:
    """A wall time together with the zone it is read in."""

    wall: datetime
    zone: ZoneInfo

    @property
    def instant(self) -> datetime:
        return instant_of(self.wall, self.zone)


def place(parsed: datetime, zone: ZoneInfo, *, zone_is_explicit: bool) -> Moment:
    """Where a parsed time lies in `zone`: a naive one is read there, an aware one is that instant seen from
    there.

    Raises `Problem("offset_mismatch")` with both readings when the caller named the zone (`zone_is_explicit`)
    and the time carries a numeric offset that contradicts it. `Z` never does (RFC 9557 §3.4).
    """
    if parsed.tzinfo is None:
        return Moment(parsed, zone)
    instant = parsed.astimezone(UTC)
    wall = wall_of(instant, zone)
    if zone_is_explicit and parsed.tzinfo is not UTC:
        written = parsed.replace(tzinfo=None)
        as_local = instant_of(written, zone)
        if written != wall and as_local != instant:
            raise Problem(
                "offset_mismatch",
                f"“{parsed.isoformat()}” contradicts {zone.key}, which is at {format_local(as_local, zone)[19:]} then.",
                f"By its offset it is {format_instant(instant)} ({format_local(instant, zone)}); by the zone it is"
                f" {format_instant(as_local)} ({format_local(as_local, zone)}). Send the one you mean, or leave the"
                " offset out.",
            )
    return Moment(wall, zone)


# ------------------------------------------------------------------------------------------------ length of time


@dataclass(frozen=True, slots=True)
class Length:
    """How long an event lasts: nominal `days` (the same clock time so many days later), then exact `seconds`.

    An event given by its end has an exact length, one given by a DURATION a nominal one (RFC 5545 §3.8.5.3).
    """

    days: int
    seconds: int

    @classmethod
    def between(cls, start: datetime, end: datetime) -> Self:
        """The exact length from one instant to a later one."""
        return cls(0, (end - start) // ONE_SECOND)


def end_of(start: datetime, zone: ZoneInfo, length: Length) -> datetime:
    """The instant at which something that starts at the instant `start` is over."""
    if length.days:
        start = instant_of(wall_of(start, zone) + ONE_DAY * length.days, zone)
    return start + timedelta(seconds=length.seconds)


def parse_duration(text: str) -> Length:
    """An ISO 8601 duration of weeks, days, hours, minutes and seconds (RFC 5545 §3.3.6); `P1D` is one nominal
    day.

    Raises `Problem("invalid_time")` for years and months, fractions, negative and empty durations, and those
    longer than `MAX_LENGTH`.
    """
    match = _DURATION.fullmatch(text.strip(" ").upper()) if isinstance(text, str) else None
    if match is None:
        why = "is negative" if str(text).strip().startswith("-") else "is not a duration"
        raise Problem(
            "invalid_time",
            f"“{_shown(str(text))}” {why}.",
            "Write PT30M, PT1H30M, P1D or P2W: whole weeks, days, hours, minutes and seconds; no years, no months.",
        )
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    length = Length(weeks * 7 + days, hours * 3600 + minutes * 60 + seconds)
    if length.days * 86_400 + length.seconds > MAX_LENGTH.total_seconds():
        raise Problem("invalid_time", f"“{_shown(text)}” is longer than a hundred years.", "Check its unit.")
    return length


def _clock_parts(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = ((hours, "H"), (minutes, "M"), (seconds, "S"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)


def format_length(length: Length) -> str:
    """ISO 8601, reading back as an equal `Length`: exact hours never become days."""
    days = f"{length.days}D" if length.days else ""
    clock = _clock_parts(length.seconds)
    if clock:
        return f"P{days}T{clock}"
    return f"P{days}" if days else "PT0S"


def format_wait(wait: timedelta) -> str:
    """ISO 8601 in hours, minutes and whole seconds, never days: `PT49H`. Nothing left to wait is `PT0S`."""
    return f"PT{_clock_parts(max(wait // ONE_SECOND, 0)) or '0S'}"


def parse_offset(text: str) -> timedelta:
    """A reminder's offset from the start of its event: `0`, `-5m`, `+10m`, `-90s`, `-1h`, `-2d` (exact days).

    Raises `Problem("invalid_field")` for anything else, and beyond 30 days either way.
    """
    if text == "0":
        return timedelta(0)
    match = _OFFSET.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise Problem(
            "invalid_field",
            f"“{_shown(str(text))}” is not an offset.",
            "Write a sign, a number and s, m, h or d, such as -5m (five minutes before) or +10m (after), or 0.",
        )
    size = timedelta(seconds=int(match["number"]) * _OFFSET_UNITS[match["unit"]])
    if size > MAX_OFFSET:
        raise Problem("invalid_field", f"“{text}” is more than 30 days away.", "Use an offset from -30d to +30d.")
    return -size if match["sign"] == "-" else size


# ------------------------------------------------------------------------------------------------------ the wire


def format_instant(instant: datetime) -> str:
    """`2026-03-01T16:00:00.000Z`, in UTC with milliseconds."""
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC)
    return instant.isoformat(timespec="milliseconds")[:23] + "Z"


def format_local(instant: datetime, zone: ZoneInfo) -> str:
    """`2026-03-01T09:00:00-07:00`: the instant as clocks in `zone` show it; an offset has seconds only if it
    must.
    """
    return instant.astimezone(zone).isoformat(timespec="seconds")
