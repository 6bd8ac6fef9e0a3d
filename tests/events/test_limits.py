"""Series as large as they are allowed to be, within seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from tests.support.service import Calendar

NINE = {"start": "2026-03-02T09:00:00", "end": "2026-03-02T09:30:00"}


@contextmanager
def within(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def days(first: str, count: int) -> list[str]:
    return [str(date.fromisoformat(first) + timedelta(days=n)) for n in range(count)]


def test_a_rule_at_the_edge_of_what_ninety_days_may_hold_is_stored_whole(utc_calendar: Calendar) -> None:
    hours = ",".join(map(str, range(9)))
    with within(5):
        series = utc_calendar.add(title="x", recurrence=f"FREQ=DAILY;BYHOUR={hours};BYMINUTE=0,20,40", **NINE)
        assert series["instances_created"] == 27 * 90
    over = f"FREQ=DAILY;BYHOUR={hours};BYMINUTE=0,15,30,45"
    assert utc_calendar.refused(title="x", recurrence=over, **NINE)["code"] == "recurrence_too_costly"


def test_the_highest_count_is_walked_once(utc_calendar: Calendar) -> None:
    with within(5):
        series = utc_calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=10000", **NINE)
    assert series["instances_created"] == 91
    with within(2):
        last = date(2026, 3, 2) + timedelta(days=9999)
        assert utc_calendar.event(f"{series['id']}_{last:%Y%m%d}")["start"][:10] == str(last)
    after = utc_calendar.api.get(f"{utc_calendar.path}/events/{series['id']}_{last + timedelta(days=1):%Y%m%d}")
    assert after.status_code == 404


def test_five_hundred_exdates_are_taken_and_given_back(utc_calendar: Calendar) -> None:
    named = days("2026-03-03", 500)
    with within(20):
        series = utc_calendar.add(title="x", recurrence="FREQ=DAILY", exdates=named, **NINE)
        assert utc_calendar.feed().count("EXDATE") == 500
        assert len(utc_calendar.list(status="cancelled", limit=200, end="2028-01-01T00:00:00Z")) == 200
        restored = utc_calendar.change(series["id"], exdates=[])
    assert restored["instances_created"] == 91
    error = utc_calendar.refused(title="x", recurrence="FREQ=DAILY", exdates=[*named, "2026-03-03"], **NINE)
    assert error["field"] == "exdates"


def test_a_series_with_many_own_dates_is_retimed_without_losing_one(utc_calendar: Calendar) -> None:
    series = utc_calendar.add(title="x", recurrence="FREQ=DAILY", **NINE)
    edited = [f"{series['id']}_{day.replace('-', '')}" for day in days("2026-03-03", 60)]
    for event_id in edited:
        utc_calendar.change(event_id, title="own")
    for fields in ({"start": "2026-03-02T11:00:00"}, {"recurrence": "FREQ=DAILY;BYHOUR=9,17"}):
        with within(5):
            utc_calendar.change(series["id"], **fields)
        own = utc_calendar.list(q="own", limit=200, end="2027-01-01T00:00:00Z")
        assert [event["id"] for event in own] == edited
        assert {event["start"][11:16] for event in own} == {"09:00"}
        assert utc_calendar.feed().count("RECURRENCE-ID") == 60
