"""Exchange and Outlook: free time said by X-MICROSOFT-CDO-BUSYSTATUS:FREE alone.

RFC 5545 3.8.2.7 has TRANSP for it, and without one an event takes up time. FREE becomes TRANSP:TRANSPARENT where the
organiser's own intention (X-MICROSOFT-CDO-INTENDEDSTATUS, what attendees are to be shown) does not say otherwise.
"""

from __future__ import annotations

from app.ical.lines import Block, Line


def repair(event: Block) -> str | None:
    if event.first("TRANSP") is not None:
        return None
    said = event.first("X-MICROSOFT-CDO-INTENDEDSTATUS") or event.first("X-MICROSOFT-CDO-BUSYSTATUS")
    if said is not None and said.value.strip().upper() == "FREE":
        event.put(Line("TRANSP", "TRANSP", "TRANSPARENT"))
    return None
