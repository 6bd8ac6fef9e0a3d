"""What a rule means before anything is written: in words, in dates, across the clocks' changes, and what it costs.

The same reading, the same checks and the same plan as creating the series, so what is explained here is what would be
stored, and what would be refused is refused.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.agents.service import caller_of
from app.calendars.writing import FOREVER
from app.core.offsets import Transition, transitions_between
from app.core.series import (
    MAX_COUNT,
    MAX_DATES_PER_WINDOW,
    MAX_STEPS,
    WINDOW_DAYS,
    Budget,
    Occurrence,
    Series,
    occurrences,
)
from app.core.times import format_instant, format_local, is_turning, load_zone, wall_of
from app.core.words import say_series
from app.errors import Problem
from app.events.model import Event
from app.events.recurrence import Plan, plan, served_rule, wall_dates
from app.events.schemas import Explain
from app.events.timing import timing_of
from app.http.context import Context
from app.workers import in_thread

AHEAD: Final = timedelta(days=366)  # how far clock changes are told: each zone has all of its changes within a year
STEPS_MOST: Final = 5 * MAX_STEPS  # for all that is told beyond what a write would look for; about 0.2 s
_ONE_DAY: Final = timedelta(days=1)
_NO_ZONE: Final = (
    "No timezone was given, so all is read in UTC. A series recurs on the wall time of its zone: name the one that its "
    "people live in."
)


@dataclass(frozen=True, slots=True)
class _When:
    """The timing of a series whose length may be left out."""

    start: str
    end: str | None
    duration: str | None
    all_day: bool | None
    timezone: str | None


async def explain(at: Context, key_hash: bytes, fields: Explain) -> dict[str, Any]:
    """Read-only, for any key. Raises what creating such a series would raise."""
    now = at.clock.now()
    await caller_of(at.db, key_hash, now)
    return await in_thread(explained, fields, now)


def explained(fields: Explain, now: datetime) -> dict[str, Any]:
    """The answer, as it is at `now`. Pure; costs what planning a write costs, and `STEPS_MOST`."""
    budget, zone = Budget(), fields.timezone or "UTC"
    asked = _asked(fields, zone, now)
    planned = plan(asked, zone, now, exdates=fields.exdates or (), specials={}, budget=budget)
    told = _Told(planned, zone)
    upcoming = told.dates(now, fields.limit)
    event = planned.event
    changes = [] if event.all_day else told.clock_changes(now)
    answer: dict[str, Any] = {
        "recurrence": event.rule,
        "reads": say_series(event.series(event.zone), cancelled=len(planned.excluded), next_dates=upcoming),
        "timezone": event.zone,
        "all_day": event.all_day,
        **told.times(planned.first),
        "start_is_a_date": asked.start_wall == event.start_wall,
        **told.end(),
        "first_dates": [told.date(each) for each in told.dates(planned.first.start, fields.limit)],
        "next_dates": [told.date(each) for each in upcoming],
        "clock_changes": [told.change(*each) for each in changes],
        "dates_at_clock_changes": [told.date(each) for change, _ in changes for each in told.at_change(change)],
        "cost": {
            "dates_in_90_days": told.density(now),
            "most_dates_in_90_days": MAX_DATES_PER_WINDOW,
            "stored_occurrences": len(planned.dates) + len(planned.specials),
            "steps": MAX_STEPS - budget.left,
            "most_steps": MAX_STEPS,
        },
        "notices": [*planned.notices, *([] if fields.timezone else [_NO_ZONE])],
    }
    return answer


def _asked(fields: Explain, zone: str, now: datetime) -> Event:
    """The series as it would be created in a calendar of that zone."""
    duration = fields.duration
    if duration is None and fields.end is None:
        duration = "P1D" if len(fields.start.strip()) == len("2026-03-01") else "PT0S"
    timing = timing_of(_When(fields.start, fields.end, duration, fields.all_day, fields.timezone), zone)
    event = Event(
        calendar_id="",
        id="",
        title="",
        all_day=timing.all_day,
        start_wall=timing.start_wall,
        zone=timing.zone,
        zone_given=timing.zone_given,
        instant_given=timing.instant_given,
        length=timing.length,
        rule=served_rule(fields.recurrence),
        uid="",
        created_at=now,
        updated_at=now,
    )
    return replace(event, rdates=wall_dates(fields.rdates, event)) if fields.rdates else event


class _Told:
    """A planned series, told date by date; cancelled dates are left out."""

    def __init__(self, planned: Plan, zone: str) -> None:
        self._event, self._first = planned.event, planned.first
        self._series: Series = planned.event.series(zone)
        self._zone = load_zone(planned.event.zone)
        self._excluded: Collection[str] = frozenset(planned.excluded)
        self._steps = STEPS_MOST

    def _found(self, low: datetime, high: datetime, most: int | None = None) -> list[Occurrence] | None:
        """The dates in [low, high), at most so many, those left out included; None where finding them takes too
        long."""
        budget = Budget(min(MAX_STEPS, self._steps))
        given = budget.left
        try:
            return occurrences(self._series, low, high, most, budget=budget)
        except Problem:
            return None
        finally:
            self._steps -= given - max(budget.left, 0)

    def dates(self, since: datetime, most: int) -> list[Occurrence]:
        """The first dates from `since` on; fewer where finding more takes too long."""
        found = self._found(since, FOREVER, most + len(self._excluded))
        return self._sparse(since, most) if found is None else self._standing(found)[:most]

    def _sparse(self, since: datetime, most: int) -> list[Occurrence]:
        """Dates so far apart that they are looked for one by one, as many as one question may cost."""
        left, found = self._steps - MAX_STEPS, list[Occurrence]()
        while len(found) < most and self._steps > left and (each := self._found(since, FOREVER, 1)):
            found += self._standing(each)
            since = each[0].start + timedelta(seconds=1)
        return found

    def _standing(self, found: list[Occurrence]) -> list[Occurrence]:
        return [each for each in found if each.key not in self._excluded]

    def density(self, now: datetime) -> int | None:
        """How many dates there are in 90 days from now on, or from the first date."""
        since = max(now, self._first.start)
        found = self._found(since, since + WINDOW_DAYS * _ONE_DAY)
        return None if found is None else len(self._standing(found))

    def end(self) -> dict[str, Any]:
        """Whether there is a last date, which one, and how many there are up to it; null where counting them takes too
        long."""
        rule = self._series.rule
        if rule is not None and self._series.last is None:
            return {"ends": False, "last": None, "dates_in_all": None}
        found = self._found(self._first.start, FOREVER, MAX_COUNT + 1)
        if found is None or len(found) > MAX_COUNT:
            return {"ends": True, "last": None, "dates_in_all": None}
        standing = self._standing(found)
        return {
            "ends": True,
            "last": self.date(standing[-1]) if standing else None,
            "dates_in_all": len(standing),
        }

    def clock_changes(self, now: datetime) -> list[tuple[Transition, Occurrence]]:
        """The changes of offset in the year from now on, or from the first date, that the series lives to see, each
        with the first date that it concerns."""
        low = max(now, self._first.start)
        changes = transitions_between(int(low.timestamp()), int((low + AHEAD).timestamp()), self._zone)
        found = [(change, self.dates(_instant(change.at), 1)) for change in changes]
        return [(change, dates[0]) for change, dates in found if dates]

    def change(self, change: Transition, following: Occurrence) -> dict[str, Any]:
        at = _instant(change.at)
        return {
            "at": format_instant(at),
            "at_local": format_local(at, self._zone),
            "offset_before": format_local(at - timedelta(seconds=1), self._zone)[19:],
            "offset_after": format_local(at, self._zone)[19:],
            "first_date_after": self.date(following),
        }

    def at_change(self, change: Transition) -> list[Occurrence]:
        """The dates whose wall time clocks skip, or show twice, at a change."""
        size = timedelta(seconds=abs(change.after - change.before))
        at = _instant(change.at)
        found = self._found(at - size, at + size) or []
        return [each for each in self._standing(found) if self._note(each) is not None]

    def date(self, found: Occurrence) -> dict[str, Any]:
        note = self._note(found)
        return {"key": found.key, **self.times(found), **({} if note is None else {"note": note})}

    def times(self, found: Occurrence) -> dict[str, str]:
        """start and end, as an event's answer has them."""
        if self._event.all_day:
            first = found.original.date()
            last = str(first + (self._event.length.days - 1) * _ONE_DAY)
            return {"start": str(first), "end": last, "start_local": str(first), "end_local": last}
        return {
            "start": format_instant(found.start),
            "end": format_instant(found.end),
            "start_local": format_local(found.start, self._zone),
            "end_local": format_local(found.end, self._zone),
        }

    def _note(self, found: Occurrence) -> str | None:
        """Says where clocks do not show the time that the rule names, or show it twice."""
        if self._event.all_day or not is_turning(found.original, self._zone):
            return None
        named, shown, zone = found.original, format_local(found.start, self._zone), self._zone.key
        if wall_of(found.start, self._zone).replace(fold=0) != named.replace(fold=0):
            return f"{named:%Y-%m-%d %H:%M} does not exist in {zone}; it happens at {shown[11:16]} ({shown[19:]})."
        which = "second" if wall_of(found.start, self._zone).fold else "first"
        return f"{named:%H:%M} comes twice on {named.date()} in {zone}; the {which} is meant ({shown[19:]})."


def _instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
