"""The POSIX TZ rule at the foot of a TZif file (RFC 8536 3.3.1): onsets of a year, and RRULEs for ever."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from app.ical.tzif import Kind, Onset

DAY: Final = 86_400
_EPOCH: Final = date(1970, 1, 1).toordinal()
_WEEKDAYS: Final = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")  # POSIX counts from Sunday
_COMMON_YEAR: Final = 2001

_NAME: Final = r"(?:<[^>]+>|[A-Za-z]+)"
_TIME: Final = r"[+-]?\d+(?::\d+){0,2}"
_FOOTER: Final = re.compile(
    rf"(?P<std>{_NAME})(?P<west>{_TIME})"
    rf"(?:(?P<dst>{_NAME})(?P<dst_west>{_TIME})?,(?P<starts>[^,]+),(?P<ends>[^,]+))?"
)
_TURN: Final = re.compile(rf"(?:M(\d+)\.(\d)\.(\d)|(J?)(\d+))(?:/({_TIME}))?")


class _Days(Protocol):
    """The date of each year on which a turn counts its time from."""

    def ordinal(self, year: int) -> int: ...

    def rules(self, later: int) -> list[tuple[int | None, str]]:
        """BY parts that together name the date `later` days after it, each with its month (None: all)."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """A yearly clock change: a date, and seconds of wall time from its midnight (even < 0 or > 24 h)."""

    days: _Days
    seconds: int

    def wall(self, year: int) -> int:
        """The turn in `year` on the clock that it changes: seconds since 1970-01-01T00:00 of that clock."""
        return (self.days.ordinal(year) - _EPOCH) * DAY + self.seconds

    def rules(self) -> list[tuple[int | None, str]]:
        """BY parts that name the date the clock shows at the turn, each with its month, or None for all."""
        return self.days.rules(self.seconds // DAY)


@dataclass(frozen=True, slots=True)
class Saving:
    """The yearly pair of turns: to `kind` at `starts`, back at `ends`."""

    kind: Kind
    starts: Turn
    ends: Turn


@dataclass(frozen=True, slots=True)
class Footer:
    """`standard` for ever, or in turn with `saving`."""

    standard: Kind
    saving: Saving | None

    def onsets(self, year: int) -> list[Onset]:
        """The two onsets of this year's turns, start of saving first; none without saving."""
        saving = self.saving
        if saving is None:
            return []
        return [
            Onset(saving.starts.wall(year) - self.standard.offset, self.standard, saving.kind),
            Onset(saving.ends.wall(year) - saving.kind.offset, saving.kind, self.standard),
        ]


def parse_footer(text: str) -> Footer:
    """The rule that `text` spells, such as `MST7MDT,M3.2.0,M11.1.0`. Raises ValueError when it is none."""
    found = _FOOTER.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a POSIX TZ rule with its dates.")
    standard = Kind(-_seconds(found["west"]), False, found["std"].strip("<>"))
    if found["dst"] is None:
        return Footer(standard, None)
    offset = -_seconds(found["dst_west"]) if found["dst_west"] else standard.offset + 3600
    saving = Kind(offset, True, found["dst"].strip("<>"))
    footer = Footer(standard, Saving(saving, _turn(found["starts"]), _turn(found["ends"])))
    (_, ends), (starts_again, _) = footer.onsets(_COMMON_YEAR), footer.onsets(_COMMON_YEAR + 1)
    if ends.at >= starts_again.at:  # saving all year round is spelt as an end that the next start overtakes
        return Footer(saving, None)
    return footer


def _turn(text: str) -> Turn:
    found = _TURN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a date of a POSIX TZ rule.")
    month, week, weekday, julian, day, time = found.groups()
    seconds = _seconds(time) if time else 2 * 3600
    if month is not None:
        return Turn(_Weekday(int(month), int(week), int(weekday)), seconds)
    return Turn(_Julian(int(day)) if julian else _FromNewYear(int(day)), seconds)


