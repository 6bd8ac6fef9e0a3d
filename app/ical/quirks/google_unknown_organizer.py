"""Google Calendar: ORGANIZER:mailto:unknownorganizer@calendar.google.com for an event that has none.

It stands where the event was imported without an organiser (RFC 5545 3.8.4.3 lets it be absent). It names nobody, so it
is left out: otherwise everybody's imported events would have one and the same organiser.
"""

from __future__ import annotations

from app.ical.lines import Block

_NOBODY = "unknownorganizer@calendar.google.com"


def repair(event: Block) -> str | None:
    line = event.first("ORGANIZER")
    if line is not None and line.value.strip().lower().removeprefix("mailto:") == _NOBODY:
        event.drop(line)
    return None
