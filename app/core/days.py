"""Which days a rule of FREQ=DAILY or coarser names, period by period; and the day filters of finer ones.

Days are counted from 1970-01-01 (day 0, a Thursday). A period is given as its first day and the offsets of
its matching days, so that the many periods of the same shape (there are 28 kinds of month and 14 of year)
share one tuple.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

from app.core.budget import Budget
from app.core.rule import Freq, Rule, WeekdayNum

_DAY_ZERO: Final = date(1970, 1, 1).toordinal()
_CHUNK: Final = 32  # plain daily and weekly dates handed on at a time

FIRST_DAY: Final = date(1900, 1, 1).toordinal() - _DAY_ZERO
LAST_DAY: Final = date(2999, 12, 31).toordinal() - _DAY_ZERO
"""The last day any rule is followed to."""

Period = tuple[int, Sequence[int]]


class Start(NamedTuple):
    """The local date a series starts on: what a rule takes its missing parts from."""

    day: int
    year: int
    month: int
    monthday: int

    @classmethod
    def on(cls, start: date) -> Start:
        return cls(day_of(start), start.year, start.month, start.day)

    @property
    def weekday(self) -> int:
        return weekday(self.day)


def day_of(when: date) -> int:
    return when.toordinal() - _DAY_ZERO


def date_of(day: int) -> date:
    return date.fromordinal(day + _DAY_ZERO)


def weekday(day: int) -> int:
    """0 is Monday."""
    return (day + 3) % 7


def _first_of(year: int, month: int) -> int:
    return date(year, month, 1).toordinal() - _DAY_ZERO


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


_LENGTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _month_length(year: int, month: int) -> int:
    return 29 if month == 2 and _is_leap(year) else _LENGTHS[month - 1]


def _from_either_end(numbers: Sequence[int], length: int) -> set[int]:
    """Offsets of 1-based positions, negative ones counting from the end."""
    return {n - 1 if n > 0 else length + n for n in numbers if -length <= n <= length}


def _weekdays_within(byday: Sequence[WeekdayNum], first: int, length: int) -> set[int]:
    """Offsets of BYDAY's days in `length` days that begin on weekday `first`."""
    found: set[int] = set()
    for entry in byday:
        every = range((entry.weekday - first) % 7, length, 7)
        if entry.ordinal == 0:
            found.update(every)
        elif abs(entry.ordinal) <= len(every):
            found.add(every[entry.ordinal - 1 if entry.ordinal > 0 else entry.ordinal])
    return found


# --------------------------------------------------------------------------------- limits, for DAILY and finer


def limited_days(rule: Rule) -> Callable[[int, int, int], Sequence[int]] | None:
    """(year, month, first day of the month) → offsets of the days that BYMONTH, BYMONTHDAY, BYDAY and
    BYYEARDAY let pass; None when the rule has none of them.
    """
    if not (rule.bymonth or rule.bymonthday or rule.byday or rule.byyearday):
        return None
    kinds: dict[tuple[int, int], tuple[int, ...]] = {}

    def days_of(year: int, month: int, first: int) -> Sequence[int]:
        if rule.bymonth and month not in rule.bymonth:
            return ()
        length = _month_length(year, month)
        kind = (length, weekday(first))
        found = kinds.get(kind)
        if found is None:
            days = set(range(length))
            if rule.bymonthday:
                days &= _from_either_end(rule.bymonthday, length)
            if rule.byday:
                days &= _weekdays_within(rule.byday, kind[1], length)
            found = kinds[kind] = tuple(sorted(days))
        if rule.byyearday and found:
            new_year = _first_of(year, 1)
            wanted = _from_either_end(rule.byyearday, 366 if _is_leap(year) else 365)
            return [offset for offset in found if first + offset - new_year in wanted]
        return found

    return days_of


def _months(from_day: int, to_day: int) -> Iterator[tuple[int, int, int]]:
    """(year, month, first day) of the months that touch the days given."""
    begin = date_of(from_day)
    year, month = begin.year, begin.month
    first = _first_of(year, month)
    while first <= to_day:
        yield year, month, first
        first += _month_length(year, month)
        month += 1
        if month > 12:
            year, month = year + 1, 1


