"""Apple's Calendar and its server: people named by a principal instead of a mail address.

`ATTENDEE;EMAIL=kim@example.com:urn:uuid:…`, `…:/principals/__uids__/…/`, `…:invalid:nomail`. RFC 5545 3.3.3 allows any
URI; the mail address, which iTIP by mail (RFC 6047 2.2) compares, is in EMAIL (RFC 7986 6.2) or in
X-CALENDARSERVER-EMAIL.
"""

from __future__ import annotations

from app.ical.lines import Line

_NOBODY = ("invalid:nomail", "noreply:")


def address(line: Line) -> str | None:
    """The address that stands for a value that is no mail address: a parameter's, else the URI, else None."""
    for name in ("EMAIL", "X-CALENDARSERVER-EMAIL"):
        given = line.params.get(name, "").strip()
        if "@" in given:
            return given
    value = line.value.strip()
    return None if value.lower().startswith(_NOBODY) else value
