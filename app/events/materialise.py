"""Which dates of a series are stored: 90 days ahead, and always at least the next one.

Pure: told what is stored already and what time it is, it says what to store and how far that reaches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from app.calendars.writing import FOREVER
from app.core.series import Occurrence, Series, at, first_from, key_of, occurrences, rdate_walls
from app.core.times import instant_of, midnight_of
from app.events.model import wall_of_key

HORIZON: Final = timedelta(days=90)
PAST: Final = timedelta(days=1)  # of a new series' past is stored, besides what is still under way
PAST_KEPT: Final = timedelta(days=366)  # of a series' stored past is stored anew when it is re-timed
SAFETY: Final = timedelta(days=2)  # a live date this far ahead outlasts the daily extension, and one missed
_BEFORE_ALL: Final = datetime(1900, 1, 1, tzinfo=UTC)  # core.times.MIN_YEAR
_ONE_DAY: Final = timedelta(days=1)
_ONE_SECOND: Final = timedelta(seconds=1)
MOST_SKIPPED: Final = 400  # cancelled dates in a row that the search for the next live one passes


@dataclass(frozen=True, slots=True)
class Special:
    """A stored date with a life of its own: cancelled, or overridden (and then with its own start)."""

    key: str
    cancelled: bool
    is_exception: bool
    start_at: datetime
    orphaned: bool = False
    declined: bool = False
    """An override whose own status is cancelled."""

    @property
    def excluded(self) -> bool:
        """Whether a feed leaves the date out (EXDATE)."""
        return not self.orphaned and (self.cancelled or self.declined)


@dataclass(frozen=True, slots=True)
class Stored:
    """The dates in [since, through), in order: everything the series has there."""

    dates: list[Occurrence]
    since: datetime
    through: datetime


def first_window(series: Series, now: datetime) -> datetime:
    """Where storing a new series begins: with what is under way, or ended within the last day."""
    length = timedelta(days=series.length.days, seconds=series.length.seconds)
    return now - PAST - length


def first_of(series: Series) -> Occurrence | None:
    return first_from(series, _BEFORE_ALL)


def last_of(series: Series) -> datetime | None:
    """When the last date of a finite series is over for a filter by date: of an all-day one its midnight after, else
    its start. None for a series without end. `series` must have been checked."""
    if series.rule is not None and series.last is None:
        return None
    walls = [series.start if series.last is None else series.last, *rdate_walls(series)]
    if series.all_day:
        return midnight_of(max(walls).date() + _ONE_DAY, series.zone) - _ONE_SECOND
    return max(instant_of(wall, series.zone) for wall in walls)


def materialise(
    series: Series, specials: Mapping[str, Special], since: datetime, now: datetime, *, has_live: bool = False
) -> Stored:
    """All dates from `since` to the horizon, and beyond it up to the next live one. `has_live` tells that a live one
    is stored already, before `since`.

    Raises what expanding raises: `recurrence_too_costly`.
    """
    horizon = now + HORIZON
    through = max(horizon, since - _ONE_SECOND)
    dates = occurrences(series, since, through)
    if not has_live and not _has_live(series, dates, specials, now + SAFETY, through):
        for _ in range(MOST_SKIPPED):
            found = first_from(series, through)
            if found is None:
                return Stored(dates, since, FOREVER)
            dates.append(found)
            through = found.start + _ONE_SECOND
            if special_of(series, specials, found) is None:
                break
    if first_from(series, through) is None:
        through = FOREVER
    return Stored(dates, since, through)


def special_of(series: Series, specials: Mapping[str, Special], occurrence: Occurrence) -> Special | None:
    """The special of an occurrence: by its key, or by its bare date where it is the first of that date, so that
    what was edited before a rule turned to several dates a day stays edited."""
    found = specials.get(occurrence.key)
    day = occurrence.key[:8]
    if found is None and len(occurrence.key) > len(day) and day in specials:
        first = at(series, day)
        if first is not None and first.key == occurrence.key:
            return specials[day]
    return found


def stored_keys(series: Series, occurrence: Occurrence) -> tuple[str, ...]:
    """Under which keys an occurrence may be stored: its own, or its bare date where it is the first of that date."""
    day = occurrence.key[:8]
    if occurrence.key != day and series.several_a_day:
        first = at(series, day)
        if first is not None and first.key == occurrence.key:
            return (occurrence.key, day)
    return (occurrence.key,)


def key_in(series: Series, key: str) -> str:
    """The key that a series has for the date which its predecessor, before a split, had under `key`: a part that has
    one date a day names by its date what was named by its time."""
    if "T" not in key or at(series, key) is not None:
        return key
    return key_of(series, wall_of_key(key)) or key


def _has_live(
    series: Series,
    dates: Iterable[Occurrence],
    specials: Mapping[str, Special],
    after: datetime,
    horizon: datetime,
) -> bool:
    moved = any(
        special.is_exception
        and not (special.cancelled or special.declined or special.orphaned)
        and after < special.start_at <= horizon
        for special in specials.values()
    )
    return moved or any(date.start > after and special_of(series, specials, date) is None for date in dates)
