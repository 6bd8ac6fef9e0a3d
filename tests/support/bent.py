"""Calendars bent at random, the corpus and our own as seeds."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Final

from hypothesis import strategies as st

TESTS: Final = Path(__file__).parents[1]
CORPUS: Final = TESTS.parents[1] / "shared" / "corpus" / "ics"
EXAMPLES: Final = int(os.environ.get("KALENDS_FUZZ_EXAMPLES", "300"))
"""How many a test looks at; `./scripts/fuzz` sets it."""

LINES: Final = """
BEGIN:VCALENDAR
END:VCALENDAR
BEGIN:VEVENT
END:VEVENT
BEGIN:VALARM
BEGIN:VTIMEZONE
RRULE:FREQ=SECONDLY
RRULE:FREQ=HOURLY;COUNT=9999
RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30
EXDATE:20260229
RDATE;VALUE=PERIOD:20260101T000000Z/P9W
DTSTART:00010101T000000Z
DTEND:99991231T235959Z
DTSTART;VALUE=DATE:19000101
DTSTART:29991231
DURATION:-P9999999W
DURATION:P36500D
RECURRENCE-ID;RANGE=THISANDFUTURE:20260301T090000
RECURRENCE-ID:00010101T000000Z
SEQUENCE:99999999999
STATUS:CANCELLED
TZOFFSETTO:+2359
METHOD:CANCEL
X-A;ENCODING=QUOTED-PRINTABLE:=C3=
"""
SIGNS: Final = (
    *(b"\r\n", b"\n ", b"\r\n\t", b":", b";", b",", b'"', b"\\", b"^n", b"=", b"=\r\n", b"\0", b"\xff", b"\xc3"),
    *(b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"TZID=Nowhere:", b';TZID="(UTC+99:99) X"'),
)
FRAGMENTS: Final = (*SIGNS, *(f"{line}\r\n".encode() for line in LINES.split()))


@lru_cache
def seeds() -> tuple[bytes, ...]:
    own = sorted((TESTS / "ical" / "quirks").glob("*.ics"))
    real = [path for path in sorted(CORPUS.rglob("*.ics"))[::25] if path.stat().st_size < 8_000]
    return tuple(path.read_bytes() for path in (*own, *real))


@st.composite
def bent(draw: st.DrawFn) -> bytes:
    source = draw(st.sampled_from(seeds()))
    for _ in range(draw(st.integers(1, 6))):
        low = draw(st.integers(0, len(source)))
        high = min(len(source), low + draw(st.integers(0, 60)))
        change = draw(st.integers(0, 4))
        if change == 0:
            source = source[:low] + draw(st.sampled_from(FRAGMENTS)) + source[low:]
        elif change == 1:
            source = source[:low] + source[high:]
        elif change == 2:
            source = source[:high] + source[low:]
        elif change == 3:
            source = source[:low] + draw(st.binary(max_size=6)) + source[high:]
        else:
            lines = source.splitlines(keepends=True)
            source = b"".join(draw(st.permutations(lines)) if len(lines) < 40 else lines)
    return source