def days_through(rule: Rule, from_day: int, to_day: int, budget: Budget) -> Iterator[int]:
    """Every day from `from_day` to `to_day` that the rule's day filters let pass."""
    limited = limited_days(rule)
    if limited is None:
        yield from range(from_day, to_day + 1)
        return
    for year, month, first in _months(from_day, to_day):
        budget.spend(1)
        for offset in limited(year, month, first):
            if from_day <= first + offset <= to_day:
                yield first + offset


# --------------------------------------------------------------------------------------- periods, DAILY to YEARLY


def _steps_to(origin: int, target: int, interval: int) -> int:
    """The first of origin, origin + interval, … that is not below target."""
    return origin + max(0, -((origin - target) // interval)) * interval


def _daily(rule: Rule, start: Start, from_day: int, to_day: int, budget: Budget) -> Iterator[Period]:
    interval = rule.interval
    limited = limited_days(rule)
    if limited is None:
        size = 1 if rule.bysetpos else _CHUNK
        offsets = range(0, size * interval, interval)
        for first in range(_steps_to(start.day, from_day, interval), to_day + 1, size * interval):
            yield first, offsets
        return
    for year, month, first in _months(from_day, to_day):
        budget.spend(2)
        found = [offset for offset in limited(year, month, first) if (first + offset - start.day) % interval == 0]
        if rule.bysetpos:
            yield from ((first + offset, (0,)) for offset in found)
        elif found:
            yield first, found


def _weekly(rule: Rule, start: Start, from_day: int, to_day: int, budget: Budget) -> Iterator[Period]:
    origin = start.day - (start.weekday - rule.wkst) % 7
    days = [entry.weekday for entry in rule.byday] or [start.weekday]
    offsets = sorted((day - rule.wkst) % 7 for day in days)
    step = 7 * rule.interval
    first = _steps_to(origin, from_day - 6, step)
    if not (rule.bymonth or rule.bysetpos):
        chunk = [week * step + offset for week in range(_CHUNK // len(offsets)) for offset in offsets]
        for week in range(first, to_day + 1, step * (_CHUNK // len(offsets))):
            yield week, chunk
        return
    for week in range(first, to_day + 1, step):
        if rule.bymonth:
            budget.spend(1)
            yield week, [offset for offset in offsets if date_of(week + offset).month in rule.bymonth]
        else:
            yield week, offsets


def _monthly(rule: Rule, start: Start, from_day: int, to_day: int, budget: Budget) -> Iterator[Period]:
    kinds: dict[tuple[int, int], Sequence[int]] = {}
    begin = date_of(from_day)
    origin = start.year * 12 + start.month - 1
    last = date_of(to_day)
    for index in range(
        _steps_to(origin, begin.year * 12 + begin.month - 1, rule.interval),
        last.year * 12 + last.month,
        rule.interval,
    ):
        budget.spend(1)
        year, month = index // 12, index % 12 + 1
        if rule.bymonth and month not in rule.bymonth:
            continue
        first = _first_of(year, month)
        kind = (_month_length(year, month), weekday(first))
        if kind not in kinds:
            kinds[kind] = _month_offsets(rule, start, *kind)
        yield first, kinds[kind]


def _month_offsets(rule: Rule, start: Start, length: int, first: int) -> Sequence[int]:
    if not (rule.bymonthday or rule.byday):
        return (start.monthday - 1,) if start.monthday <= length else ()
    days = _from_either_end(rule.bymonthday, length) if rule.bymonthday else set(range(length))
    if rule.byday:
        days &= _weekdays_within(rule.byday, first, length)
    return sorted(days)


class _YearKind(NamedTuple):
    """All that the offsets of a year depend on; the neighbours only count where weeks are numbered."""

    is_leap: bool
    first: int
    follows_leap: bool
    precedes_leap: bool


def _yearly(rule: Rule, start: Start, from_day: int, to_day: int, budget: Budget) -> Iterator[Period]:
    kinds: dict[_YearKind, Sequence[int]] = {}
    weeks = bool(rule.byweekno)
    for year in range(
        _steps_to(start.year, date_of(from_day).year, rule.interval), date_of(to_day).year + 1, rule.interval
    ):
        budget.spend(1)
        first = _first_of(year, 1)
        kind = _YearKind(_is_leap(year), weekday(first), weeks and _is_leap(year - 1), weeks and _is_leap(year + 1))
        if kind not in kinds:
            kinds[kind] = _year_offsets(rule, start, kind)
        yield first, kinds[kind]


def _year_offsets(rule: Rule, start: Start, kind: _YearKind) -> Sequence[int]:
    months, monthdays, byday = rule.bymonth, rule.bymonthday, rule.byday
    if not (rule.byweekno or rule.byyearday or monthdays or byday):
        months, monthdays = months or (start.month,), (start.monthday,)
    elif rule.byweekno and not (rule.byyearday or monthdays or byday):
        byday = (WeekdayNum(start.weekday, 0),)

    length = 366 if kind.is_leap else 365
    days: set[int] = set()
    first = 0
    for month in range(1, 13):
        size = 29 if month == 2 and kind.is_leap else _LENGTHS[month - 1]
        if not months or month in months:
            inside = _from_either_end(monthdays, size) if monthdays else set(range(size))
            if byday and months:
                inside &= _weekdays_within(byday, (kind.first + first) % 7, size)
            days.update(first + offset for offset in inside)
        first += size
    if byday and not months:
        days &= _weekdays_within(byday, kind.first, length)
    if rule.byyearday:
        days &= _from_either_end(rule.byyearday, length)
    if rule.byweekno:
        days &= _days_in_weeks(rule, kind, length)
    return sorted(days)


def _first_week(first: int, wkst: int) -> int:
    """Offset, from -3 to 3, of the start of the first week that has four of its days in a year beginning on
    `first`.
    """
    offset = (wkst - first) % 7
    return offset - 7 if offset >= 4 else offset


def _days_in_weeks(rule: Rule, kind: _YearKind, length: int) -> set[int]:
    """Offsets of the year's days whose week is wanted; a week that crosses new year has the number of the
    year that holds four of its days, so days at either end may belong to a neighbour's last or first week.
    """
    length_before, length_after = (366 if leap else 365 for leap in (kind.follows_leap, kind.precedes_leap))
    first_after = (kind.first + length) % 7
    begin = _first_week(kind.first, rule.wkst)
    end = length + _first_week(first_after, rule.wkst)
    begin_before = _first_week((kind.first - length_before) % 7, rule.wkst) - length_before
    end_after = length + length_after + _first_week((first_after + length_after) % 7, rule.wkst)
    wanted: set[int] = set()
    for low, high in ((begin_before, begin), (begin, end), (end, end_after)):
        for number in _from_either_end(rule.byweekno, (high - low) // 7):
            wanted.update(range(low + 7 * number, low + 7 * number + 7))
    return {offset for offset in wanted if 0 <= offset < length}


_PERIODS: Final = {Freq.DAILY: _daily, Freq.WEEKLY: _weekly, Freq.MONTHLY: _monthly, Freq.YEARLY: _yearly}


def periods(rule: Rule, start: Start, from_day: int, to_day: int, budget: Budget) -> Iterator[Period]:
    """The rule's periods that touch the days from `from_day` to `to_day`, in order, with their matching days.

    Found by arithmetic from `start`, not by walking from it. Days before the start or outside the bounds may
    be among them, since BYSETPOS counts whole periods; leaving them out is the caller's. Only for FREQ=DAILY
    and coarser.
    """
    from_day, to_day = max(from_day, start.day), min(to_day, LAST_DAY)
    return _PERIODS[rule.freq](rule, start, from_day, to_day, budget) if from_day <= to_day else iter(())
