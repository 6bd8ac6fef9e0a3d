"""What is next, day by day in local time, for people and for prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from app.core.times import wall_of
from app.core.wording import full_date, long_date, numbered
from app.core.words import clock_span
from app.events.cells import fit, one_line, width_of, without_turns

UNTRUSTED: Final = "by mail, untrusted"
_NAME_MOST: Final = 255  # cells of the calendar's name, which is as long at most
_TITLE_MOST: Final = 80  # cells, as of the next
_LOCATION_MOST: Final = 40
_NEAR: Final = ("today", "tomorrow")
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One occurrence. `start` and `end` are instants, or of an all-day event its first and its last date."""

    title: str
    start: date | datetime
    end: date | datetime
    location: str | None
    status: str
    is_untrusted: bool

    @property
    def is_all_day(self) -> bool:
        return not isinstance(self.start, datetime)

    def first_day(self, zone: ZoneInfo) -> date:
        """The local date it begins on; of an all-day event that date in every zone."""
        return wall_of(self.start, zone).date() if isinstance(self.start, datetime) else self.start

    def time(self, zone: ZoneInfo) -> str:
        """`09:00–09:30`, `all day`, `all day until Wed 4 Mar 2026`."""
        if isinstance(self.start, datetime):
            assert isinstance(self.end, datetime)
            return clock_span(self.start, self.end, zone)
        return "all day" if self.end == self.start else f"all day until {full_date(self.end)}"


def in_order(entries: Sequence[Entry], zone: ZoneInfo, today: date) -> list[tuple[date, list[Entry]]]:
    """Days with their entries, whole days first. What began before today stands under today."""

    def day_of(entry: Entry) -> date:
        first = entry.first_day(zone)
        is_over = entry.is_all_day and entry.end < today  # where it is today already, but not in the calendar's zone
        return first if is_over else max(first, today)

    def place(entry: Entry) -> tuple[date, bool, float]:
        moment = entry.start.timestamp() if isinstance(entry.start, datetime) else 0.0
        return day_of(entry), not entry.is_all_day, moment

    return [(day, list(found)) for day, found in groupby(sorted(entries, key=place), key=day_of)]


def render_agenda(name: str, calendar_id: str, zone: ZoneInfo, now: datetime, entries: Sequence[Entry]) -> str:
    """A line for the calendar, then each day with its entries, and the count; times on the clocks of `zone`."""
    today = wall_of(now, zone).date()
    parts = [f"{fit(without_turns(name), _NAME_MOST)} ({calendar_id})  tz: {zone.key}", ""]
    for day, found in in_order(entries, zone, today):
        parts.append(_heading(day, today))
        times = [_time(entry, day, zone) for entry in found]
        most = max(map(width_of, times))
        for time, entry in zip(times, found, strict=True):
            parts.append(f"  {time}{' ' * (most - width_of(time))}  {_said(entry)}")
        parts.append("")
    return "\n".join([*parts, numbered(len(entries), "event"), ""])


def _heading(day: date, today: date) -> str:
    ahead = (day - today).days
    near = f" ({_NEAR[ahead]})" if ahead < len(_NEAR) else ""
    return f"{long_date(day)}{near}"


def _time(entry: Entry, day: date, zone: ZoneInfo) -> str:
    """The time, with the date it began on where that is another than the one it stands under."""
    first = entry.first_day(zone)
    time = entry.time(zone)
    return time if first == day else f"{time}, since {full_date(first)}"


def _said(entry: Entry) -> str:
    notes = [entry.status] if entry.status != "confirmed" else []
    notes += [UNTRUSTED] if entry.is_untrusted else []
    title = fit(one_line(without_turns(entry.title)), _TITLE_MOST)
    place = fit(one_line(without_turns(entry.location or "")), _LOCATION_MOST)
    return title + (f"  @ {place}" if place else "") + "".join(f"  [{note}]" for note in notes)
