"""Which days a page shows, and on whose clocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from app.core.times import MAX_YEAR, MIN_YEAR, load_zone, parse_time
from app.errors import Problem

DAYS_MOST: Final = 62  # a page of a month with the weeks around it, or of two months
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """The local dates from `first` until `end`, which is not among them."""

    first: date
    end: date

    @property
    def last(self) -> date:
        return self.end - ONE_DAY


@dataclass(frozen=True, slots=True)
class Clocks:
    """The calendar's zone, and the viewer's where that is known; `leads` is the one that days are told by."""

    calendar: ZoneInfo
    viewer: ZoneInfo | None
    is_viewers: bool

    @property
    def leads(self) -> ZoneInfo:
        return self.viewer if self.is_viewers and self.viewer is not None else self.calendar

    @property
    def known(self) -> list[ZoneInfo]:
        return [self.calendar] if self.viewer is None else [self.calendar, self.viewer]

    @property
    def others(self) -> ZoneInfo | None:
        """The zone whose times stand beside those of the leading one, where it is another."""
        if self.viewer is None or self.viewer.key == self.calendar.key:
            return None
        return self.calendar if self.leads is self.viewer else self.viewer


def window_of(values: Mapping[str, str]) -> Window:
    """From `start` and `end`, both dates. Raises `missing_field`, `invalid_time`, `end_before_start`, and
    `invalid_field` where there are too many days between them."""
    for name in ("start", "end"):
        if name not in values:
            raise Problem("missing_field", f"{name} is required.", hint="Give it as 2026-03-01.", field=name)
    window = Window(day_of(values, "start"), day_of(values, "end"))
    if window.end <= window.first:
        raise Problem(
            "end_before_start", "end must lie after start.", hint="end is the day after the last one.", field="end"
        )
    if (window.end - window.first).days > DAYS_MOST:
        raise Problem(
            "invalid_field",
            f"A page shows at most {DAYS_MOST} days.",
            hint="Ask for less at once, and go on from there.",
            field="end",
        )
    return window


def day_of(values: Mapping[str, str], name: str) -> date:
    """A date of the query. Raises `invalid_time`."""
    try:
        found = parse_time(values[name])
    except Problem as problem:
        raise problem.at(name) from None
    if isinstance(found, datetime) or not MIN_YEAR < found.year < MAX_YEAR:  # a year from where times end
        raise Problem("invalid_time", f"{name} must be a date.", hint="Write it as 2026-03-01.", field=name)
    return found


def zone_of(values: Mapping[str, str]) -> ZoneInfo | None:
    """The viewer's zone. Raises `invalid_timezone`."""
    if "tz" not in values:
        return None
    try:
        return load_zone(values["tz"])
    except Problem as problem:
        raise problem.at("tz") from None
