"""What is asked of a series: a window, the next date, the date a key names, the key of a date."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from app.core.budget import Budget
from app.core.dates import between
from app.core.days import FIRST_DAY, LAST_DAY, date_of, day_of
from app.core.expand import ENDLESS, instant_of_wall
from app.core.offsets import DAY, Offsets, seconds_of
from app.core.shape import Occurrence, Series
from app.core.times import MAX_YEAR, MIN_YEAR


def epoch(instant: datetime) -> int:
    """Epoch second, rounded up: nothing that starts on a whole second lies between."""
    return -int(-instant.timestamp() // 1)


def occurrences(
    series: Series, low: datetime, high: datetime, limit: int | None = None, *, budget: Budget | None = None
) -> list[Occurrence]:
    """The occurrences that start in [low, high), in order of their start, no instant twice, at most `limit`.

    Costs what the window holds, however long ago the series began. Raises `Problem("recurrence_too_costly")`
    when that exceeds the budget.
    """
    return between(series, epoch(low), epoch(high), limit, budget or Budget())


def first_from(series: Series, instant: datetime, *, budget: Budget | None = None) -> Occurrence | None:
    """The first occurrence that starts at or after `instant`; None when there is none before the year 3000."""
    found = between(series, epoch(instant), ENDLESS, 1, budget or Budget())
    return found[0] if found else None


_KEY: Final = re.compile(r"(?P<day>[0-9]{8})(?:T(?P<clock>[0-9]{4}|[0-9]{6})(?P<second_pass>b?))?")


def _on_day(series: Series, day: int, budget: Budget | None) -> list[Occurrence]:
    """The occurrences whose original date is `day`."""
    if not FIRST_DAY <= day <= LAST_DAY:
        return []
    offsets = Offsets(series.zone)
    # A gap moves a date forward by a day at most.
    low, high = offsets.instant(day * DAY), offsets.instant((day + 1) * DAY) + DAY + 1
    on = date_of(day)
    found = between(series, low, high, None, budget or Budget(), offsets)
    return [occurrence for occurrence in found if occurrence.original.date() == on]


def at(series: Series, key: str, *, budget: Budget | None = None) -> Occurrence | None:
    """The occurrence that `key` names, found near its date; None when the series has no such date.

    A bare date on a series with several dates a day means the first of that date; its own key is the
    result's.
    """
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    try:
        day = day_of(date(int(key[:4]), int(key[4:6]), int(key[6:8])))
    except ValueError:
        return None
    found = _on_day(series, day, budget)
    for occurrence in found:
        if occurrence.key == key:
            return occurrence
    return found[0] if found and series.several_a_day and match["clock"] is None else None


def named(series: Series, given: date | datetime, *, budget: Budget | None = None) -> Occurrence | None:
    """The occurrence that a date or a time names, or None.

    A date names the (first) occurrence of that local date, an aware time the one at that instant, a naive
    time the one at that wall time. For an all-day series a time names its local date; midnight `Z` the date
    as it is written.
    """
    if not isinstance(given, datetime):
        found = _on_day(series, day_of(given), budget)
        dated = [occurrence for occurrence in found if series.all_day or "T" not in occurrence.key]
        return (dated or found)[0] if found else None
    if series.all_day:
        return _named_all_day(series, given, budget)
    if given.tzinfo is None:
        found = _on_day(series, seconds_of(given) // DAY, budget)
        for occurrence in found:
            if occurrence.original == given and occurrence.original.fold == given.fold:
                return occurrence
        given = datetime.fromtimestamp(instant_of_wall(given, Offsets(series.zone)), UTC)
    if not MIN_YEAR <= given.year <= MAX_YEAR + 1:
        return None
    second = int(given.timestamp())
    same = between(series, second, second + 1, 1, budget or Budget())
    return same[0] if same else None


def key_of(series: Series, given: date | datetime, *, budget: Budget | None = None) -> str | None:
    """The key of the occurrence that `named` finds."""
    found = named(series, given, budget=budget)
    return None if found is None else found.key


def _named_all_day(series: Series, given: datetime, budget: Budget | None) -> Occurrence | None:
    written = given.date()
    if given.tzinfo is not None:
        is_midnight_utc = given.utcoffset() == timedelta(0) and given.time() == datetime.min.time()
        if is_midnight_utc and (found := named(series, written, budget=budget)):
            return found
        written = given.astimezone(series.zone).date()
    return named(series, written, budget=budget)
