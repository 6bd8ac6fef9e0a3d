"""Microsoft Teams: the meeting's address in X-MICROSOFT-SKYPETEAMSMEETINGURL (or X-MICROSOFT-ONLINEMEETINGCONFLINK).

RFC 7986 5.11 has CONFERENCE for it.
"""

from __future__ import annotations

from app.ical.lines import Block, Line


def repair(event: Block) -> str | None:
    if event.first("CONFERENCE") is None:
        line = event.first("X-MICROSOFT-SKYPETEAMSMEETINGURL") or event.first("X-MICROSOFT-ONLINEMEETINGCONFLINK")
        if line is not None and line.value.strip().startswith("https://"):
            event.put(Line("CONFERENCE", "CONFERENCE;VALUE=URI", line.value))
    return None