def _seconds(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    hours, minutes, seconds = (*(int(part) for part in text.lstrip("+-").split(":")), 0, 0)[:3]
    return sign * (hours * 3600 + minutes * 60 + seconds)


@dataclass(frozen=True, slots=True)
class _Weekday:
    """`Mm.w.d`: the w-th weekday d of a month, the last one for w = 5."""

    month: int
    week: int
    weekday: int

    def ordinal(self, year: int) -> int:
        if self.week == 5:
            last = date(year + self.month // 12, self.month % 12 + 1, 1).toordinal() - 1
            return last - (last - self.weekday) % 7  # ordinals of Sundays are multiples of seven
        first = date(year, self.month, 1).toordinal()
        return first + (self.weekday - first) % 7 + 7 * (self.week - 1)

    def rules(self, later: int) -> list[tuple[int | None, str]]:
        weekday = _WEEKDAYS[(self.weekday + later) % 7]
        if later == 0:
            return [(None, f"BYMONTH={self.month};BYDAY={-1 if self.week == 5 else self.week}{weekday}")]
        # The weekday falls on one of seven dates in a row, and so does what comes `later`.
        if self.week == 5:
            first = _yearday(self.month, 1) + _month_length(self.month) - 7
            from_end = self.month > 1
        else:
            first = _yearday(self.month, 7 * self.week - 6)
            from_end = self.month > 2
        first += later - (366 if from_end else 0)
        return _by_days(range(first, first + 7), from_end=from_end, weekday=weekday)


@dataclass(frozen=True, slots=True)
class _Julian:
    """`Jn`: day n of the year, 1 to 365, where 29 February is never counted."""

    day: int

    def ordinal(self, year: int) -> int:
        day = date.fromordinal(date(_COMMON_YEAR, 1, 1).toordinal() + self.day - 1)
        return day.replace(year=year).toordinal()

    def rules(self, later: int) -> list[tuple[int | None, str]]:
        from_end = self.day > 59
        yearday = self.day + later - (366 if from_end else 0)
        return _by_days((yearday,), from_end=from_end)


@dataclass(frozen=True, slots=True)
class _FromNewYear:
    """`n`: n days after 1 January, with 29 February counted."""

    day: int

    def ordinal(self, year: int) -> int:
        return date(year, 1, 1).toordinal() + self.day

    def rules(self, later: int) -> list[tuple[int | None, str]]:
        return _by_days((self.day + 1 + later,), from_end=False)


def _by_days(yeardays: Iterable[int], *, from_end: bool, weekday: str | None = None) -> list[tuple[int | None, str]]:
    """BY parts for days of the year counted from its ends: 1 is 1 January, -1 is 31 December.

    Counted from the nearer side of 29 February, a date keeps its number in leap years. `from_end` says which
    side: a run may reach into the neighbouring year (0 and below from the start, 0 and above from the end).
    Month by month rather than BYYEARDAY, which few readers of VTIMEZONEs know; where a leap year decides the
    date, there is no other way to say it.
    """
    suffix = f";BYDAY={weekday}" if weekday else ""
    months: dict[int, list[int]] = {}
    for yearday in yeardays:
        place = _place(yearday, from_end=from_end)
        if place is None:
            return [(None, f"BYYEARDAY={','.join(map(str, yeardays))}{suffix}")]
        months.setdefault(place[0], []).append(place[1])
    return [
        (month if len(months) > 1 else None, f"BYMONTH={month};BYMONTHDAY={','.join(map(str, days))}{suffix}")
        for month, days in months.items()
    ]


def _place(yearday: int, *, from_end: bool) -> tuple[int, int] | None:
    """The month and day of month that `yearday` is in every year, or None when leap years differ."""
    if from_end and yearday < -306:  # before 1 March: counted from the end of February
        return 2, yearday + 306
    if not from_end and yearday > 59:  # after 28 February
        return None
    new_year = date(_COMMON_YEAR + from_end, 1, 1).toordinal()
    day = date.fromordinal(new_year + yearday - (0 if from_end else 1))
    return day.month, day.day


def _yearday(month: int, day: int) -> int:
    return (date(_COMMON_YEAR, month, day) - date(_COMMON_YEAR, 1, 1)).days + 1


def _month_length(month: int) -> int:
    return _yearday(month % 12 + 1, 1) - _yearday(month, 1) if month < 12 else 31
