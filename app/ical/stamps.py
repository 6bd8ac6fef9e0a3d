"""Values that say when: DATE, DATE-TIME, PERIOD, DURATION (RFC 5545 3.3), read with tolerance."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

from app.core.times import MAX_LENGTH, Length

_STAMP: Final = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)(?:[Tt ](\d\d):?(\d\d)(?::?(\d\d))?(?:[.,]\d{1,9})?([Zz]|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_DURATION: Final = re.compile(
    r"([+-])?P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?", re.ASCII
)


def stamp(text: str) -> date | datetime:
    """A date, a naive datetime, or an aware one. ISO 8601's dashes and colons and an offset are taken, hour 24 is the
    next midnight, second 60 the last of its minute. Raises ValueError for anything else.
    """
    found = _STAMP.fullmatch(text.strip())
    if found is None:
        raise ValueError("not a date or a time")
    year, month, day, hour, minute, second, offset = found.groups()
    on = date(int(year), int(month), int(day))
    if hour is None:
        return on
    hours = int(hour)
    at = datetime(on.year, on.month, on.day, hours % 24, int(minute), min(int(second or 0), 59))
    if hours >= 24:
        if hours > 24 or at.minute or at.second:
            raise ValueError("not a time of day")
        at += timedelta(days=1)
    if offset is None:
        return at
    return at.replace(tzinfo=UTC if offset in "Zz" else _fixed(offset))


def _fixed(offset: str) -> timezone:
    size = timedelta(hours=int(offset[1:3]), minutes=int(offset[-2:]))
    return timezone(-size if offset[0] == "-" else size)


def length(text: str) -> Length | None:
    """The length that a DURATION says: nominal days, exact seconds. None for a negative one and for more than a hundred
    years. Raises ValueError for what is none.
    """
    found = _DURATION.fullmatch(text.strip().upper())
    if found is None or not any(found.groups()[1:]):
        raise ValueError("not a duration")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    made = Length(weeks * 7 + days, hours * 3600 + minutes * 60 + seconds)
    if found[1] == "-" and made != Length(0, 0):
        return None
    return made if made.days * 86_400 + made.seconds <= MAX_LENGTH.total_seconds() else None
