"""A rule is explained before it is used: in words, in dates, across the clocks' changes, with its cost; or refused as a
write would be. Numbers are those of the hard cases."""

from __future__ import annotations

import threading
import time
from typing import Any, Final

import psycopg
import pytest

from tests.support.service import Api, Calendar, Service

NEW_YORK: Final = "America/New_York"
NINE: Final = {"start": "2026-03-02T09:00:00", "timezone": NEW_YORK, "duration": "PT1H"}


def explained(api: Api, **series: Any) -> Any:
    answer = api.post("/recurrence/explain", series)
    assert answer.status_code == 200, answer.text
    return answer.json()


def starts(dates: list[Any]) -> list[str]:
    return [date["start_local"] for date in dates]


def test_a_rule_is_told_in_words_and_in_local_and_utc_dates(api: Api) -> None:
    told = explained(api, **{**NINE, "start": "2026-02-23T09:00:00"}, recurrence="FREQ=WEEKLY;BYDAY=MO", limit=2)
    assert told["reads"].startswith("Every Monday, 09:00–10:00 in New York, from Mon 23 Feb 2026; next Mon 2 Mar")
    assert starts(told["first_dates"]) == ["2026-02-23T09:00:00-05:00", "2026-03-02T09:00:00-05:00"]
    assert [date["start"] for date in told["next_dates"]] == ["2026-03-02T14:00:00.000Z", "2026-03-09T13:00:00.000Z"]
    assert (told["ends"], told["last"], told["dates_in_all"]) == (False, None, None)
    assert told["cost"] | {"steps": 0} == {
        "dates_in_90_days": 13,
        "most_dates_in_90_days": 2500,
        "stored_occurrences": 13,
        "steps": 0,
        "most_steps": 40_000,
    }
    assert 0 < told["cost"]["steps"] < 1000


def test_what_is_explained_is_what_is_then_written(calendar: Calendar) -> None:
    series = {**NINE, "recurrence": "RRULE:FREQ=WEEKLY;BYDAY=TU,FR;COUNT=9", "exdates": ["2026-03-06"]}
    told = explained(calendar.api, **series)
    made = calendar.add(title="Review", **series)
    assert {name: made[name] for name in ("recurrence", "start", "end", "start_local", "timezone", "notices")} == {
        name: told[name] for name in ("recurrence", "start", "end", "start_local", "timezone", "notices")
    }
    listed = calendar.list(status="confirmed")
    assert [f"{made['id']}_{date['key']}" for date in told["next_dates"]] == [event["id"] for event in listed]
    assert (told["dates_in_all"], made["instances_created"]) == (8, 8)


def test_15_nine_stays_nine_and_the_change_tells_how_its_instant_moves(api: Api) -> None:
    told = explained(api, **NINE, recurrence="FREQ=DAILY")
    spring, autumn = told["clock_changes"]
    assert (spring["at"], spring["at_local"]) == ("2026-03-08T07:00:00.000Z", "2026-03-08T03:00:00-04:00")
    assert (spring["offset_before"], spring["offset_after"]) == ("-05:00", "-04:00")
    assert spring["first_date_after"]["start_local"] == "2026-03-08T09:00:00-04:00"
    assert spring["first_date_after"]["start"] == "2026-03-08T13:00:00.000Z"
    assert (autumn["at_local"], autumn["offset_after"]) == ("2026-11-01T01:00:00-05:00", "-05:00")
    assert told["dates_at_clock_changes"] == []


