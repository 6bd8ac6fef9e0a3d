"""Calendars that others wrote → values of `core`. Tolerant, bounded, and open about what could not be read.

Whatever the input: no exception, no hang, nothing unstorable in a text. What is repaired or dropped in a VEVENT is said
in `Component.notices`; a VEVENT that is none, and a body that holds none, is said in `Reading.unread`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, cast

from app.core.itip.component import Component, Message
from app.core.times import load_zone
from app.ical.decode import from_begin, text_of
from app.ical.limits import MAX_CALENDAR, MAX_EVENTS, MAX_UID
from app.ical.lines import Block, calendars_of, events_of
from app.ical.recurrence import Purse
from app.ical.tzids import Zones
from app.ical.vevent import Unreadable, component_of

UnreadReason = Literal[
    "not_a_calendar",
    "too_large",
    "too_many_events",
    "no_event",
    "truncated",
    "no_start",
    "unreadable_start",
    "unreadable_recurrence_id",
    "too_many_attendees",
    "uid_too_long",
]

_NEEDS_NO_START: Final = frozenset({"CANCEL", "REPLY", "REFRESH", "COUNTER", "DECLINECOUNTER"})


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that could not be read, or was refused: a word, a sentence for people, and the UID if it is known."""

    reason: UnreadReason
    sentence: str
    uid: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """`messages` are the VCALENDARs that hold a readable VEVENT, in their order."""

    messages: tuple[Message, ...] = ()
    unread: tuple[Unread, ...] = ()


def read_calendar(
    source: bytes | str, *, floating_zone: str, charset: str | None = None, method: str | None = None
) -> Reading:
    """All that the calendars in `source` say.

    `floating_zone` is the receiving calendar's IANA zone: floating times, and times of an unknown zone, are read in it.
    `charset` and `method` are the parameters of the part's Content-Type; the calendar's own METHOD goes before. Text
    may stand before the first BEGIN:VCALENDAR. Takes time linear in the input, well under a second at the limits.
    Raises nothing but `Problem("invalid_timezone")` for a `floating_zone` that is none.
    """
    zone = load_zone(floating_zone)
    source = from_begin(source)
    if len(source) > MAX_CALENDAR * (1 if isinstance(source, str) else 2):
        return _refused("too_large", f"The calendar is larger than {MAX_CALENDAR:,} characters.")
    text = text_of(source, charset)
    if not text:
        return _refused("not_a_calendar", "There is no BEGIN:VCALENDAR in it.")
    if len(text) > MAX_CALENDAR:
        return _refused("too_large", f"The calendar is larger than {MAX_CALENDAR:,} characters.")
    calendars = calendars_of(text)
    count = sum(1 for calendar in calendars for _ in events_of(calendar))
    if count > MAX_EVENTS:
        return _refused("too_many_events", f"The calendar has {count:,} events, and may have {MAX_EVENTS:,}.")
    if not count:
        return _refused("no_event", _without_event(calendars))
    messages: list[Message] = []
    unread: list[Unread] = []
    purse = Purse()
    for calendar in calendars:
        message = _message(calendar, Zones(calendar, zone), method, purse, unread)
        if message.components:
            messages.append(message)
    return Reading(tuple(messages), tuple(unread))


def _refused(reason: UnreadReason, sentence: str) -> Reading:
    return Reading(unread=(Unread(reason, sentence),))


def _without_event(calendars: list[Block]) -> str:
    kinds = sorted({block.kind[:20] for calendar in calendars for block in calendar.blocks} - {"VTIMEZONE"})
    return f"The calendar has no VEVENT, only {', '.join(kinds[:5])}." if kinds else "The calendar is empty."


def _message(calendar: Block, zones: Zones, method: str | None, purse: Purse, unread: list[Unread]) -> Message:
    line, product = calendar.first("METHOD"), calendar.first("PRODID")
    called = (line.value if line is not None else method or "").strip().upper()[:40]
    components: list[Component] = []
    for event in events_of(calendar):
        if not event.is_whole:
            unread.append(Unread("truncated", "The calendar breaks off within an event.", _uid(event)))
            continue
        try:
            component = component_of(event, zones, purse)
        except Unreadable as why:
            unread.append(Unread(cast("UnreadReason", why.reason), str(why), _uid(event)))
            continue
        if component.when is None and called not in _NEEDS_NO_START and component.status != "cancelled":
            unread.append(Unread("no_start", "The event has no DTSTART.", component.uid))
            continue
        components.append(component)
    return Message(called, tuple(components), None if product is None else product.text[:200])


def _uid(event: Block) -> str | None:
    line = event.first("UID")
    return None if line is None else line.text.strip()[:MAX_UID] or None
