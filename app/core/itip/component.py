"""What a VEVENT says, as values that compare, and that JSON can hold (msgspec)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from app.core.times import Length, instant_of, load_zone

Status = Literal["confirmed", "tentative", "cancelled"]
Transparency = Literal["opaque", "transparent"]


class Person(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody named by ORGANIZER. `address` is the mail address in lower case, else the URI that stands for one
    (Google's calendar ids are addresses; a CalDAV server may name a principal); `sent_by` an address.
    """

    address: str
    name: str | None = None
    sent_by: str | None = None

    @property
    def email(self) -> str | None:
        """The address, where mail can be sent to it."""
        return self.address if "@" in self.address and ":" not in self.address else None


class Attendee(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody named by ATTENDEE; `role` and `partstat` are iCalendar's words in upper case (`REQ-PARTICIPANT`,
    `NEEDS-ACTION`), None where the line has none.
    """

    address: str
    name: str | None = None
    role: str | None = None
    partstat: str | None = None
    rsvp: bool = False


class When(msgspec.Struct, frozen=True, omit_defaults=True):
    """When something happens: the fields of an `Event` that say so, under their names.

    `start_wall` is naive, in `zone` (an IANA name), midnight when all-day. `second_pass` is its fold, which JSON has no
    place for. `zone_given` says that the sender named the zone, `instant_given` that the sender gave an instant (UTC)
    and `zone` is merely the calendar's; both are False for a floating time, read in the calendar's zone, and for dates.
    """

    all_day: bool
    start_wall: datetime
    zone: str
    length: Length
    zone_given: bool = False
    instant_given: bool = False
    second_pass: bool = False

    def __post_init__(self) -> None:
        if self.start_wall.fold != self.second_pass:
            msgspec.structs.force_setattr(self, "start_wall", self.start_wall.replace(fold=int(self.second_pass)))

    def start(self, calendar_zone: str) -> datetime:
        """The instant of the start; a date begins at midnight in the calendar's zone."""
        return instant_of(self.start_wall, load_zone(calendar_zone if self.all_day else self.zone))


class Component(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One VEVENT.

    `recurrence_id` names the date of a series that this is about: a text as `format_moment` writes it (an instant where
    the sender gave UTC or a zone, a wall time where it floats, a date). `when` is None where there is no DTSTART, which
    only answers and cancellations may lack. `rule` is canonical RRULE text, `last` the wall time of its final date
    where it has one. `rdates` and `exdates` are wall times in the event's zone, or dates. `sequence` fits 32 bits;
    `dtstamp`, `created` and `last_modified` are in UTC. `status` is None where the sender gave none.

    `extra` are unfolded property lines that are not modelled, verbatim. `notices` are sentences for a reader: what was
    dropped or repaired.
    """

    uid: str
    recurrence_id: str | None = None
    this_and_future: bool = False
    sequence: int = 0
    dtstamp: datetime | None = None
    created: datetime | None = None
    last_modified: datetime | None = None
    status: Status | None = None
    summary: str | None = None
    description: str | None = None
    location: str | None = None
    transparency: Transparency = "opaque"
    when: When | None = None
    rule: str | None = None
    last: str | None = None
    rdates: tuple[str, ...] = ()
    exdates: tuple[str, ...] = ()
    organizer: Person | None = None
    attendees: tuple[Attendee, ...] = ()
    url: str | None = None
    conference: str | None = None
    comment: str | None = None
    extra: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def is_series(self) -> bool:
        return self.rule is not None or bool(self.rdates)


@dataclass(frozen=True, slots=True)
class Message:
    """One VCALENDAR that came by mail. `method` is in upper case, "" where neither it nor the mail says one."""

    method: str
    components: tuple[Component, ...]
    product: str | None = None


def by_uid(message: Message) -> Mapping[str, Message]:
    """The message taken apart, one for each UID, in the order of their appearance."""
    found: dict[str, list[Component]] = {}
    for component in message.components:
        found.setdefault(component.uid, []).append(component)
    return {uid: Message(message.method, tuple(parts), message.product) for uid, parts in found.items()}
