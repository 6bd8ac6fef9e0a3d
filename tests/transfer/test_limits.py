"""What a quota stops, and whom an import tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.clock import FrozenClock
from tests.conftest import NOON, SETTINGS
from tests.support.postgres import clone, drop
from tests.support.receiver import receiving
from tests.support.service import Calendar, Service, serving
from tests.transfer.test_import import STAMP, WEEKLY, file, once, post
from tests.transfer.trips import counts, imported, twin


@pytest.fixture(scope="module")
def narrow(database_server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of small quotas that sends what it owes."""
    dsn = clone(database_server, template)
    data: Path = tmp_path_factory.mktemp("data")
    settings = replace(
        SETTINGS, data_dir=data, quota_events=5, quota_occurrences=60, dispatch=True, allow_private_hosts=True
    )
    with serving(settings, dsn, FrozenClock(NOON)) as service:
        yield service
    drop(database_server, dsn)


@pytest.fixture
def small(narrow: Service) -> Calendar:
    return twin(narrow, "Small", "UTC")


def test_more_events_than_the_agent_may_have_are_403_and_nothing_is_stored(small: Calendar) -> None:
    response = post(small, file(*(once(f"{n}@example.com") for n in range(6))))
    assert (response.status_code, response.json()["code"]) == (403, "quota_exceeded")
    assert (small.list(), small.changes()) == ([], [])
    assert counts(imported(small, file(*(once(f"{n}@example.com") for n in range(5))))) == (5, 0, 0, 0)


def test_more_dates_than_the_agent_may_have_are_403_and_nothing_is_stored(small: Calendar) -> None:
    daily = ("UID:daily@example.com", STAMP, "DTSTART:20260304T090000Z", "RRULE:FREQ=DAILY")
    response = post(small, file(once(), daily))
    assert (response.status_code, response.json()["code"]) == (403, "quota_exceeded")
    assert (small.list(), small.changes()) == ([], [])


def test_an_update_counts_what_it_replaces(small: Calendar) -> None:
    def days(count: int, sequence: int) -> tuple[str, ...]:
        rule = f"RRULE:FREQ=DAILY;COUNT={count}"
        return ("UID:d@example.com", STAMP, "DTSTART:20260304T090000Z", rule, f"SEQUENCE:{sequence}")

    for sequence, count in enumerate((50, 55, 40, 60)):
        imported(small, file(days(count, sequence)))
        assert len(small.list(start="2026-03-01T00:00:00Z", limit=200)) == count


def test_endpoints_are_told_of_each_event_once_and_no_reminder_of_the_past_goes_out(small: Calendar) -> None:
    with receiving() as receiver:
        small.api.changed(small.path, {"webhook_url": receiver.url, "webhook_offsets": ["0", "-1h"]})
        past = once("past@example.com", start="DTSTART:20260302T110000Z")
        imported(small, file(past, WEEKLY, (*once("gone@example.com"), "STATUS:CANCELLED")))
        calls = receiver.wait_for(3)
        assert receiver.stays_at(3)
    assert [call.type for call in calls] == ["event.created"] * 3
    assert {call.json["event"]["ical_uid"] for call in calls} == {
        "past@example.com", "week@example.com", "gone@example.com"
    }  # fmt: skip
