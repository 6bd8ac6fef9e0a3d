"""Several exporters (Palm and old Outlook plug-ins, school and club software): COUNT and UNTIL in one RRULE.

RFC 5545 3.3.10 forbids both in one rule. Each bounds the series; UNTIL is kept, a date that people can check, and
COUNT, which such senders leave over from the form that was filled in, is dropped.
"""

from __future__ import annotations

from app.ical.lines import Block, Line


def repair(event: Block) -> str | None:
    line = event.first("RRULE")
    if line is None:
        return None
    value = line.value.upper()
    if "COUNT=" not in value or "UNTIL=" not in value:
        return None
    parts = [part for part in line.value.split(";") if not part.strip().upper().startswith("COUNT=")]
    event.put(Line("RRULE", "RRULE", ";".join(parts)))
    return "The recurrence had both COUNT and UNTIL; it ends by UNTIL."
