"""Outgoing iTIP messages (RFC 5546): REQUEST, CANCEL and REPLY as calendar texts.

Nothing reads a clock: DTSTAMP is the `stamp` that a caller gives, which must be later than that of the message
before, since readers order messages of equal SEQUENCE by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

from app.core.mailbox import Mailbox
from app.ical.text import fold, mail_uri, parameter
from app.ical.write import PRODID, VEvent, answered_vevent, scheduled_vevent
from app.ical.zones import vtimezone

Method = Literal["REQUEST", "CANCEL", "REPLY"]
Answer = Literal["accepted", "declined", "tentative"]

_TOKEN: Final = re.compile(r"[A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Attendee:
    """Somebody invited. `role` and `partstat` are the values of RFC 5545 3.2.16 and 3.2.12, in any case; one that is
    absent or no iCalendar token is written as the default, REQ-PARTICIPANT and NEEDS-ACTION."""

    address: str
    name: str | None = None
    role: str | None = None
    partstat: str | None = None


@dataclass(frozen=True, slots=True)
class Invited:
    """A VEVENT and those it is for."""

    event: VEvent
    attendees: Sequence[Attendee]


def request(invited: Sequence[Invited], organiser: Mailbox, stamp: datetime) -> str:
    """METHOD:REQUEST (RFC 5546 3.2.2): an invitation, or the new state of what was invited before.

    `invited` is a single event, a series with all its overrides, or overrides alone when only they changed. Raises
    ValueError without any, without an attendee, or for events of more than one UID.
    """
    vevents = [
        scheduled_vevent(each.event, stamp, (_organiser(organiser), *map(_attendee, each.attendees)))
        for each in _checked(invited)
    ]
    return _message("REQUEST", [each.event for each in invited], vevents)


def cancel(cancelled: Invited, organiser: Mailbox, stamp: datetime) -> str:
    """METHOD:CANCEL (RFC 5546 3.2.5): the event, its whole series, or with `recurrence_id` the one date is off.

    `cancelled.event` is what was last sent: STATUS becomes CANCELLED and SEQUENCE is raised by one. Its attendees are
    those who are told. Raises ValueError when there are none.
    """
    (each,) = _checked([cancelled])
    event = replace(each.event, status="cancelled", sequence=each.event.sequence + 1)
    people = (_organiser(organiser), *map(_told, each.attendees))
    return _message("CANCEL", [event], [scheduled_vevent(event, stamp, people)])


def reply(event: VEvent, organiser: Mailbox, attendee: Mailbox, answer: Answer, stamp: datetime) -> str:
    """METHOD:REPLY (RFC 5546 3.2.3): `attendee`, in the letters of the invitation, answers the organiser.

    `event` is what was invited, with the UID and SEQUENCE of the invitation, which an answer never raises. To answer
    for one date of a series it carries `recurrence_id` in the organiser's form: an aware instant for UTC, a wall time
    with its zone for TZID, a date for VALUE=DATE.
    """
    answering = fold(f"ATTENDEE{_name(attendee.name)};PARTSTAT={answer.upper()}:{mail_uri(attendee.address)}")
    return _message("REPLY", [event], [answered_vevent(event, stamp, (_organiser(organiser), answering))])


def _checked(invited: Sequence[Invited]) -> Sequence[Invited]:
    if len({each.event.uid for each in invited}) != 1:
        raise ValueError("An iTIP message is about one UID.")
    if not all(each.attendees for each in invited):
        raise ValueError("An iTIP message from the organiser is for somebody: it needs an attendee.")
    return invited


def _message(method: Method, events: Sequence[VEvent], vevents: Iterable[str]) -> str:
    head = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{PRODID}\r\nCALSCALE:GREGORIAN\r\nMETHOD:{method}\r\n"
    return "".join((head, *_vtimezones(events), *vevents, "END:VCALENDAR\r\n"))


def _vtimezones(events: Sequence[VEvent]) -> list[str]:
    """The VTIMEZONE of every zone that may be named, from the earliest date in the message on."""
    zones: set[ZoneInfo] = set()
    days: list[date] = []
    for event in events:
        days += [event.start, *event.rdates, *event.exdates]
        if isinstance(event.start, datetime) and event.zone is not None:
            zones.add(event.zone)
        if event.recurrence_id is not None:
            days.append(event.recurrence_id)
        if event.recurrence_zone is not None:
            zones.add(event.recurrence_zone)
    since = date(min(day.year for day in days), 1, 1)
    return [vtimezone(name, since) for name in sorted({zone.key for zone in zones})]


def _organiser(organiser: Mailbox) -> str:
    return fold(f"ORGANIZER{_name(organiser.name)}:{mail_uri(organiser.address)}")


def _attendee(attendee: Attendee) -> str:
    """With RSVP=TRUE as long as no answer is known, so that clients show the buttons to answer with."""
    partstat = _token(attendee.partstat, "NEEDS-ACTION")
    asked = "TRUE" if partstat == "NEEDS-ACTION" else "FALSE"
    parameters = f"ROLE={_token(attendee.role, 'REQ-PARTICIPANT')};PARTSTAT={partstat};RSVP={asked}"
    return fold(f"ATTENDEE{_name(attendee.name)};{parameters}:{mail_uri(attendee.address)}")


def _told(attendee: Attendee) -> str:
    role = _token(attendee.role, "REQ-PARTICIPANT")
    return fold(f"ATTENDEE{_name(attendee.name)};ROLE={role}:{mail_uri(attendee.address)}")


def _name(name: str | None) -> str:
    return f";CN={parameter(name)}" if name and not name.isspace() else ""


def _token(value: str | None, default: str) -> str:
    return value.upper() if value and _TOKEN.fullmatch(value) else default
