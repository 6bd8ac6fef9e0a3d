"""What a caller holds to be true of a start is held against it before anything is written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.service import Calendar

NINE = {"title": "Review", "start": "2026-03-02T09:00:00", "duration": "PT1H"}
DENVER = "America/Denver"


def test_what_is_expected_and_true_is_written_and_not_stored(calendar: Calendar) -> None:
    event = calendar.add(**NINE, expect={"weekday": "Monday", "utc_offset": "-05:00"})
    assert "expect" not in event
    assert calendar.starts() == ["2026-03-02T14:00:00.000Z"]


def test_a_wrong_weekday_is_409_with_the_right_one_and_the_nearest_days(calendar: Calendar) -> None:
    answer = calendar.api.post(
        f"{calendar.path}/events", {**NINE, "timezone": DENVER, "expect": {"weekday": "tuesday"}}
    )
    error = answer.json()
    assert (answer.status_code, error["code"], error["field"]) == (409, "expectation_failed", "expect.weekday")
    assert error["error"] == "2026-03-02 is a Monday, not a Tuesday."
    assert error["hint"].endswith("The nearest Tuesdays are 2026-02-24 and 2026-03-03.")
    assert error["actual"] == {
        "start_local": "2026-03-02T09:00:00-07:00",
        "timezone": DENVER,
        "weekday": "monday",
        "utc_offset": "-07:00",
    }
    assert calendar.list() == []
    assert calendar.changes() == []


@pytest.mark.parametrize(
    ("start", "zone", "offset"),
    [
        ("2026-03-02T09:00:00", DENVER, "-07:00"),
        ("2026-03-09T09:00:00", DENVER, "-06:00"),
        ("2026-03-08T02:30:00", DENVER, "-06:00"),  # in the gap: it happens at 03:30
        ("2026-11-01T01:30:00", DENVER, "-06:00"),  # twice: the first is meant
        ("2026-11-01T01:30:00-07:00", DENVER, "-07:00"),  # twice: the second is said
        ("2026-03-02T09:00:00", "Asia/Kathmandu", "+05:45"),
        ("2026-03-02T09:00:00Z", "Asia/Kathmandu", "+05:45"),
        ("2026-03-02T09:00:00", "UTC", "Z"),
        ("2026-12-01T09:00:00", "Australia/Lord_Howe", "+11:00"),
    ],
)
def test_the_offset_expected_is_that_of_the_clocks_at_the_start(
    calendar: Calendar, start: str, zone: str, offset: str
) -> None:
    event = {**NINE, "start": start, "timezone": zone}
    calendar.add(**event, expect={"utc_offset": offset})
    assert calendar.refused(**event, expect={"utc_offset": "+03:00"})["code"] == "expectation_failed"


def test_a_wrong_offset_is_told_with_when_clocks_are_at_it(calendar: Calendar) -> None:
    error = calendar.refused(**NINE, timezone=DENVER, expect={"utc_offset": "-06:00"})
    assert error["error"] == "On 2 Mar 2026 at 09:00 clocks in America/Denver are at -07:00, not at -06:00."
    assert error["hint"] == (
        "They were until 2025-11-02 and are from 2026-03-08 on at -06:00. Correct what you expect, or the start."
    )
    never = calendar.refused(**NINE, timezone=DENVER, expect={"utc_offset": "+01:00"})
    assert never["hint"] == (
        "They are never at +01:00 about that time; the start is 2026-03-02T16:00:00.000Z. Check timezone."
    )


def test_an_instant_is_held_against_the_weekday_where_it_is_shown(calendar: Calendar) -> None:
    """02:00 on Tuesday in UTC is Monday evening in New York."""
    event = {**NINE, "start": "2026-03-03T02:00:00Z"}
    assert calendar.refused(**event, expect={"weekday": "tuesday"})["actual"]["weekday"] == "monday"
    calendar.add(**event, expect={"weekday": "monday"})


def test_of_a_series_the_first_date_is_meant_and_not_the_start_asked_for(calendar: Calendar) -> None:
    """A weekday rule that is started on a Saturday begins on Monday."""
    series = {**NINE, "start": "2026-03-07T09:00:00", "recurrence": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"}
    assert calendar.refused(**series, expect={"weekday": "saturday"})["actual"]["start_local"][:10] == "2026-03-09"
    calendar.add(**series, expect={"weekday": "monday", "utc_offset": "-04:00"})


def test_a_change_is_held_against_the_start_as_it_is_after_it(calendar: Calendar) -> None:
    event = calendar.add(**NINE)
    path = f"{calendar.path}/events/{event['id']}"
    refused = calendar.api.patch(path, {"start": "2026-03-04T09:00:00", "expect": {"weekday": "monday"}})
    assert (refused.status_code, refused.json()["actual"]["weekday"]) == (409, "wednesday")
    assert calendar.event(event["id"]) == event
    calendar.change(event["id"], title="Renamed", expect={"weekday": "monday"})
    calendar.change(event["id"], start="2026-03-04T09:00:00", expect={"weekday": "wednesday"})
    assert calendar.api.patch(path, {"title": "x", "expect": {"weekday": "monday"}}).status_code == 409


def test_a_change_of_one_date_or_of_those_from_it_on_is_held_against_that_date(calendar: Calendar) -> None:
    series = calendar.add(**NINE, recurrence="FREQ=WEEKLY;COUNT=4")
    date = f"{series['id']}_20260316"
    calendar.change(date, title="Moved", expect={"weekday": "monday", "utc_offset": "-04:00"})
    path = f"{calendar.path}/events/{date}"
    wrong = {"start": "2026-03-17T09:00:00", "expect": {"weekday": "monday"}}
    before = calendar.changes()
    for mode in ("single", "future"):
        assert calendar.api.patch(path, wrong, mode=mode).status_code == 409
    assert calendar.changes() == before
    assert calendar.event(series["id"])["recurrence"] == "FREQ=WEEKLY;COUNT=4"


def test_an_expectation_alone_changes_nothing_and_is_told_so(calendar: Calendar) -> None:
    event = calendar.add(**NINE)
    answer = calendar.api.patch(f"{calendar.path}/events/{event['id']}", {"expect": {"weekday": "monday"}})
    assert (answer.status_code, answer.json()["code"]) == (400, "nothing_to_change")


def test_an_all_day_event_has_a_weekday_and_no_offset(calendar: Calendar) -> None:
    day = {"title": "Off", "start": "2026-03-07", "duration": "P1D"}
    calendar.add(**day, expect={"weekday": "saturday"})
    assert calendar.refused(**day, expect={"weekday": "sunday"})["actual"] == {
        "start_local": "2026-03-07",
        "timezone": "America/New_York",
        "weekday": "saturday",
    }
    error = calendar.refused(**day, expect={"utc_offset": "-05:00"})
    assert (error["code"], error["field"]) == ("invalid_field", "expect.utc_offset")


@pytest.mark.parametrize(
    ("expect", "field", "hint"),
    [
        ({"weekday": "mon"}, "expect.weekday", "Did you mean monday?"),
        ({"weekday": "Thurs"}, "expect.weekday", "Did you mean thursday?"),
        ({"weekday": "montag"}, "expect.weekday", "Did you mean monday?"),
        ({"weekday": "?"}, "expect.weekday", "Give it in full and in English, such as monday."),
        ({"weekday": 1}, "expect.weekday", None),
        ({"utc_offset": "-0700"}, "expect.utc_offset", "Write a sign"),
        ({"utc_offset": "-7"}, "expect.utc_offset", "Write a sign"),
        ({"utc_offset": "MST"}, "expect.utc_offset", "Write a sign"),
        ({"utc_offset": "+24:00"}, "expect.utc_offset", "Write a sign"),
        ({"utc_offset": -7}, "expect.utc_offset", None),
        ({}, "expect", 'Give {"weekday": "monday"}'),
        ({"day": "monday"}, "expect.day", "Known here: utc_offset, weekday."),
        ("monday", "expect", None),
    ],
)
def test_what_cannot_be_expected_is_400_with_how_to_say_it(
    calendar: Calendar, expect: Any, field: str, hint: str | None
) -> None:
    error = calendar.refused(**NINE, expect=expect)
    assert error["code"] in ("invalid_field", "unknown_field")
    assert error["field"] == field
    if hint is not None:
        assert error["hint"].startswith(hint)


def test_a_retry_by_client_id_is_answered_by_what_is_there(calendar: Calendar) -> None:
    """What was made under the name may have moved since; nothing is written, so nothing is held against it."""
    event = {**NINE, "client_id": "review", "expect": {"weekday": "monday"}}
    made = calendar.add(**event)
    calendar.change(made["id"], start="2026-03-03T09:00:00")
    again = calendar.api.post(f"{calendar.path}/events", event)
    assert (again.status_code, again.json()["id"]) == (200, made["id"])