def test_16_a_time_that_does_not_exist_happens_later_and_one_that_comes_twice_first(api: Api) -> None:
    gap = explained(api, **{**NINE, "start": "2026-03-02T02:30:00"}, recurrence="FREQ=DAILY")
    [skipped] = gap["dates_at_clock_changes"]
    assert skipped["start_local"] == "2026-03-08T03:30:00-04:00"
    assert skipped["note"] == "2026-03-08 02:30 does not exist in America/New_York; it happens at 03:30 (-04:00)."
    fold = explained(api, **{**NINE, "start": "2026-03-02T01:30:00"}, recurrence="FREQ=DAILY")
    [twice] = fold["dates_at_clock_changes"]
    assert twice["note"] == "01:30 comes twice on 2026-11-01 in America/New_York; the first is meant (-04:00)."
    hourly = explained(api, **{**NINE, "start": "2026-10-31T00:30:00"}, recurrence="FREQ=HOURLY")
    assert [date["start_local"][11:] for date in hourly["dates_at_clock_changes"][:2]] == [
        "01:30:00-04:00",
        "01:30:00-05:00",
    ]


@pytest.mark.parametrize(
    ("zone", "before", "after"),
    [
        ("Australia/Lord_Howe", "+11:00", "+10:30"),
        ("Africa/Casablanca", "+00:00", "+01:00"),
        ("Europe/Dublin", "+00:00", "+01:00"),
    ],
)
def test_22_clocks_that_change_by_half_an_hour_for_ramadan_or_backwards_are_told(
    api: Api, zone: str, before: str, after: str
) -> None:
    told = explained(api, **{**NINE, "timezone": zone}, recurrence="FREQ=DAILY")
    change = told["clock_changes"][0]
    assert (change["offset_before"], change["offset_after"]) == (before, after)
    assert change["first_date_after"]["start_local"].endswith(f"T09:00:00{after}")


def test_22_zones_without_changes_have_none(api: Api) -> None:
    for zone in ("Asia/Kathmandu", "Pacific/Apia", "UTC"):
        assert explained(api, **{**NINE, "timezone": zone}, recurrence="FREQ=DAILY")["clock_changes"] == []


def test_26_29_a_count_counts_what_is_left_out_and_tells_the_last(api: Api) -> None:
    told = explained(api, **NINE, recurrence="FREQ=DAILY;COUNT=5", exdates=["2026-03-04", "2026-03-06"])
    assert starts(told["first_dates"]) == [f"2026-03-{day}T09:00:00-05:00" for day in ("02", "03", "05")]
    assert (told["ends"], told["dates_in_all"], told["last"]["key"]) == (True, 3, "20260305")
    assert told["clock_changes"] == []  # over before the first


def test_a_start_that_the_rule_does_not_make_is_told_and_the_first_match_shown(api: Api) -> None:
    told = explained(api, **{**NINE, "start": "2026-03-07T09:00:00"}, recurrence="FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR")
    assert (told["start_is_a_date"], told["start_local"]) == (False, "2026-03-09T09:00:00-04:00")
    assert told["notices"] == [
        "The start is not a date of the rule, so the series begins at its first match, 2026-03-09T09:00."
    ]


def test_whole_days_have_no_offsets_and_meet_no_changes(api: Api) -> None:
    told = explained(api, start="2026-03-07", timezone=NEW_YORK, duration="P2D", recurrence="FREQ=YEARLY;COUNT=2")
    assert (told["all_day"], told["start"], told["end"]) == (True, "2026-03-07", "2026-03-08")
    assert [date["start"] for date in told["first_dates"]] == ["2026-03-07", "2027-03-07"]
    assert told["clock_changes"] == told["dates_at_clock_changes"] == []


def test_without_a_zone_it_is_read_in_utc_and_says_so(api: Api) -> None:
    told = explained(api, start="2026-03-02T09:00:00-07:00", recurrence="FREQ=DAILY")
    assert (told["timezone"], told["start_local"], told["end"]) == ("UTC", "2026-03-02T16:00:00+00:00", told["start"])
    assert told["notices"][0].startswith("No timezone was given, so all is read in UTC.")


