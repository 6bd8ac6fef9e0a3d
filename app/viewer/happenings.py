"""An occurrence as a page shows it: said in words for each clock, so that no browser converts a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from app.core.times import wall_of
from app.core.words import clock_span, say_all_day, say_single
from app.viewer.window import ONE_DAY, Clocks, Window

DESCRIPTION_MOST: Final = 2_000  # characters; a page of a thousand events stays one of a few megabytes at worst
_LINK: Final = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)


class _Text(msgspec.Struct):
    """The members of an event's JSON text that a page needs. Who takes part is not among them, as in the feed."""

    id: str
    title: str
    start: str
    end: str
    status: str
    reads: str
    description: str | None = None
    location: str | None = None
    all_day: bool = False
    untrusted: bool = False
    is_exception: bool = False
    parent_event_id: str | None = None


_decode: Final = msgspec.json.Decoder(list[_Text]).decode


@dataclass(frozen=True, slots=True)
class Happening:
    """`start` and `end` are instants, or of an all-day event its first and its last date."""

    id: str
    title: str
    start: date | datetime
    end: date | datetime
    status: str
    description: str
    location: str
    repeats: str
    is_untrusted: bool

    @property
    def is_all_day(self) -> bool:
        return not isinstance(self.start, datetime)

    @property
    def link(self) -> str | None:
        """The location where it is an address on the web, and nothing else."""
        return self.location if _LINK.fullmatch(self.location) else None

    def days(self, zone: ZoneInfo) -> tuple[date, date]:
        """The local dates it begins and ends on. What ends at midnight ends on the day before."""
        if not isinstance(self.start, datetime):
            return self.start, self.end
        assert isinstance(self.end, datetime)
        first = wall_of(self.start, zone).date()
        last = wall_of(max(self.start, self.end - timedelta(seconds=1)), zone).date()
        return first, last

    def time(self, zone: ZoneInfo) -> str:
        """`09:00–09:30`, or `All day`."""
        if isinstance(self.start, datetime):
            assert isinstance(self.end, datetime)
            return clock_span(self.start, self.end, zone)
        return "All day"

    def time_on(self, day: date, zone: ZoneInfo) -> str:
        """What stands beside it under one of its days: the whole time under the first, what is left under others."""
        first, last = self.days(zone)
        if self.is_all_day:
            return "All day" if first == last else f"Day {(day - first).days + 1} of {(last - first).days + 1}"
        if day == first:
            return self.time(zone)
        assert isinstance(self.end, datetime)
        end = wall_of(self.end, zone)
        return f"until {end:%H:%M}" if day == last and end.date() == last else "All day"

    def when(self, zone: ZoneInfo) -> str:
        """Date and time in a sentence, which of an all-day event is the same in every zone."""
        if isinstance(self.start, datetime):
            assert isinstance(self.end, datetime)
            return say_single(self.start, self.end, zone)
        days = self.end.toordinal() - self.start.toordinal() + 1
        return say_all_day(self.start, days)

    def machine_time(self, zone: ZoneInfo) -> str:
        """The start as `<time datetime>` has it."""
        return self.start.astimezone(zone).isoformat() if isinstance(self.start, datetime) else self.start.isoformat()

    def box(self, zone: ZoneInfo) -> tuple[str, str]:
        """Where a grid of days and hours draws it: wall times without a zone, or dates of which the second is not
        included. The box is as high as the event is long where clocks going back would turn it over."""
        if not isinstance(self.start, datetime):
            return self.start.isoformat(), (self.end + ONE_DAY).isoformat()
        assert isinstance(self.end, datetime)
        begins, ends = wall_of(self.start, zone), wall_of(self.end, zone)
        if ends <= begins:
            ends = begins + (self.end - self.start)
        return begins.replace(fold=0).isoformat(), ends.replace(fold=0).isoformat()


def read_happenings(texts: str) -> list[Happening]:
    """From the JSON texts of a list, with commas between them."""
    return [_happening(text) for text in _decode(f"[{texts}]")]


def _happening(text: _Text) -> Happening:
    repeats = ""
    if text.parent_event_id is not None:
        repeats = "A date of a series, changed on its own." if text.is_exception else text.reads
    description = text.description or ""
    if len(description) > DESCRIPTION_MOST:
        description = f"{description[:DESCRIPTION_MOST]}…"
    return Happening(
        text.id,
        text.title,
        _moment(text.start, text.all_day),
        _moment(text.end, text.all_day),
        text.status,
        description,
        (text.location or "").strip(),
        repeats,
        text.untrusted,
    )


def _moment(text: str, all_day: bool) -> date | datetime:
    return date.fromisoformat(text) if all_day else datetime.fromisoformat(text)


def touching(found: Sequence[Happening], window: Window, zones: Sequence[ZoneInfo]) -> list[Happening]:
    """Those that have a day in the window on any of the clocks."""
    kept = []
    for each in found:
        spans = [each.days(zone) for zone in zones]
        if any(first < window.end and last >= window.first for first, last in spans):
            kept.append(each)
    return kept


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    happenings: list[Happening]


def by_days(found: Sequence[Happening], window: Window, zone: ZoneInfo) -> list[Day]:
    """The days on which something happens, whole days first. What lasts longer stands under each of its days."""
    placed = []
    for each in found:
        first, last = each.days(zone)
        day = max(first, window.first)
        while day <= min(last, window.last):
            placed.append((day, _place(each), each))
            day += ONE_DAY
    placed.sort(key=lambda item: item[:2])
    return [Day(day, [each for _, _, each in items]) for day, items in groupby(placed, key=lambda item: item[0])]


def _place(each: Happening) -> tuple[bool, datetime, str]:
    if isinstance(each.start, datetime):
        return True, each.start, each.id
    return False, datetime.combine(each.start, time(), UTC), each.id


def as_json(each: Happening, clocks: Clocks) -> dict[str, Any]:
    """What the script of a page draws and says; nothing in it is to be converted, or is HTML."""

    def on(zone: ZoneInfo) -> dict[str, str]:
        start, end = each.box(zone)
        return {"start": start, "end": end, "time": each.time(zone), "when": each.when(zone)}

    shown: dict[str, Any] = {
        "id": each.id,
        "title": each.title,
        "all_day": each.is_all_day,
        "status": each.status,
        "untrusted": each.is_untrusted,
        "location": each.location,
        "link": each.link,
        "description": each.description,
        "repeats": each.repeats,
        "calendar": on(clocks.calendar),
    }
    if clocks.viewer is not None:
        shown["viewer"] = on(clocks.viewer)
    return shown
