"""Calendars bent at random: reading one never raises, never hangs, and yields what can be stored.

`./scripts/fuzz` looks at many more.
"""

from __future__ import annotations

import re
from datetime import timedelta
from time import process_time
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.itip import Component, Thread, absorb, by_uid, meaning, series_of, thread_from_json, thread_to_json
from app.core.series import first_from
from app.core.times import MAX_YEAR, MIN_YEAR, end_of, load_zone
from app.ical import limits
from app.ical.read import read_calendar
from tests.support.bent import EXAMPLES, bent

ZONE: Final = "America/Denver"
SLOWEST: Final = 0.5  # seconds of processor time for one small calendar
UNSTORABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def check_storable(component: Component) -> None:
    text = thread_to_json(Thread(component.uid, component.organizer)) + repr(component)
    assert UNSTORABLE.search(text) is None
    assert len(component.summary or "") <= limits.MAX_SUMMARY
    assert len((component.description or "").encode()) <= limits.MAX_DESCRIPTION
    assert 0 <= component.sequence <= limits.MAX_SEQUENCE
    when = component.when
    if when is None:
        return
    assert MIN_YEAR <= when.start_wall.year <= MAX_YEAR
    assert when.length.days >= 0
    assert when.length.seconds >= 0
    assert not when.all_day or (when.length.days > 0 and when.length.seconds == 0)
    start = when.start(ZONE)
    assert end_of(start, load_zone(when.zone), when.length) >= start
    assert first_from(series_of(component, ZONE), start - timedelta(days=1)) is not None


def read_and_tell(source: bytes | str) -> float:
    begin = process_time()
    reading = read_calendar(source, floating_zone=ZONE)
    for message in reading.messages:
        for uid, part in by_uid(message).items():
            thread, verdict = absorb(Thread(uid), part, ZONE)
            assert verdict.status != "updated"
            assert thread_from_json(thread_to_json(thread)) == thread
            meaning(thread, ZONE)
    spent = process_time() - begin
    assert reading.messages or reading.unread
    for message in reading.messages:
        for component in message.components:
            check_storable(component)
    return spent


@given(bent())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_bent_calendar_is_read_in_a_moment_and_what_it_says_can_be_stored(source: bytes) -> None:
    assert read_and_tell(source) < SLOWEST or min(read_and_tell(source) for _ in range(3)) < SLOWEST
    read_and_tell(source.decode("utf-8", "surrogateescape"))


@given(st.text(alphabet=st.sampled_from('BEGINVCALDRT:;=",\\\n\r \t^0129Z\0é'), max_size=200))
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_text_within_a_calendar_is_read(text: str) -> None:
    read_and_tell(f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260301T090000\n{text}\nEND:VEVENT\nEND:VCALENDAR")


ABSURD: Final = {
    "quotes that never close": b'A;B="' * 190_000,
    "quotes that close at once": b'A;B="a""' * 110_000 + b":x",
    "folds alone": b"A:" + b"\r\n " * 300_000,
    "soft line breaks alone": b"A;ENCODING=QUOTED-PRINTABLE:=\r\n" + b"=\r\n" * 300_000,
    "components without an end": b"BEGIN:X\r\n" * 100_000,
    "ends without a component": b"END:X\r\n" * 110_000,
    "one long line": b"SUMMARY:" + b"a" * 900_000,
    "fifty thousand exdates": b"DTSTART:20261209T100000\r\nRRULE:FREQ=DAILY\r\nEXDATE:" + b"20261209T170000Z," * 50_000,
    "carets": b"DTSTART:20261209T100000\r\n" + (b"ATTENDEE;CN=" + b"^^" * 3_000 + b":mailto:a@b.c\r\n") * 150,
}


def test_absurd_calendars_take_no_more_than_a_second() -> None:
    for name, inside in ABSURD.items():
        source = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" + inside + b"\r\nEND:VEVENT\r\nEND:VCALENDAR"
        assert min(read_and_tell(source) for _ in range(1)) < 1 or min(read_and_tell(source) for _ in range(3)) < 1, (
            name
        )


def test_five_hundred_of_the_dearest_events_take_no_more_than_a_second() -> None:
    for rule in ("FREQ=DAILY;COUNT=10000", "FREQ=HOURLY", "FREQ=YEARLY;BYDAY=MO;BYSETPOS=366", "FREQ=MONTHLY;COUNT=9"):
        events = (
            f"BEGIN:VEVENT\nUID:{number % 300}\nRECURRENCE-ID:2026{number % 12 + 1:02}{number % 28 + 1:02}\n"
            if number % 2
            else f"BEGIN:VEVENT\nUID:{number % 300}\nRRULE:{rule}\n"
            for number in range(limits.MAX_EVENTS)
        )
        inside = "".join(f"{event}DTSTART;TZID=Zone:20260301T090000\nEND:VEVENT\n" for event in events)
        source = f"BEGIN:VCALENDAR\n{inside}END:VCALENDAR"
        assert read_and_tell(source) < 1 or min(read_and_tell(source) for _ in range(3)) < 1, rule
