"""What a page's script is told: every time in words and as wall times, right wherever clocks change."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.service import Api, Calendar
from tests.viewer.test_page import happenings


def one(calendar: Calendar, **params: str) -> Any:
    (found,) = happenings(calendar, **params)["events"]
    return found


def test_a_time_is_that_of_both_clocks(calendar: Calendar) -> None:
    calendar.add(title="Call", start="2026-03-10T20:00:00", duration="PT90M")
    found = one(calendar, tz="Asia/Tokyo")
    assert found["calendar"] == {
        "start": "2026-03-10T20:00:00",
        "end": "2026-03-10T21:30:00",
        "time": "20:00–21:30",
        "when": "Tue 10 Mar 2026, 20:00–21:30 in New York.",
    }
    assert found["viewer"] == {
        "start": "2026-03-11T09:00:00",
        "end": "2026-03-11T10:30:00",
        "time": "09:00–10:30",
        "when": "Wed 11 Mar 2026, 09:00–10:30 in Tokyo.",
    }
    assert "viewer" not in one(calendar)


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_whole_days_keep_their_dates_on_every_clock(calendar: Calendar, zone: str) -> None:
    calendar.add(title="Trip", start="2026-03-07", end="2026-03-09")
    for window in ({"start": "2026-03-09", "end": "2026-03-10"}, {"start": "2026-03-07", "end": "2026-03-08"}):
        found = one(calendar, tz=zone, **window)
        assert found["viewer"] == found["calendar"]
        assert (found["calendar"]["start"], found["calendar"]["end"]) == ("2026-03-07", "2026-03-10")
    for window in ({"start": "2026-03-10", "end": "2026-03-12"}, {"start": "2026-03-05", "end": "2026-03-07"}):
        assert happenings(calendar, tz=zone, **window)["events"] == []


def test_the_day_that_has_23_hours_and_the_one_that_has_25(calendar: Calendar) -> None:
    calendar.add(title="Spring", start="2026-03-08T01:30:00", end="2026-03-08T03:30:00")
    assert one(calendar)["calendar"] == {
        "start": "2026-03-08T01:30:00",
        "end": "2026-03-08T03:30:00",
        "time": "01:30–03:30 (UTC-05:00, then UTC-04:00)",
        "when": "Sun 8 Mar 2026, 01:30–03:30 in New York (UTC-05:00, then UTC-04:00).",
    }
    autumn = {"start": "2026-11-01", "end": "2026-11-02"}
    calendar.add(title="Turned over", start="2026-11-01T01:45:00-04:00", end="2026-11-01T01:15:00-05:00")
    found = one(calendar, **autumn)["calendar"]
    assert found["time"] == "01:45–01:15 (UTC-04:00, then UTC-05:00)"
    assert (found["start"], found["end"]) == ("2026-11-01T01:45:00", "2026-11-01T02:15:00")  # drawn half an hour high


def test_both_passes_of_an_hour_are_told_apart(calendar: Calendar) -> None:
    for offset in ("-04:00", "-05:00"):
        calendar.add(title=offset, start=f"2026-11-01T01:10:00{offset}", duration="PT10M")
    found = happenings(calendar, start="2026-11-01", end="2026-11-02")["events"]
    assert [(each["title"], each["calendar"]["time"]) for each in found] == [
        ("-04:00", "01:10–01:20 (UTC-04:00)"),
        ("-05:00", "01:10–01:20 (UTC-05:00)"),
    ]


def test_a_series_says_how_it_repeats_and_a_date_of_it_what_became_of_it(calendar: Calendar) -> None:
    series = calendar.add(title="Run", start="2026-03-09T09:00:00", duration="PT1H", recurrence="FREQ=DAILY;COUNT=3")
    calendar.change(f"{series['id']}_20260310", start="2026-03-10T11:00:00")
    calendar.remove(f"{series['id']}_20260311")
    found = happenings(calendar)["events"]
    assert [each["status"] for each in found] == ["confirmed", "confirmed", "cancelled"]
    assert [each["repeats"] for each in found] == [
        series["reads"],
        "A date of a series, changed on its own.",
        series["reads"],
    ]


def test_what_reaches_into_the_window_is_in_it_and_what_ends_at_its_midnight_is_not(calendar: Calendar) -> None:
    calendar.add(title="Night", start="2026-03-09T22:00:00", end="2026-03-10T06:00:00")
    calendar.add(title="Until midnight", start="2026-03-09T22:00:00", end="2026-03-10T00:00:00")
    found = happenings(calendar, start="2026-03-10", end="2026-03-11")["events"]
    assert [each["title"] for each in found] == ["Night"]


def test_dates_beyond_what_is_stored_are_shown_and_beyond_two_years_the_page_says_so(calendar: Calendar) -> None:
    calendar.add(title="Yearly", start="2026-03-10T09:00:00", duration="PT1H", recurrence="FREQ=YEARLY")
    later = happenings(calendar, start="2027-03-01", end="2027-04-01")
    assert [each["calendar"]["start"] for each in later["events"]] == ["2027-03-10T09:00:00"]
    assert later["known_until"] is None
    assert happenings(calendar, start="2028-03-01", end="2028-04-01")["known_until"] == "2028-03-02"


def test_more_than_a_page_shows_is_cut_and_said_to_be(calendar: Calendar) -> None:
    for minute in (0, 10, 20, 30):
        calendar.add(title="Often", start=f"2026-03-01T00:{minute:02}:00", duration="PT1M", recurrence="FREQ=HOURLY")
    found = happenings(calendar)
    assert (len(found["events"]), found["is_cut"]) == (1000, True)
    assert happenings(calendar, start="2026-03-01", end="2026-03-03")["is_cut"] is False


@pytest.mark.parametrize(
    ("params", "code", "field"),
    [
        ({"start": None}, "missing_field", "start"),
        ({"end": None}, "missing_field", "end"),
        ({"end": "2026-03-01"}, "end_before_start", "end"),
        ({"end": "2026-05-03"}, "invalid_field", "end"),
        ({"start": "soon"}, "invalid_time", "start"),
        ({"tz": "Europe/Berlln"}, "invalid_timezone", "tz"),
    ],
)
def test_a_window_that_is_none_is_refused(
    calendar: Calendar, params: dict[str, str | None], code: str, field: str
) -> None:
    query = {"token": calendar.created["feed_token"], "start": "2026-03-01", "end": "2026-03-02"} | params
    answer = Api(str(calendar.api.http.base_url), None).get(
        f"/pages/{calendar.id}/events", **{name: value for name, value in query.items() if value is not None}
    )
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, code, field)
