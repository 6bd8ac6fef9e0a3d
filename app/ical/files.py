"""A calendar file, of many events and by whoever wrote it, read a part at a time.

As tolerant as `read`, whose limits are those of a mail: here a file may be ten times as large, and each VEVENT is
answered for, whether or not it can be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from app.core.itip.component import Component
from app.core.times import load_zone
from app.ical.carry import Carried, carried_by
from app.ical.decode import text_of
from app.ical.limits import MAX_UID
from app.ical.lines import Block, calendars_of
from app.ical.recurrence import Purse
from app.ical.repairs import REPAIRS
from app.ical.tzids import Zones
from app.ical.vevent import Unreadable, component_of

MAX_FILE_EVENTS: Final = 20_000  # components of a file; 10 MB of plain events have about as many
MAX_FILE_LINES: Final = 800_000  # content lines, each an object of 150 bytes; 20,000 events of ours have 500,000
FILE_STEPS: Final = 4_000_000  # of Budgets, for all rules of a file: about 4 s at worst
_MESSAGES: Final = frozenset({"CANCEL", "REPLY", "REFRESH", "COUNTER", "DECLINECOUNTER"})
_NO_EVENTS: Final = frozenset({"VTIMEZONE"})


class Unfit(Exception):
    """What is no file of calendars, or is beyond the limits; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One component of the file. `component` is None where it cannot be imported; `reason` and `sentence` say why."""

    uid: str | None
    component: Component | None = None
    carried: Carried | None = None
    reason: str | None = None
    sentence: str | None = None


@dataclass(slots=True)
class CalendarFile:
    """A file taken apart into its components, each of which `entries` reads."""

    floating: ZoneInfo
    zone_name: str | None
    """X-WR-TIMEZONE of its first calendar."""
    purse: Purse
    _found: list[tuple[Block, str, Zones]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._found)

    def entries(self, begin: int, end: int) -> list[Entry]:
        """The components from one place to another, read. Linear in their size, and never raises."""
        return [self._entry(*found) for found in self._found[begin:end]]

    def _entry(self, block: Block, method: str, zones: Zones) -> Entry:
        uid = _uid(block)
        if block.kind != "VEVENT":
            return Entry(uid, reason="not_an_event", sentence=f"A {block.kind[:20]} is no event.")
        if method in _MESSAGES:
            sentence = f"A calendar with METHOD:{method} is a message about an event, to be taken in by mail."
            return Entry(uid, reason="is_a_message", sentence=sentence)
        if not block.is_whole:
            return Entry(uid, reason="truncated", sentence="The file breaks off within this event.")
        carried = carried_by(block)
        try:
            component = component_of(block, zones, self.purse, repairs=() if carried.is_exact else REPAIRS)
        except Unreadable as why:
            return Entry(uid, reason=why.reason, sentence=str(why))
        if component.when is None and not (component.recurrence_id and component.status == "cancelled"):
            return Entry(component.uid, reason="no_start", sentence="The event has no DTSTART.")
        return Entry(component.uid, component, carried)


def open_file(source: bytes, *, floating_zone: str, charset: str | None = None) -> CalendarFile:
    """The file, its lines in order. `floating_zone` is the receiving calendar's. Linear in the length of `source`, a
    second for 10 MB.

    Raises `Unfit`, and `Problem("invalid_timezone")` for a `floating_zone` that is none.
    """
    floating = load_zone(floating_zone)
    text = text_of(source, charset)
    if not text:
        raise Unfit("The body is no iCalendar file: there is no BEGIN:VCALENDAR in it.")
    if text.count("\n") > MAX_FILE_LINES:
        raise Unfit(f"The file has more than {MAX_FILE_LINES:,} lines.")
    calendars = calendars_of(text)
    found = [(block, calendar) for calendar in calendars for block in calendar.blocks if block.kind not in _NO_EVENTS]
    if len(found) > MAX_FILE_EVENTS:
        raise Unfit(f"The file has {len(found):,} components, and may have {MAX_FILE_EVENTS:,}.")
    file = CalendarFile(floating, _zone_name(calendars), Purse(FILE_STEPS))
    zones = {id(calendar): (_method(calendar), Zones(calendar, floating)) for _, calendar in found}
    file._found = [(block, *zones[id(calendar)]) for block, calendar in found]
    return file


def _method(calendar: Block) -> str:
    line = calendar.first("METHOD")
    return "" if line is None else line.value.strip().upper()[:40]


def _zone_name(calendars: Sequence[Block]) -> str | None:
    line = calendars[0].first("X-WR-TIMEZONE") if calendars else None
    return None if line is None else line.text.strip()[:100] or None


def _uid(event: Block) -> str | None:
    line = event.first("UID")
    return None if line is None else line.text.strip()[:MAX_UID] or None
