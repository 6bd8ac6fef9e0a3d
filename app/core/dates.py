"""All the dates of a series, from rule, start and RDATEs, each with its key and its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from typing import Final

from app.core.budget import Budget
from app.core.days import day_of
from app.core.expand import fold_of, instant_of_wall, rule_dates, times_of_day, wall_of_dated
from app.core.offsets import DAY, Dated, Offsets, datetime_of, seconds_of
from app.core.shape import Occurrence, Series


class Named(IntEnum):
    """How a date came about, the stronger claim to an instant first."""

    BY_RULE = 0
    BY_START = 1
    BY_RDATE = 2
    BY_TIMED_RDATE = 3


def extra_dates(series: Series, offsets: Offsets) -> list[tuple[Dated, Named]]:
    """The start where it is a date by itself, and the RDATEs."""
    found: list[tuple[Dated, Named]] = []
    start = seconds_of(series.start)
    own = (instant_of_wall(series.start, offsets), start, fold_of(series.start, offsets))
    if series.rule is None or series.start_counts:
        found.append((own, Named.BY_START))
    return found + rdate_dates(series, offsets)


def rdate_dates(series: Series, offsets: Offsets) -> list[tuple[Dated, Named]]:
    """One entry for each of the series' RDATEs, in their order."""
    if not series.rdates:
        return []
    found: list[tuple[Dated, Named]] = []
    start = seconds_of(series.start)
    time = start % DAY if series.rule is not None and series.rule.is_sub_daily else times_of_day(series)[0]
    for rdate in series.rdates:
        if isinstance(rdate, datetime) and not series.all_day:
            dated = (instant_of_wall(rdate, offsets), seconds_of(rdate), fold_of(rdate, offsets))
            found.append((dated, Named.BY_TIMED_RDATE))
        else:
            wall = day_of(rdate) * DAY + time
            instant = instant_of_wall(series.start, offsets) if wall == start else offsets.instant(wall)
            found.append(((instant, wall, fold_of(series.start, offsets) if wall == start else 0), Named.BY_RDATE))
    return found


def rdate_walls(series: Series) -> list[datetime]:
    """The wall time that each of the RDATEs stands for, in their order; `fold` 1 on a second pass."""
    return [wall_of_dated(dated) for dated, _ in rdate_dates(series, Offsets(series.zone))]


def is_by_rule(series: Series, wall: datetime, *, budget: Budget | None = None) -> bool:
    """Whether the rule by itself makes a date at the instant of this wall time."""
    offsets = Offsets(series.zone)
    instant = instant_of_wall(wall, offsets)
    return bool(rule_dates(series, instant, instant + 1, 1, offsets, budget or Budget()))


def with_rdates(side: Series, rdates: Sequence[date | datetime], whole: Series, offsets: Offsets) -> Series:
    """`side`, made of `whole`, with these RDATEs; a bare date that meant another time of day there is given it."""
    given = tuple(rdates)
    meant = rdate_dates(replace(whole, rdates=given), offsets)
    means = rdate_dates(replace(side, rdates=given), offsets)
    kept = zip(given, meant, means, strict=True)
    return replace(side, rdates=tuple(rdate if a[0] == b[0] else wall_of_dated(a[0]) for rdate, a, b in kept))


def between(
    series: Series, low: int, high: int, limit: int | None, budget: Budget, offsets: Offsets | None = None
) -> list[Occurrence]:
    offsets = offsets or Offsets(series.zone)
    dates = rule_dates(series, low, high, limit, offsets, budget)
    if series.rule is not None and not series.rdates and not series.start_counts:
        return _build(dates, series.several_a_day, series, offsets)
    named = {dated[0]: (dated, Named.BY_RULE) for dated in dates}
    for dated, name in sorted(extra_dates(series, offsets), key=lambda extra: extra[1]):
        if low <= dated[0] < high:
            named.setdefault(dated[0], (dated, name))
    chosen = [extra for _, extra in sorted(named.items())[:limit]]
    by_date: list[Dated] = []
    by_time: list[Dated] = []
    for dated, name in chosen:
        (by_time if _has_time_in_key(series, dated, name, offsets, budget) else by_date).append(dated)
    built = [*_build(by_date, False, series, offsets), *_build(by_time, True, series, offsets)]
    return sorted(built, key=lambda occurrence: occurrence.start) if by_date and by_time else built


def _has_time_in_key(series: Series, dated: Dated, name: Named, offsets: Offsets, budget: Budget) -> bool:
    if series.all_day:
        return False
    if series.several_a_day or name is Named.BY_TIMED_RDATE:
        return True
    if name is not Named.BY_START or series.rule is None:
        return False
    # A start that the rule does not make yields its date to another one on that day.
    day = dated[1] // DAY
    others = rule_dates(series, dated[0], dated[0] + 2 * DAY, None, offsets, budget)
    bare = [extra for extra, how in extra_dates(series, offsets) if how is Named.BY_RDATE]
    return any(other[1] // DAY == day and other[0] != dated[0] for other in (*others, *bare))


_DAYS: Final = tuple(timedelta(days) for days in range(400))  # making a timedelta costs more than adding one


def _build(dates: Sequence[Dated], has_time: bool, series: Series, offsets: Offsets) -> list[Occurrence]:
    """The occurrences of dates in order; those at one time of day are counted on from the first of them."""
    if not dates:
        return []
    days, exact, all_day = series.length.days, timedelta(0, series.length.seconds), series.all_day
    first_instant, first_wall, _ = dates[0]
    shown: dict[int, tuple[datetime, str]] = {}
    starts: dict[int, datetime] = {}
    built: list[Occurrence] = []
    for instant, wall, fold in dates:
        later, time = divmod(wall - first_wall, DAY)
        if time not in shown:
            shown[time] = _shown(first_wall + time, has_time)
        original, suffix = shown[time]
        original += _DAYS[later] if 0 <= later < 400 else timedelta(later)
        if fold:
            original = original.replace(fold=1)
            suffix += "b" if has_time else ""
        later, time = divmod(instant - first_instant, DAY)
        if time not in starts:
            starts[time] = datetime.fromtimestamp(first_instant + time, UTC)
        start = starts[time] + (_DAYS[later] if 0 <= later < 400 else timedelta(later))
        if all_day:
            end = datetime.fromtimestamp(offsets.instant(wall + days * DAY), UTC)
        elif days:
            on_clocks, _ = offsets.wall(instant)
            end = datetime.fromtimestamp(offsets.instant(on_clocks + days * DAY), UTC) + exact
        else:
            end = start + exact
        key = str(original.year * 10_000 + original.month * 100 + original.day) + suffix
        built.append(_new(Occurrence, (key, original, start, end)))
    return built


_new: Final = tuple.__new__  # a NamedTuple's own constructor takes twice as long


def _shown(wall: int, has_time: bool) -> tuple[datetime, str]:
    """A wall time and the part of its key behind the date."""
    shown = datetime_of(wall)
    if not has_time:
        return shown, ""
    return shown, f"T{shown.hour:02}{shown.minute:02}" + (f"{shown.second:02}" if shown.second else "")
