"""What the rule of a series makes: dates near the time asked about, ordered by instant, up to where it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product
from typing import Final, NamedTuple, NoReturn

from app.core.budget import Budget, too_costly
from app.core.days import FIRST_DAY, LAST_DAY, Start, day_of, periods
from app.core.offsets import DAY, Dated, Offsets, datetime_of, seconds_of
from app.core.rule import Freq, Rule
from app.core.setpos import positions
from app.core.shape import MAX_DATES_PER_WINDOW, WINDOW_DAYS, Series
from app.core.ticks import sub_daily
from app.core.times import MAX_YEAR, MIN_YEAR
from app.errors import Problem

ENDLESS: Final = (LAST_DAY + 2) * DAY  # epoch seconds beyond every date that is served


def times_of_day(series: Series) -> list[int]:
    """Seconds of the day at which a rule of DAILY and coarser has its dates, ascending."""
    rule, start = series.rule, series.start
    if series.all_day or rule is None:  # RFC 5545 §3.3.10: BYHOUR and finer are ignored for dates
        return [start.hour * 3600 + start.minute * 60 + start.second]
    hours, minutes = rule.byhour or (start.hour,), rule.byminute or (start.minute,)
    seconds = rule.bysecond or (start.second,)
    if len(hours) * len(minutes) * len(seconds) > MAX_DATES_PER_WINDOW:
        too_dense()
    return sorted({h * 3600 + m * 60 + min(s, 59) for h, m, s in product(hours, minutes, seconds)})


def too_dense() -> NoReturn:
    too_costly(
        f"The rule makes more than {MAX_DATES_PER_WINDOW:,} dates in {WINDOW_DAYS} days.",
        "Use FREQ=HOURLY or coarser, a larger INTERVAL, or fewer BY parts.",
    )


_MOST_DAYS: Final[Mapping[Freq, Callable[[Rule], int]]] = {
    Freq.DAILY: lambda _: 1,
    Freq.WEEKLY: lambda rule: max(len(rule.byday), 1),
    Freq.MONTHLY: lambda _: 31,
    Freq.YEARLY: lambda _: 366,
}
"""How many days one period can have: a BYSETPOS beyond them picks nothing, which need not be searched for."""


def _by_days(rule: Rule, series: Series, offsets: Offsets, low: int, high: int, budget: Budget) -> Iterator[Dated]:
    """The dates around [low, high) of a rule of DAILY or coarser, ascending on the wall."""
    times = times_of_day(series)
    size = len(times)
    if rule.bysetpos and min(map(abs, rule.bysetpos)) > _MOST_DAYS[rule.freq](rule) * size:
        return
    # Clocks go forward by at most a day at once (Apia 2011), so that a date may be moved into the window by that much.
    from_day = max(offsets.wall(low)[0] // DAY - 1, day_of(series.start))
    to_day = min(offsets.wall(high)[0] // DAY + 1, LAST_DAY)
    low_wall, high_wall = from_day * DAY, (to_day + 1) * DAY
    span_low = span_high = offset = 0
    for first, days in periods(rule, Start.on(series.start), from_day, to_day, budget):
        budget.spend(1)
        walls: Iterable[int]
        if rule.bysetpos:
            picked = positions(rule.bysetpos, len(days) * size)
            walls = [(first + days[n // size]) * DAY + times[n % size] for n in picked]
            budget.spend(len(walls))
        elif size == 1:
            base = first * DAY + times[0]
            walls = [base + day * DAY for day in days]
            budget.spend(len(walls))
        else:
            walls = _at_times(first, days, times, from_day, budget)
        for wall in walls:
            if wall >= high_wall:
                return
            if wall >= low_wall:
                if not span_low <= wall < span_high:
                    span_low, span_high, offset = offsets.span(wall)
                yield wall - offset, wall, 0


def _at_times(first: int, days: Sequence[int], times: Sequence[int], from_day: int, budget: Budget) -> Iterator[int]:
    """Lazily, since a period may have 366 days of 2,500 times each and the caller stops when it has enough."""
    for day in days:
        if first + day >= from_day:
            budget.spend(len(times))
            yield from ((first + day) * DAY + time for time in times)


class Cut(NamedTuple):
    """Where a rule ends: its last epoch second and its last local day, both inclusive."""

    instant: int = ENDLESS
    day: int = LAST_DAY


def until_of(series: Series, rule: Rule, offsets: Offsets) -> Cut:
    """UNTIL as a date includes that whole local day; without `Z` it is read in the series' zone; an all-day
    series compares dates. Years beyond those served are no bound: 99991231T235959Z must not overflow.
    """
    until = rule.until
    if until is None or until.year > MAX_YEAR:
        return Cut()
    if until.year < MIN_YEAR:
        return Cut(day=FIRST_DAY - 1)
    if not isinstance(until, datetime):
        return Cut(day=day_of(until))
    if until.tzinfo is None:
        wall = seconds_of(until)
        return Cut(day=wall // DAY) if series.all_day else Cut(instant=offsets.instant(wall))
    instant = int(until.timestamp())
    return Cut(day=offsets.wall(instant)[0] // DAY) if series.all_day else Cut(instant=instant)


def _ordered(
    dates: Iterator[Dated], low: int, high: int, last_day: int, limit: int | None, offsets: Offsets
) -> list[Dated]:
    """The dates within [low, high) by instant, no instant twice, at most `limit`.

    Dates ascend on the wall. Only one that lies in a gap is moved, forward, so it may come to lie behind or
    upon later ones; upon one, the date that clocks really show stands.
    """
    found: list[Dated] = []
    for dated in dates:
        instant = dated[0]
        if instant < low or instant >= high or dated[1] // DAY > last_day:
            continue
        if not found or instant > found[-1][0]:
            found.append(dated)
        else:
            place = len(found)
            while place and found[place - 1][0] > instant:
                place -= 1
            if place and found[place - 1][0] == instant:
                found[place - 1] = dated
            else:
                found.insert(place, dated)
        # A date in a gap is never the last word: one that clocks really show may still come before or upon it.
        if limit is not None and len(found) >= limit:
            at, wall, _ = dated
            if at >= found[limit - 1][0] and not offsets.is_shifted(wall, at):
                return found[:limit]
    return found if limit is None else found[:limit]


def rule_dates(series: Series, low: int, high: int, limit: int | None, offsets: Offsets, budget: Budget) -> list[Dated]:
    """What the rule makes in [low, high), UNTIL, COUNT and `last` heeded."""
    rule = series.rule
    if rule is None or limit == 0:
        return []
    start = instant_of_wall(series.start, offsets)
    cut = until_of(series, rule, offsets)
    if series.last is not None:
        cut = cut._replace(instant=min(cut.instant, instant_of_wall(series.last, offsets)))
    low, high = max(low, start), min(high, cut.instant + 1)
    if cut.day < LAST_DAY:
        high = min(high, offsets.instant((cut.day + 1) * DAY) + DAY + 1)
    counted = rule.count if series.last is None else None
    if low >= high:
        return []
    if counted is None:
        return _ordered(_dates(rule, series, offsets, low, high, budget), low, high, cut.day, limit, offsets)
    dates = _ordered(_dates(rule, series, offsets, start, high, budget), start, high, cut.day, counted, offsets)
    if series.start_counts and dates and dates[0][0] != start:
        dates = dates[: counted - 1]
    return [dated for dated in dates if dated[0] >= low][:limit]


def _dates(rule: Rule, series: Series, offsets: Offsets, low: int, high: int, budget: Budget) -> Iterator[Dated]:
    if not rule.is_sub_daily:
        dates = _by_days(rule, series, offsets, low, high, budget)
        return _second_pass_first(dates, series, offsets) if series.start.fold else dates
    if series.all_day:
        raise Problem(
            "invalid_recurrence",
            f"An all-day event cannot repeat {rule.freq.name.lower()}.",
            "Use FREQ=DAILY or coarser, or give the event a time of day.",
            "recurrence",
        )
    return sub_daily(rule, instant_of_wall(series.start, offsets), seconds_of(series.start), offsets, low, high, budget)


def _second_pass_first(dates: Iterator[Dated], series: Series, offsets: Offsets) -> Iterator[Dated]:
    """A start on the second pass of a fold keeps to it; later dates mean the first pass, as ever."""
    start = seconds_of(series.start)
    for dated in dates:
        yield (
            (instant_of_wall(series.start, offsets), start, fold_of(series.start, offsets))
            if dated[1] == start
            else dated
        )


def instant_of_wall(wall: datetime, offsets: Offsets) -> int:
    """The epoch second of a naive datetime, its fold heeded."""
    first = offsets.instant(seconds_of(wall))
    if wall.fold:
        second = wall.replace(tzinfo=offsets.zone).timestamp()
        return max(first, int(second))  # in a gap, fold 1 would lead back in time
    return first


def fold_of(wall: datetime, offsets: Offsets) -> int:
    return int(wall.fold and instant_of_wall(wall, offsets) > offsets.instant(seconds_of(wall)))


def wall_of_dated(dated: Dated) -> datetime:
    wall = datetime_of(dated[1])
    return wall.replace(fold=1) if dated[2] else wall
