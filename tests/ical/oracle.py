"""Readers that share no code with our writer: icalendar, recurring_ical_events, a VTIMEZONE interpreter."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import recurring_ical_events
from dateutil.rrule import rrulestr
from icalendar import Calendar


class Seen(NamedTuple):
    """What a subscriber's calendar shows: instants, or dates with an exclusive end."""

    start: datetime | date
    end: datetime | date
    summary: str


def read(text: str) -> Calendar:
    """The calendar as icalendar reads it; nothing in it may have needed forgiveness."""
    parsed = Calendar.from_ical(text)
    assert isinstance(parsed, Calendar)
    for component in parsed.walk():
        assert component.errors == []
    return parsed


def seen(text: str, since: date, until: date) -> list[Seen]:
    """Every occurrence from `since` up to `until`, in order."""
    calendar = read(text)
    # recurring_ical_events would move every UTC time into this zone and repeat it there: no RFC says so.
    calendar.pop("X-WR-TIMEZONE")
    found = recurring_ical_events.of(calendar).between(since, until)
    events = [Seen(_plain(event.start), _plain(event.end), str(event["SUMMARY"])) for event in found]
    return sorted(events, key=lambda event: str(event.start))


def _plain(value: datetime | date) -> datetime | date:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


class Clock:
    """A VTIMEZONE read by RFC 5545 3.6.5 alone: the latest onset before an instant says the offset."""

    def __init__(self, vtimezone: str, until: datetime) -> None:
        lines = vtimezone.split("\r\n")
        assert lines[0] == "BEGIN:VTIMEZONE"
        assert lines[-2:] == ["END:VTIMEZONE", ""]
        onsets: dict[datetime, timedelta] = {}
        current: dict[str, str] = {}
        for line in lines[1:-2]:
            name, _, value = line.partition(":")
            if name == "BEGIN":
                current = {}
            elif name == "END":
                before, after = _offset(current["TZOFFSETFROM"]), _offset(current["TZOFFSETTO"])
                wall = datetime.strptime(current["DTSTART"], "%Y%m%dT%H%M%S")
                walls = [wall]
                if "RRULE" in current:
                    walls = list(rrulestr(current["RRULE"], dtstart=wall).between(wall, until, inc=True))
                    assert walls[0] == wall, "an observance must start at a date of its own rule"
                for each in walls:
                    assert onsets.setdefault(each - before, after) == after, "two offsets from one instant on"
            else:
                current[name] = value
        self.onsets = sorted(onsets)
        self._offsets = [onsets[onset] for onset in self.onsets]

    def offset(self, instant: datetime) -> timedelta:
        """The offset at a naive instant in UTC, which must not lie before the first onset."""
        index = bisect_right(self.onsets, instant)
        assert index, f"{instant} is before the VTIMEZONE begins"
        return self._offsets[index - 1]


def _offset(text: str) -> timedelta:
    digits = text[1:].ljust(6, "0")
    span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]), seconds=int(digits[4:]))
    return -span if text[0] == "-" else span
