"""Outlook: an all-day event as DATE-TIMEs from midnight to midnight, marked X-MICROSOFT-CDO-ALLDAYEVENT:TRUE.

RFC 5545 3.6.1 says "all day" with VALUE=DATE. The times become dates, so that the event stays on its day in every zone.
"""

from __future__ import annotations

from app.ical.lines import Block, Line

_MIDNIGHT = "T000000"


def repair(event: Block) -> str | None:
    mark = event.first("X-MICROSOFT-CDO-ALLDAYEVENT")
    if mark is None or mark.value.strip().upper() != "TRUE":
        return None
    start, end = event.first("DTSTART"), event.first("DTEND")
    if start is None or end is None or not (_is_midnight(start) and _is_midnight(end)):
        return None
    event.put(_date(start), _date(end))
    return None


def _is_midnight(line: Line) -> bool:
    return line.value.strip().endswith(_MIDNIGHT) and len(line.value.strip()) == 15


def _date(line: Line) -> Line:
    return Line(line.name, f"{line.name};VALUE=DATE", line.value.strip()[:8])
