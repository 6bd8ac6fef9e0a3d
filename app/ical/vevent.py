"""One VEVENT → `Component`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from app.core.itip.component import Attendee, Component, Person, Status, When
from app.ical import limits
from app.ical.dates import Dates
from app.ical.lines import Block
from app.ical.people import attendee_of, organizer_of
from app.ical.quirks import vcalendar_quoted_printable
from app.ical.recurrence import Purse, Recurrence, recurrence_of
from app.ical.repairs import REPAIRS
from app.ical.stamps import stamp
from app.ical.tzids import Zones

MODELLED: Final = frozenset(
    (
        *("UID", "RECURRENCE-ID", "SEQUENCE", "DTSTAMP", "CREATED", "LAST-MODIFIED", "STATUS", "SUMMARY"),
        *("DESCRIPTION", "LOCATION", "TRANSP", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "EXRULE"),
        *("ORGANIZER", "ATTENDEE", "URL", "CONFERENCE", "REQUEST-STATUS"),
    )
)
"""Properties that a `Component` has fields for (and two that mean nothing without their message)."""

_STATUSES: Final[dict[str, Status]] = {
    "CONFIRMED": "confirmed",
    "TENTATIVE": "tentative",
    "CANCELLED": "cancelled",
    "CANCELED": "cancelled",
}
_NUMBER: Final = re.compile(r"\s*([0-9]{1,18})\s*")


class Unreadable(Exception):
    """A VEVENT that says too little, or too much, to be one. `reason` is a word, the message a sentence."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(slots=True)
class _Notices:
    said: list[str] = field(default_factory=list)

    def add(self, sentence: str | None) -> None:
        if sentence and sentence not in self.said and len(self.said) < limits.MAX_NOTICES:
            self.said.append(sentence)


def component_of(
    event: Block, zones: Zones, purse: Purse, repairs: Sequence[Callable[[Block], str | None]] = REPAIRS
) -> Component:
    """The component that a whole VEVENT is; `when` is None where it has no DTSTART.

    Raises `Unreadable` with the reason `unreadable_start`, `unreadable_recurrence_id`,
    `too_many_attendees` or `uid_too_long`.
    """
    notices = _Notices()
    for repair in repairs:
        notices.add(repair(event))
    dates = Dates(event, zones, notices.add)
    when = _when(event, dates)
    recurrence = Recurrence() if when is None else recurrence_of(event, when, dates, purse, notices.add)
    organizer = _organizer(event)
    if event.strange:
        notices.add(f"What is no property was left out (lines: {event.strange}).")
    uid = _uid(event, organizer, notices)
    named, and_later = _recurrence_id(event, dates)
    return Component(
        uid=uid,
        recurrence_id=named,
        this_and_future=and_later,
        sequence=_sequence(event),
        dtstamp=_instant(event, "DTSTAMP"),
        created=_instant(event, "CREATED"),
        last_modified=_instant(event, "LAST-MODIFIED"),
        status=_status(event),
        summary=_text(event, "SUMMARY", limits.MAX_SUMMARY, notices),
        description=_text(event, "DESCRIPTION", limits.MAX_DESCRIPTION, notices),
        location=_text(event, "LOCATION", limits.MAX_LOCATION, notices),
        transparency="transparent" if _word(event, "TRANSP") == "TRANSPARENT" else "opaque",
        when=when,
        rule=recurrence.rule,
        last=recurrence.last,
        rdates=recurrence.rdates,
        exdates=recurrence.exdates,
        organizer=organizer,
        attendees=_attendees(event, notices),
        url=_address(event, "URL"),
        conference=_address(event, "CONFERENCE"),
        comment=_text(event, "COMMENT", limits.MAX_SUMMARY, _Notices()),
        extra=_extra(event, notices),
        notices=tuple(notices.said),
    )


def _when(event: Block, dates: Dates) -> When | None:
    if event.first("DTSTART") is None:
        return None
    try:
        return dates.when()
    except (ValueError, OverflowError):
        value = event.first("DTSTART")
        shown = "" if value is None else value.value[:40]
        raise Unreadable("unreadable_start", f"DTSTART “{shown}” is not a time of the years 1900 to 2999.") from None