@pytest.mark.parametrize(
    "wrong",
    [
        {"recurrence": "FREQ=DAILY;UNTIL=20260228"},  # 30
        {"recurrence": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"},  # 33
        {"recurrence": "FREQ=SECONDLY"},
        {"recurrence": "FREQ=DAILY;INTERVAL=0"},
        {"recurrence": "FREQ=DAILY;COUNT=99999"},
        {"recurrence": "FREQ=DAILY;COUNT=2", "exdates": ["2026-03-02", "2026-03-03"]},
        {"recurrence": "FREQ=HOURLY;BYMINUTE=0,10,20,30,40,50"},
        {"recurrence": "FREQ=DAILY", "exdates": ["2026-03-04T10:00:00"]},
        {"recurrence": "FREQ=DAILY", "start": "2026-03-02T09:00:00+01:00"},
        {"recurrence": "FREQ=DAILY", "timezone": "Europe/Berln"},
        {"recurrence": "FREQ=HOURLY", "start": "2026-03-02", "duration": "P1D"},
        {"recurrence": "FREQ=DAILY", "end": "2026-03-02T08:00:00", "duration": None},
        {"recurrence": "FREQ=DAILY", "end": "2026-03-02T10:00:00"},
        {"recurrence": "daily"},
    ],
)
def test_30_33_what_could_not_be_written_is_refused_in_the_same_words(
    calendar: Calendar, wrong: dict[str, Any]
) -> None:
    series = {**NINE, **wrong}
    told = calendar.api.post("/recurrence/explain", series)
    refused = calendar.refused(title="x", **series)
    assert 400 <= told.status_code < 500
    assert {**told.json(), "request_id": ""} == {**refused, "request_id": ""}


def test_any_key_may_ask_nothing_is_written_and_a_key_is_needed(service: Service, api: Api) -> None:
    reader = Api(service.url, api.made("/agents/keys", scope="read")["api_key"])
    with psycopg.connect(service.dsn) as connection:
        count = (
            "select (select count(*) from events), (select count(*) from occurrences), (select count(*) from changes)"
        )
        before = connection.execute(count).fetchone()
        explained(reader, **NINE, recurrence="FREQ=DAILY")
        assert connection.execute(count).fetchone() == before
    for key in (None, "sk_live_mistyped"):
        stranger = Api(service.url, key)
        assert stranger.post("/recurrence/explain", {**NINE, "recurrence": "FREQ=DAILY"}).status_code == 401


def test_dates_far_apart_are_told_as_far_as_looking_for_them_may_cost(api: Api) -> None:
    told = explained(api, **NINE, recurrence="FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO", limit=50)
    assert starts(told["next_dates"])[:2] == ["2044-02-29T09:00:00-05:00", "2072-02-29T09:00:00-05:00"]


DEAR: Final = (
    {**NINE, "start": "1926-03-03T09:00:00", "recurrence": "FREQ=HOURLY;INTERVAL=7"},
    {**NINE, "recurrence": "FREQ=DAILY;BYMONTHDAY=13;BYDAY=FR;COUNT=900"},
    {**NINE, "recurrence": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;UNTIL=99991231T235959Z"},
    {**NINE, "recurrence": "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30"},
    {**NINE, "start": "1950-03-02T09:00:00", "recurrence": "FREQ=HOURLY;UNTIL=29000101", "limit": 50},
)


def test_the_dearest_rules_are_answered_soon_and_nobody_waits_for_them(service: Service, api: Api) -> None:
    """Tried up to three times: a busy machine is no fault of the service."""
    for _ in range(3):
        times: list[float] = []
        waited: list[float] = []
        is_done = threading.Event()

        def look(waited: list[float] = waited, is_done: threading.Event = is_done) -> None:
            bystander = Api(service.url, None)
            while not is_done.is_set():
                began = time.monotonic()
                bystander.get("/health/live")
                waited.append(time.monotonic() - began)
                time.sleep(0.01)

        watching = threading.Thread(target=look)
        watching.start()
        for series in DEAR:
            began = time.monotonic()
            assert api.post("/recurrence/explain", series).status_code in (200, 400)
            times.append(time.monotonic() - began)
        is_done.set()
        watching.join()
        if max(times) < 0.5 and max(waited) < 0.2:
            break
    assert max(times) < 0.5
    assert max(waited) < 0.2
