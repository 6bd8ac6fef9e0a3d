"""Times of day in words, true also on the dates when the clocks change.

"22:00–06:00" is wrong on the night the clocks go forward, when an event of eight hours ends at 07:00. So where dates
may meet a change, the length is said instead of the end, and a time that clocks skip is said to be later that day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from app.core.offsets import DAY, seconds_of, transitions_between
from app.core.times import Length
from app.core.wording import clock, length_words, listed, numbered, place

_WEEK: Final = 7 * DAY
_ONE_UNIT: Final = {"1 hour": "hour", "1 minute": "minute", "1 second": "second"}
_MONDAY: Final = 3 * DAY  # 1970-01-01 was a Thursday
_YEARS: Final = 5  # how far changes are looked at: the weekdays and hours of a zone's changes repeat within these
_SHOWN_TIMES: Final = 4  # more times of day than these are summed up
_LONGEST_SPANS: Final = 60  # characters; where spans need more, the times and one length are shorter
_COMPARED_TIMES: Final = 24  # more than these are taken to meet a change without being held against each


class Change(NamedTuple):
    """Clocks that show `turn`, in seconds since Monday 00:00, go forward by `size` seconds; back where negative."""

    turn: int
    size: int

    def skips(self, start: int) -> bool:
        return self.size > 0 and (start - self.turn) % _WEEK < self.size

    def repeats(self, start: int) -> bool:
        return self.size < 0 and (self.turn - start - 1) % _WEEK < -self.size

    def is_within(self, start: int, seconds: int) -> bool:
        """Whether something that begins at `start` ends at another clock time than its length says."""
        ahead = (self.turn - start) % _WEEK
        return 0 < ahead < seconds or (0 < ahead == seconds and self.size < 0)


@lru_cache(maxsize=4096)
def _changes(zone: ZoneInfo, year: int) -> tuple[Change, ...]:
    """The kinds of change that a zone has from `year` on."""
    low, high = seconds_of(datetime(year, 1, 1)), seconds_of(datetime(year + _YEARS, 1, 1))
    found = transitions_between(low, high, zone)
    return tuple({Change((each.at + each.before + _MONDAY) % _WEEK, each.after - each.before) for each in found})


class Clock(NamedTuple):
    """The times of day of a series: `times` in seconds, on `weekdays` (0 is Monday), from `year` on."""

    times: tuple[int, ...]
    length: Length
    zone: ZoneInfo
    weekdays: tuple[int, ...]
    year: int

    @property
    def has_exact_end(self) -> bool:
        """Whether the end is a clock time on the same day or in the night after."""
        return self.length.days == 0 and 0 < self.length.seconds < DAY

    @property
    def starts(self) -> list[int]:
        """In seconds since Monday 00:00."""
        return [weekday * DAY + time for weekday in self.weekdays for time in self.times]


@lru_cache(maxsize=4096)
def is_regular(clock: Clock) -> bool:
    """Whether each time comes exactly once on each date, in a zone whose clocks change by whole hours."""
    kinds = _changes(clock.zone, clock.year)
    if len(clock.times) > _COMPARED_TIMES:
        return not kinds
    if any(kind.size % 3600 for kind in kinds):
        return False
    return not any(kind.skips(start) or kind.repeats(start) for kind in kinds for start in clock.starts)


@lru_cache(maxsize=4096)
def clock_words(clock: Clock) -> str:
    """`09:00–09:30 in New York`, `at 22:00 in New York for 8 hours`, `at 09:00 and 17:00 UTC`."""
    kinds = _changes(clock.zone, clock.year)
    times, length = clock.times, clock.length
    if len(times) > _COMPARED_TIMES:
        skipped = within = bool(kinds)
    else:
        skipped = any(kind.skips(start) for kind in kinds for start in clock.starts)
        within = any(kind.is_within(start, length.seconds) for kind in kinds for start in clock.starts)
    where = place(clock.zone.key)
    if clock.has_exact_end and len(times) <= _SHOWN_TIMES and not (skipped or within):
        spans = listed([_range(time, length.seconds) for time in times])
        if len(spans) <= _LONGEST_SPANS:
            return f"{spans} {where}"
    words = f"{_times(times)} {where}{' (later where clocks skip it)' if skipped else ''}"
    if length == Length(0, 0):
        return words
    return f"{words}{'' if len(times) == 1 else ', each'} for {length_words(length)}"


def _range(start: int, seconds: int) -> str:
    end = start + seconds
    return f"{clock(start)}–{clock(end)}" if end <= DAY else f"{clock(start)}–{clock(end - DAY)} the next day"


def _times(times: Sequence[int]) -> str:
    if len(times) <= _SHOWN_TIMES:
        return f"at {listed([clock(time) for time in times])}"
    span = f"from {clock(times[0])} to {clock(times[-1])}"
    steps = {later - earlier for earlier, later in pairwise(times)}
    if len(steps) == 1:
        step = length_words(Length(0, steps.pop()))
        return f"every {_ONE_UNIT.get(step, step)} {span}"
    return f"at {numbered(len(times), 'time')} of day {span}"
