"""Files that somebody made to do harm: each is answered in good time, nothing breaks, and nobody else waits."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest

from app.core.times import load_zone
from app.ical.carry import carrying_vevent
from app.ical.write import VEvent
from tests.support.service import Api, Calendar
from tests.transfer.trips import exported, imported

_START: Final = datetime(2026, 3, 4, 9)
_NEW_YORK: Final = load_zone("America/New_York")
_BEGIN: Final = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
_END: Final = "END:VCALENDAR\r\n"
OURS: Final[dict[str, Any]] = {
    "start": "2026-03-04T09:00:00",
    "zone": "America/New_York",
    "length": [0, 3600],
    "created": 1772400000000000,
    "updated": 1772400000000000,
    "sequence": 0,
}


def ours(uid: str, said: Any, hidden: tuple[str, ...] = ()) -> str:
    """A VEVENT with the digest that fits, and anything as what only we would say."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    end = (_START.replace(tzinfo=_NEW_YORK) + timedelta(hours=1)).astimezone(UTC)
    vevent = VEvent(uid, 0, "Forged", now, now, _START, _NEW_YORK, end)
    return carrying_vevent(vevent, (), (), said if isinstance(said, str) else json.dumps(said), hidden)


OTHERS_WAIT: Final = 0.5  # seconds, of nine in ten requests of others, on a machine that may be busy


VALUES: Final[tuple[Any, ...]] = (
    None, "", "x", "\0", "a\u001eb", -1, 0, 10**30, 1.5, True, [], {}, [1], ["x"], [-1, -1], [10**12, 0], {"a": "b"},
    "2026-03-04", "0001-01-01T00:00:00", "9999-12-31T23:59:59", "2026-03-04T09:00:00+05:00", "Mars/Phobos", "../etc",
    "FREQ=SECONDLY", "FREQ=DAILY", "20260304", "20260399", "2026-03-04T09:00:00b", "x" * 70_000,
    ["2026-03-05", "x"], ["2026-03-05"], ["20260305"], "BEGIN:VEVENT\nEND:VEVENT\nX-A:1", "accepted",
)  # fmt: skip
MEMBERS: Final = (
    *(
        "start",
        "zone",
        "length",
        "all_day",
        "zone_given",
        "instant_given",
        "rule",
        "rdates",
        "start_counts",
        "sequence",
    ),
    *("asked_sequence", "exclusions", "excluded", "created", "updated", "uid", "recurrence_id", "key", "cancelled"),
    *("cancelled_dates", "successor", "client_id", "metadata", "response", "withdrawn", "untrusted", "status"),
    *("transparency", "title", "description", "location", "attendees", "organiser", "extra"),
)


def test_whatever_the_json_of_ours_says_nothing_breaks(calendar: Calendar) -> None:
    forged = [OURS | {member: value} for member in MEMBERS for value in VALUES]
    forged += [OURS | {"rule": "FREQ=DAILY;COUNT=5", member: value} for member in MEMBERS for value in VALUES[::3]]
    texts = [ours(f"{number}@forged.example", said) for number, said in enumerate(forged)]
    texts += [ours(f"text-{number}@forged.example", said) for number, said in enumerate(("", "{", "[]", "null", "{}"))]
    hidden = ("{}", '{"key":"20260304"}', '{"key":"x"}', json.dumps({"key": "20260309", "row": OURS}))
    texts.append(ours("hidden@forged.example", OURS | {"rule": "FREQ=DAILY;COUNT=3"}, hidden))
    answer = imported(calendar, _BEGIN + "".join(texts) + _END)
    assert answer["created"] + answer["ignored"] == len(texts)
    for path in ("events?limit=200&start=1990-01-01T00:00:00Z", "upcoming", "view", "export.ics", "changes?since=0"):
        assert calendar.api.get(f"{calendar.path}/{path}").status_code == 200, path
    assert calendar.feed()
    assert exported(calendar)


def many(line: str, count: int) -> str:
    return "".join(
        f"BEGIN:VEVENT\r\nUID:u{number}\r\nDTSTAMP:20260304T090000Z\r\nDTSTART:20260304T090000Z\r\n{line}\r\nEND:VEVENT\r\n"
        for number in range(count)
    )