def _recurrence_id(event: Block, dates: Dates) -> tuple[str | None, bool]:
    try:
        return dates.recurrence_id()
    except (ValueError, OverflowError):
        raise Unreadable("unreadable_recurrence_id", "RECURRENCE-ID is no date or time.") from None


def _uid(event: Block, organizer: Person | None, notices: _Notices) -> str:
    line = event.first("UID")
    uid = "" if line is None else line.text.strip()
    if (octets := len(uid.encode())) > limits.MAX_UID:
        raise Unreadable("uid_too_long", f"The UID has {octets:,} octets, and may have {limits.MAX_UID:,}.")
    if uid:
        return uid
    # The same event again must be the same one: what identifies it is who invites, to what, and when.
    told = [organizer.address if organizer else ""]
    told += [line.value if (line := event.first(name)) else "" for name in ("DTSTART", "RRULE", "SUMMARY")]
    notices.add("The event had no UID; one was made of its organiser, start and title.")
    return "no-uid-" + hashlib.sha256("\0".join(told).encode()).hexdigest()[:32]


def _sequence(event: Block) -> int:
    line = event.first("SEQUENCE")
    found = None if line is None else _NUMBER.fullmatch(line.value)
    return 0 if found is None else min(int(found[1]), limits.MAX_SEQUENCE)


def _instant(event: Block, name: str) -> datetime | None:
    """An instant; a time without Z is taken as UTC, which these properties must be in (3.8.7)."""
    line = event.first(name)
    if line is None:
        return None
    try:
        at = stamp(line.value)
        if not isinstance(at, datetime):
            at = datetime(at.year, at.month, at.day)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _word(event: Block, name: str) -> str:
    line = event.first(name)
    return "" if line is None else line.value.strip().upper()


def _status(event: Block) -> Status | None:
    return _STATUSES.get(_word(event, "STATUS"))


def _text(event: Block, name: str, most: int, notices: _Notices) -> str | None:
    """The first non-empty one of that name, cut to `most` characters (DESCRIPTION: bytes)."""
    line = event.first(name)
    if line is None:
        return None
    if ";" in line.head and "QUOTED" in line.head.upper():
        text = vcalendar_quoted_printable.decoded(line.head, line.value, line.params.get("CHARSET"))
    else:
        text = line.text
    if name != "DESCRIPTION":
        text = text.strip()
        kept = text[:most]
    else:
        kept = text if len(text) * 4 <= most else text.encode()[:most].decode("utf-8", "ignore")
    if len(kept) < len(text):
        notices.add(f"{name} was cut to {most:,} {'bytes' if name == 'DESCRIPTION' else 'characters'}.")
    return kept or None


def _organizer(event: Block) -> Person | None:
    line = event.first("ORGANIZER")
    return None if line is None else organizer_of(line)


def _attendees(event: Block, notices: _Notices) -> tuple[Attendee, ...]:
    lines = event.all("ATTENDEE")
    if len(lines) > limits.MAX_ATTENDEES:
        raise Unreadable(
            "too_many_attendees", f"The event has {len(lines):,} attendees, and may have {limits.MAX_ATTENDEES:,}."
        )
    found: dict[str, Attendee] = {}
    unnamed = 0
    for line in lines:
        attendee = attendee_of(line)
        if attendee is None:
            unnamed += 1
        else:
            found.setdefault(attendee.address, attendee)
    if unnamed:
        notices.add(f"Attendees without a mail address were left out ({unnamed}).")
    return tuple(found.values())


def _address(event: Block, name: str) -> str | None:
    line = event.first(name)
    if line is None:
        return None
    address = "".join(line.value.split())
    is_web = address[:8].lower().startswith(("http://", "https://"))
    return address if is_web and len(address) <= limits.MAX_ADDRESS_LINE else None


def _extra(event: Block, notices: _Notices) -> tuple[str, ...]:
    kept: list[str] = []
    left = limits.MAX_EXTRA
    for line in event.lines:
        if line.name in MODELLED:
            continue
        size = len(line.head) + len(line.value) + 1
        if size > min(left, limits.MAX_EXTRA_LINE):
            notices.add(f"{line.name[:40]} was too long to keep.")
            continue
        left -= size
        kept.append(line.raw)
    return tuple(kept)
