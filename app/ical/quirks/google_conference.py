"""Google Calendar: the address of a Meet call in X-GOOGLE-CONFERENCE. RFC 7986 5.11 has CONFERENCE for it."""

from __future__ import annotations

from app.ical.lines import Block, Line


def repair(event: Block) -> str | None:
    line = event.first("X-GOOGLE-CONFERENCE")
    if line is not None and event.first("CONFERENCE") is None:
        event.put(Line("CONFERENCE", "CONFERENCE;VALUE=URI", line.value))
    return None
