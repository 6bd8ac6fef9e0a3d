"""A calendar file, of many events and by whoever wrote it, read a part at a time.

As tolerant as `read`, whose limits are those of a mail: here a file may be ten times as large, and each VEVENT is
answered for, whether or not it can be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.core.itip.component import Component
from app.core.times import load_zone
from app.ical.carry import Carried, carried_by
from app.ical.decode import text_of
from app.ical.limits import MAX_UID
from app.ical.lines import PLACED, Block, calendars_in
from app.ical.recurrence import Purse
from app.ical.repairs import REPAIRS
from app.ical.tzids import Zones
from app.ical.vevent import Unreadable, component_of

MAX_FILE_EVENTS: Final = 20_000  # components of a file; 10 MB of plain events have about as many
MAX_FILE_LINES: Final = 800_000  # content lines, each an object of 150 bytes; 20,000 events of ours have 500,000
MAX_FILE_CALENDARS: Final = 1_000  # VCALENDARs of a file; exports have one
_HEAD_LINES: Final = 20_000  # lines that are read of all calendars' own, VTIMEZONEs among them
FILE_STEPS: Final = 4_000_000  # of Budgets, for all rules of a file: about 4 s at worst
_MESSAGES: Final = frozenset({"CANCEL", "REPLY", "REFRESH", "COUNTER", "DECLINECOUNTER"})
_NO_CALENDAR: Final = "The body is no iCalendar file: there is no BEGIN:VCALENDAR in it."


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
class _Piece:
    """Where a component stands among the lines, and in which calendar; `is_closed` says that its end came, if only by
    what follows it."""

    kind: str
    calendar: int
    begin: int
    end: int
    is_closed: bool


@dataclass(slots=True)
class CalendarFile:
    """A file taken apart into its components, each of which `entries` reads when it is asked for: a million content
    lines at once would be a million objects for the garbage collector to walk, while everybody waits."""

    purse: Purse
    zone_name: str | None
    """X-WR-TIMEZONE of its first calendar."""
    _lines: list[str]
    _pieces: list[_Piece]
    _calendars: list[tuple[str, Zones]]

    def __len__(self) -> int:
        return len(self._pieces)

    def entries(self, begin: int, end: int) -> list[Entry]:
        """The components from one place to another, read. Linear in their size, and never raises."""
        return [self._entry(piece) for piece in self._pieces[begin:end]]

    def _entry(self, piece: _Piece) -> Entry:
        method, zones = self._calendars[piece.calendar]
        block = self._block(piece)
        uid = _uid(block)
        if piece.kind != "VEVENT":
            return Entry(uid, reason="not_an_event", sentence=f"A {piece.kind} is no event.")
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

    def _block(self, piece: _Piece) -> Block:
        lines = ["BEGIN:VCALENDAR", *self._lines[piece.begin : piece.end]]
        if piece.is_closed:
            lines.append("END:VCALENDAR")
        blocks = calendars_in(lines)[0].blocks
        return blocks[0] if blocks else Block(piece.kind)


def open_file(source: bytes, *, floating_zone: str, charset: str | None = None) -> CalendarFile:
    """The file, its components in order. `floating_zone` is the receiving calendar's. Linear in the length of
    `source`, a fraction of a second for 10 MB.

    Raises `Unfit`, and `Problem("invalid_timezone")` for a `floating_zone` that is none.
    """
    floating = load_zone(floating_zone)
    text = text_of(source, charset)
    if not text:
        raise Unfit(_NO_CALENDAR)
    lines = text.split("\n")
    if len(lines) > MAX_FILE_LINES:
        raise Unfit(f"The file has more than {MAX_FILE_LINES:,} lines.")
    heads, pieces = _taken_apart(lines)
    if not heads:
        raise Unfit(_NO_CALENDAR)
    calendars = [next(iter(calendars_in(head)), Block("VCALENDAR")) for head in heads]
    found = [(_method(calendar), Zones(calendar, floating)) for calendar in calendars]
    return CalendarFile(Purse(FILE_STEPS), _zone_name(calendars), lines, pieces, found)


def _taken_apart(lines: list[str]) -> tuple[list[list[str]], list[_Piece]]:
    """Of each calendar its lines without its components, but with its VTIMEZONEs; and where the components are.
    Raises `Unfit` for too many of either."""
    heads: list[list[str]] = []
    pieces: list[_Piece] = []
    room = _HEAD_LINES
    current: _Piece | None = None
    for place, raw in enumerate(lines):
        name, kind = _bracket(raw)
        is_calendar = kind == "VCALENDAR"
        begins = name == "BEGIN" and (is_calendar or kind in PLACED)
        if current is not None and (begins or is_calendar):
            current.end, current.is_closed, current = place, True, None
        if begins and is_calendar:
            heads.append([raw])
            if len(heads) > MAX_FILE_CALENDARS:
                raise Unfit(f"The file has more than {MAX_FILE_CALENDARS:,} calendars.")
        elif not heads:
            continue
        elif begins and kind != "VTIMEZONE":
            current = _Piece(kind, len(heads) - 1, place, len(lines), False)
            pieces.append(current)
            if len(pieces) > MAX_FILE_EVENTS:
                raise Unfit(f"The file has more than {MAX_FILE_EVENTS:,} components.")
        elif current is None:
            if raw and room:
                heads[-1].append(raw)
                room -= 1
        elif name == "END" and kind == current.kind:
            current.end, current.is_closed, current = place + 1, True, None
    return heads, pieces


def _bracket(raw: str) -> tuple[str, str]:
    """BEGIN or END with the kind of component, of a line that is one."""
    if raw[:1] not in "BbEe":
        return "", ""
    head, _, value = raw.partition(":")
    name = head.partition(";")[0].strip().upper()
    return (name, value.strip().upper()) if name in ("BEGIN", "END") else ("", "")


def _method(calendar: Block) -> str:
    line = calendar.first("METHOD")
    return "" if line is None else line.value.strip().upper()[:40]


def _zone_name(calendars: Sequence[Block]) -> str | None:
    line = calendars[0].first("X-WR-TIMEZONE") if calendars else None
    return None if line is None else line.text.strip()[:100] or None


def _uid(event: Block) -> str | None:
    line = event.first("UID")
    return None if line is None else line.text.strip()[:MAX_UID] or None
