"""Lists: pages that lose and repeat nothing, and filters that mean what they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.events.state import lasting
from tests.support.service import Api, Calendar, Service

NINE = {"start": "2026-03-02T09:00:00", "end": "2026-03-02T09:30:00"}


def page(calendar: Calendar, **params: Any) -> Any:
    return calendar.api.got(f"{calendar.path}/events", **params)


def titles(calendar: Calendar, **params: Any) -> list[str]:
    return [event["title"] for event in calendar.list(**params)]


@pytest.mark.parametrize("end", [None, "2027-03-01T00:00:00Z"])
def test_a_cursor_loses_and_repeats_nothing_while_others_write(calendar: Calendar, end: str | None) -> None:
    window = {} if end is None else {"end": end}
    kept = {calendar.add(title="x", **NINE)["id"] for _ in range(5)}  # all at one instant
    series = calendar.add(title="s", recurrence="FREQ=WEEKLY;COUNT=9", **NINE)
    kept |= {event["id"] for event in calendar.list() if "parent_event_id" in event}
    yearly = calendar.add(title="y", recurrence="FREQ=YEARLY", **NINE)
    found: list[str] = []
    params: dict[str, Any] = {}
    while True:
        got = page(calendar, limit=3, **window, **params)
        found += [event["id"] for event in got["events"]]
        if got["next_cursor"] is None:
            break
        params = {"cursor": got["next_cursor"]}
        calendar.add(title="before", start="2026-03-01T09:00:00", end="2026-03-01T10:00:00")
        calendar.add(title="behind", start="2026-05-20T09:00:00", end="2026-05-20T10:00:00")
        calendar.change(series["id"], title="renamed")
        if len(found) > 40:
            break
    assert len(found) == len(set(found))
    assert kept | {f"{yearly['id']}_20260302"} <= set(found)


def test_offset_and_cursor_give_the_same_pages(calendar: Calendar) -> None:
    calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=20", **NINE)
    calendar.add(title="y", recurrence="FREQ=DAILY;COUNT=20", **NINE)
    everything = calendar.list(limit=200)
    assert len(everything) == 40
    assert [event for offset in range(0, 45, 7) for event in calendar.list(limit=7, offset=offset)] == everything
    far = {"start": "2020-01-01T00:00:00Z", "end": "2028-01-01T00:00:00Z"}
    assert [event for offset in range(0, 45, 7) for event in calendar.list(limit=7, offset=offset, **far)] == everything


def test_a_last_page_that_is_exactly_full_is_followed_by_an_empty_one(calendar: Calendar) -> None:
    calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=4", **NINE)
    cursor = page(calendar, limit=4)["next_cursor"]
    assert page(calendar, limit=4, cursor=cursor) == {
        "events": [], "timezone": "America/New_York", "next_cursor": None,
    }  # fmt: skip


def test_limits_above_the_most_are_clamped(calendar: Calendar) -> None:
    calendar.add(title="x", recurrence="FREQ=HOURLY;COUNT=250", **NINE)
    assert len(calendar.list()) == 50
    assert len(calendar.list(limit=5000)) == 200
    assert len(calendar.upcoming()["events"]) == 5
    assert len(calendar.upcoming(limit=5000)["events"]) == 50


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"), ("limit", "-1"), ("limit", "ten"), ("limit", "1.5"), ("offset", "-1"), ("offset", "x"),
        ("offset", "10001"), ("cursor", "x"), ("cursor", "WzEsMl0"), ("status", "maybe"), ("expand", "no"),
        ("start", "soon"), ("end", "2026-02-30"), ("updated_since", "2026-03-01"), ("overlapping", "2"),
        ("colour", "red"),
    ],
)  # fmt: skip
def test_a_parameter_that_cannot_be_read_is_named(calendar: Calendar, name: str, value: str) -> None:
    response = calendar.api.get(f"{calendar.path}/events", **{name: value})
    assert (response.status_code, response.json()["field"]) == (400, name)


def test_an_old_series_without_an_end_stops_at_the_horizon_also_when_its_past_is_asked_for(calendar: Calendar) -> None:
    calendar.add(title="x", start="2020-01-06T09:00:00", end="2020-01-06T10:00:00", recurrence="FREQ=WEEKLY")
    found, params = [], {"start": "2020-01-01T00:00:00Z", "limit": "200"}
    while True:
        got = page(calendar, **params)
        found += got["events"]
        if got["next_cursor"] is None:
            break
        params["cursor"] = got["next_cursor"]
    assert len(found) == len({event["id"] for event in found})
    assert (found[0]["start_local"][:10], found[-1]["start_local"][:10]) == ("2020-01-06", "2026-05-25")


def test_overlapping_finds_what_began_before_the_window(calendar: Calendar) -> None:
    calendar.add(title="long", start="2026-02-01T09:00:00", end="2026-03-10T09:00:00")
    calendar.add(title="past", start="2026-03-01T09:00:00", end="2026-03-01T10:00:00")
    calendar.add(title="s", start="2026-02-02T09:00:00", duration="PT200H", recurrence="FREQ=WEEKLY")
    window = {"start": "2026-03-02T12:00:00Z", "end": "2026-03-02T13:00:00Z"}
    assert titles(calendar, **window) == []
    assert titles(calendar, overlapping="true", **window) == ["long", "s"]
    early = {"start": "2026-02-20T00:00:00Z", "end": "2026-02-20T01:00:00Z"}
    assert titles(calendar, overlapping="true", **early) == ["long", "s"]
    assert titles(calendar, overlapping="true", start="2026-03-10T13:00:00Z", end="2026-03-10T13:00:00Z") == ["s", "s"]


def test_words_are_taken_literally_whatever_they_hold(calendar: Calendar) -> None:
    calendar.add(title="100% sure", **NINE)
    calendar.add(title="1000 sure", **NINE)
    calendar.add(title="snake_case", description="C:\\temp", **NINE)
    calendar.add(title="snakeXcase", location="Grüße", recurrence="FREQ=DAILY", **NINE)
    for far in ({}, {"end": "2027-06-01T00:00:00Z", "limit": 200}):
        assert titles(calendar, q="100%", **far) == ["100% sure"]
        assert titles(calendar, q="_", **far) == ["snake_case"]
        assert titles(calendar, q="c:\\TEMP snake", **far) == ["snake_case"]
        assert set(titles(calendar, q="grüße", **far)) == {"snakeXcase"}
        assert titles(calendar, q="sure snake", **far) == []
    assert len(titles(calendar, q=" ")) == 50


def test_updated_since_keeps_what_changed_from_then_on(service: Service, calendar: Calendar) -> None:
    calendar.add(title="old", **NINE)
    series = calendar.add(title="series", recurrence="FREQ=DAILY;COUNT=3", **NINE)
    service.clock.advance(timedelta(hours=1))
    assert titles(calendar, updated_since="2026-03-02T13:00:00Z") == []
    calendar.change(f"{series['id']}_20260303", title="own")
    calendar.add(title="new", **NINE)
    assert titles(calendar, updated_since="2026-03-02T13:00:00Z") == ["new", "own"]
    assert titles(calendar, updated_since="2026-03-02T13:00:00Z", expand="false") == ["new"]


def test_expand_false_shows_series_as_written(calendar: Calendar) -> None:
    calendar.add(title="single", start="2026-03-09T09:00:00", duration="PT1H")
    series = calendar.add(title="series", recurrence="FREQ=DAILY;COUNT=3", **NINE)
    calendar.change(f"{series['id']}_20260303", title="own")
    assert titles(calendar, expand="false") == ["series", "single"]
    assert lasting(calendar.list(expand="false")[0]) == lasting(calendar.event(series["id"]))
    assert titles(calendar, expand="false", start="2026-03-04T14:00:00Z") == ["series", "single"]
    assert titles(calendar, expand="false", start="2026-03-04T15:00:00Z") == ["single"]


def test_expand_false_finds_a_series_by_its_last_added_date(calendar: Calendar) -> None:
    calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=2", rdates=["2026-03-20"], **NINE)
    assert titles(calendar, expand="false", start="2026-03-15T00:00:00Z") == ["x"]
    assert titles(calendar, expand="false", start="2026-03-21T00:00:00Z") == []


def test_expand_false_compares_the_dates_of_all_day_series(api: Api) -> None:
    calendar = Calendar(api, api.made("/calendars", name="x", timezone="Asia/Tokyo"))
    calendar.add(title="x", start="2026-03-04", end="2026-03-04", recurrence="FREQ=DAILY;COUNT=2")
    assert titles(calendar, expand="false", start="2026-03-05T00:00:00Z") == ["x"]
    assert titles(calendar, expand="false", start="2026-03-06T00:00:00") == []


@pytest.mark.parametrize("far", [False, True])
def test_status_is_that_of_each_date(calendar: Calendar, far: bool) -> None:
    series = calendar.add(title="x", status="tentative", recurrence="FREQ=DAILY", **NINE)
    calendar.change(f"{series['id']}_20260303", status="confirmed")
    calendar.remove(f"{series['id']}_20260304")
    window = {"end": "2026-07-01T00:00:00Z", "limit": 200} if far else {"limit": 200}
    assert [event["id"][-4:] for event in calendar.list(status="confirmed", **window)] == ["0303"]
    assert [event["id"][-4:] for event in calendar.list(status="cancelled", **window)] == ["0304"]
    assert len(calendar.list(status="tentative", **window)) == (119 if far else 88)


def test_bounds_without_offset_are_read_in_the_calendars_zone(calendar: Calendar) -> None:
    calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=3", **NINE)
    assert len(calendar.list(start="2026-03-03T09:00:00", end="2026-03-03T09:00:00")) == 1
    assert len(calendar.list(start="2026-03-03T09:00:00Z", end="2026-03-03T13:59:59Z")) == 0
    assert len(calendar.list(start="2026-03-03", end="2026-03-04")) == 1


def test_an_unescaped_plus_before_an_offset_is_understood(calendar: Calendar) -> None:
    calendar.add(title="x", start="2026-03-03T09:00:00+01:00", duration="PT1H")
    bounds = "start=2026-03-03T09:00:00+01:00&end=2026-03-03T09:00:00+01:00"
    assert len(calendar.api.http.get(f"{calendar.path}/events?{bounds}").json()["events"]) == 1
    assert len(calendar.list(start="2026-03-03T09:00:01+01:00", end="2026-03-03T10:00:00+01:00")) == 0


def test_an_end_exactly_at_the_horizon_is_inclusive(service: Service, calendar: Calendar) -> None:
    calendar.add(title="x", start="2026-03-02T12:00:00Z", duration="PT1H", timezone="UTC", recurrence="FREQ=DAILY")
    horizon = datetime(2026, 3, 2, 12, tzinfo=UTC) + timedelta(days=90)
    assert len(calendar.list(limit=200)) == 90
    assert calendar.starts(limit=200, end=horizon.isoformat())[-1] == "2026-05-31T12:00:00.000Z"
