"""ORGANIZER and ATTENDEE lines → people."""

from __future__ import annotations

import re
from typing import Final

from app.core.itip.component import Attendee, Person
from app.ical.lines import Line
from app.ical.quirks import apple_principal_address

MAX_ADDRESS: Final = 320  # characters: 64 before the @, 255 behind it (RFC 5321 4.5.3.1)
MAX_NAME: Final = 255  # characters of a display name


_PLAIN: Final = re.compile(r"(?:mailto:)?([a-z0-9._%+=-]+@[a-z0-9.-]+)")


def organizer_of(line: Line) -> Person | None:
    """None where the line names nobody."""
    address = _address(line)
    if address is None:
        return None
    sent_by = line.params.get("SENT-BY")
    return Person(address, _name(line), None if sent_by is None else _tidy(sent_by)[:MAX_ADDRESS] or None)


def attendee_of(line: Line) -> Attendee | None:
    """None where the line has no mail address: nobody could be asked, or answer."""
    address = _address(line)
    if address is None or "@" not in address or ":" in address:
        return None
    params = line.params
    return Attendee(
        address,
        _name(line),
        role=_word(params.get("ROLE")),
        partstat=_word(params.get("PARTSTAT")),
        rsvp=params.get("RSVP", "").upper() == "TRUE",
    )


def _address(line: Line) -> str | None:
    value = line.value.strip()
    if "@" in value and (value[:7].lower() == "mailto:" or ":" not in value):
        found: str | None = value
    else:
        found = apple_principal_address.address(line)
    address = _tidy(found or "")
    return address if 0 < len(address) <= MAX_ADDRESS else None


def _tidy(address: str) -> str:
    """Lower case, without `mailto:`, blanks, angle brackets and what follows a question mark (RFC 6068)."""
    address = address.strip().lower()
    if (plain := _PLAIN.fullmatch(address)) is not None:
        return plain[1]
    if address.startswith("mailto:"):
        address = address.removeprefix("mailto:").partition("?")[0]
    return "".join(address.strip(" <>'\"").split())


def _name(line: Line) -> str | None:
    name = " ".join(line.params.get("CN", "").split())[:MAX_NAME]
    return name or None


def _word(value: str | None) -> str | None:
    return value.strip().upper()[:40] or None if value else None