def changed(count: int) -> str:
    """Changed dates of one dense series."""
    dates = (f"2026{3 + n // 672:02}{1 + n % 672 // 24:02}T{n % 24:02}0000Z" for n in range(count))
    return "BEGIN:VEVENT\r\nUID:u\r\nDTSTART:20260304T090000Z\r\nRRULE:FREQ=HOURLY\r\nEND:VEVENT\r\n" + "".join(
        f"BEGIN:VEVENT\r\nUID:u\r\nRECURRENCE-ID:{date}\r\nDTSTART:20260401T090000Z\r\nEND:VEVENT\r\n" for date in dates
    )


def zones(count: int) -> str:
    return "".join(
        f"BEGIN:VTIMEZONE\r\nTZID:Z{n}\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0{n % 9}17\r\n"
        f"TZOFFSETTO:+0{n % 9}23\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
        for n in range(count)
    ) + many("X:1", 100).replace("DTSTART:", "DTSTART;TZID=Z7:")


FULL: Final = bool(os.environ.get("KALENDS_TEST_HOSTILE_FILES"))  # files of 10 MB, which take up to a minute each
SIZE: Final = 1.0 if FULL else 0.004
_MONTHS: Final = [(year, month) for year in range(26, 32 if FULL else 27) for month in range(1, 13)]
_DAYS: Final = ",".join(f"20{year}{month:02}{day:02}T090000Z" for year, month in _MONTHS for day in range(1, 29))
HOSTILE: Final[dict[str, Callable[[], str]]] = {
    "every hour, in thousands": lambda: many("RRULE:FREQ=HOURLY", int(6_000 * SIZE)),
    "rules that hardly ever match": lambda: many(
        "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO", int(6_000 * SIZE)
    ),
    "rules that never match": lambda: many("RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", int(6_000 * SIZE)),
    "long counts": lambda: many("RRULE:FREQ=DAILY;COUNT=10000", int(6_000 * SIZE)),
    "cancelled dates without number": lambda: many(f"RRULE:FREQ=DAILY\r\nEXDATE:{_DAYS}", 1 + int(240 * SIZE)),
    "cancelled dates of dense series": lambda: many(f"RRULE:FREQ=HOURLY\r\nEXDATE:{_DAYS}", 1 + int(240 * SIZE)),
    "a long description for each cancelled date": lambda: many(
        f"RRULE:FREQ=DAILY\r\nDESCRIPTION:{'x' * 60_000}\r\nEXDATE:{_DAYS}", 1 + int(90 * SIZE)
    ),
    "changed dates of one dense series": lambda: changed(int(6_000 * SIZE)),
    "calendars without number": lambda: "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n" * 200_000,
    "components within components": lambda: "BEGIN:VEVENT\r\n" + "BEGIN:X\r\n" * int(500_000 * SIZE),
    "lines without number": lambda: "X:1\r\n" * 790_000,
    "one endless line": lambda: "X" * 9_000_000,
    "zones without number": lambda: zones(int(50_000 * SIZE)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_answered_and_nobody_waits_for_it(calendar: Calendar, name: str) -> None:
    """Whatever it is: an answer that says what is wrong, and none of the database's."""
    other = Api(str(calendar.api.http.base_url), calendar.api.key)
    waits: list[float] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            asked = time.monotonic()
            assert other.get("/health").status_code == 200
            waits.append(time.monotonic() - asked)
            time.sleep(0.01)

    bystander = threading.Thread(target=ask)
    bystander.start()
    begin = time.monotonic()
    calendar.api.http.timeout = httpx.Timeout(300)
    try:
        response = calendar.api.http.post(f"{calendar.path}/import", content=_BEGIN + HOSTILE[name]() + _END)
    finally:
        done.set()
        bystander.join()
    print(f"{name}: {time.monotonic() - begin:.2f} s, others {max(waits) * 1000:.0f} ms, {response.text[:120]}")
    assert response.status_code in (200, 400, 413), response.text
    assert time.monotonic() - begin < (90 if FULL else 10)
    assert sorted(waits)[len(waits) * 9 // 10] < OTHERS_WAIT
