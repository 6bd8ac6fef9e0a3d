"""Outlook and Exchange: Windows' display name as TZID, `(UTC+01:00) Amsterdam, Berlin, Bern, Rome`.

RFC 5545 3.2.19 wants a VTIMEZONE of that name, and one counts where it is there. Without it, offset and name are taken
together: a zone goes by one of the names and has that offset in winter or in summer, or it is not taken.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from app.core.offsets import offset_at
from app.core.zones import load_zone, zones_called

_DISPLAY = re.compile(r"\(?(?:UTC|GMT)\s?(?:([+-])(\d{1,2}):?(\d\d))?\)?\s*(.*)", re.IGNORECASE | re.DOTALL)
_SEPARATORS = re.compile(r"[,;/&]|\band\b")
_MAX_NAMES = 12  # cities in one display name; Windows has at most seven

_JANUARY, _JULY = (int(datetime(2025, month, 15, tzinfo=UTC).timestamp()) for month in (1, 7))


def called(tzid: str) -> list[str]:
    """The zones that go by one of the names in `tzid`, in their order."""
    found = _DISPLAY.match(tzid)
    names = found[4] if found else tzid
    parts = [names, *_SEPARATORS.split(names)[:_MAX_NAMES], re.sub(r"\(.*", "", names)]
    return list(dict.fromkeys(zone for part in parts if part.strip() for zone in zones_called(part)))


def resolved(tzid: str) -> str | None:
    found = _DISPLAY.match(tzid)
    if found is None:
        return None
    sign, hours, minutes, names = found.groups()
    offset = 0
    if sign is not None:
        offset = (int(hours) * 60 + int(minutes)) * (-60 if sign == "-" else 60)
    if not names:
        return _fixed(offset)
    for name in called(tzid):
        zone = load_zone(name)
        if offset in (offset_at(_JANUARY, zone), offset_at(_JULY, zone)):
            return name
    return None


def _fixed(offset: int) -> str | None:
    """A bare offset; the IANA database names whole hours only, and counts them westward."""
    if offset == 0:
        return "UTC"
    hours = offset // 3600
    if offset % 3600 or not -12 <= hours <= 14:
        return None
    return f"Etc/GMT{'-' if hours > 0 else '+'}{abs(hours)}"
