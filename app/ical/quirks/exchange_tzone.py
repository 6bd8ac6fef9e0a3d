"""Exchange and Outlook.com: `TZID=tzone://Microsoft/Utc` (RFC 5545 3.2.19 wants the name of a VTIMEZONE).

`tzone://Microsoft/Custom` stands for rules of the sender's own, which only a VTIMEZONE tells.
"""

from __future__ import annotations


def resolved(tzid: str) -> str | None:
    return "UTC" if tzid.lower() == "tzone://microsoft/utc" else None
