"""Where one kind of series becomes another: splits, second dates on a day, dates that vanish and return."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.events.state import check_everything
from tests.support.service import Calendar, Service

NINE = {"start": "2026-03-02T09:00:00", "end": "2026-03-02T09:30:00"}


def tails(events: list[Any], series: Any) -> list[str]:
    return [event["id"].removeprefix(series["id"]) for event in events]


def test_a_series_ended_far_ahead_keeps_its_dates_until_then(service: Service, calendar: Calendar) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY", **NINE)
    calendar.remove(f"{series['id']}_20270101", mode="future")
    found = calendar.list(start="2026-12-01T00:00:00Z", end="2027-12-01T00:00:00Z", limit=200)
    assert [found[0]["id"][-8:], found[-1]["id"][-8:]] == ["20261201", "20261231"]
    check_everything(service, calendar)


def test_a_series_split_long_ago_shows_no_date_twice(service: Service, calendar: Calendar) -> None:
    series = calendar.add(title="x", start="2020-01-06T09:00:00", duration="PT1H", recurrence="FREQ=DAILY;BYHOUR=9,17")
    calendar.change(f"{series['id']}_20210105T1700", mode="future", title="tail")
    found = calendar.list(start="2021-01-04T00:00:00", end="2021-01-06T23:00:00")
    assert [(event["title"], event["start_local"][8:16]) for event in found] == [
        ("x", "04T09:00"), ("x", "04T17:00"), ("x", "05T09:00"),
        ("tail", "05T17:00"), ("tail", "06T09:00"), ("tail", "06T17:00"),
    ]  # fmt: skip
    assert calendar.event(f"{series['id']}_20210105T0900")["title"] == "x"
    assert calendar.event(f"{series['id']}_20210105T1700")["title"] == "tail"
    check_everything(service, calendar)


def test_a_split_at_the_last_added_date_leaves_a_series_of_one_date(service: Service, calendar: Calendar) -> None:
    series = calendar.add(
        title="x", recurrence="FREQ=DAILY;COUNT=2", rdates=["2026-03-10", "2026-03-12T15:00:00"], **NINE
    )
    calendar.change(f"{series['id']}_20260312T1500", title="own")
    tail = calendar.change(f"{series['id']}_20260312T1500", mode="future", location="there")
    assert tail["start_local"] == "2026-03-12T15:00:00-04:00"
    assert [event["title"] for event in calendar.list(start="2026-03-12T00:00:00Z")] == ["own"]
    assert calendar.event(f"{series['id']}_20260312T1500")["title"] == "own"
    calendar.change(f"{series['id']}_20260312T1500", title="own again")
    assert calendar.list(start="2026-03-12T00:00:00Z")[0]["title"] == "own again"
    check_everything(service, calendar)


def test_a_series_of_dates_alone_is_split_into_two(service: Service, calendar: Calendar) -> None:
    series = calendar.add(title="x", rdates=["2026-03-10"], **NINE)
    calendar.change(f"{series['id']}_20260310", mode="future", title="tail")
    assert [(event["title"], event["start_local"][:10]) for event in calendar.list()] == [
        ("x", "2026-03-02"), ("tail", "2026-03-10"),
    ]  # fmt: skip
    check_everything(service, calendar)


def test_ids_of_a_head_that_grows_again_are_its_own(service: Service, calendar: Calendar) -> None:
    series = calendar.add(title="head", recurrence="FREQ=DAILY;COUNT=4", **NINE)
    tail = calendar.change(f"{series['id']}_20260304", mode="future", title="tail")
    calendar.change(series["id"], recurrence="FREQ=DAILY;COUNT=3")
    assert calendar.event(f"{series['id']}_20260304")["title"] == "head"
    assert calendar.change(f"{series['id']}_20260304", title="own")["parent_event_id"] == series["id"]
    assert calendar.event(f"{series['id']}_20260305")["parent_event_id"] == tail["id"]
    check_everything(service, calendar)


def test_a_split_on_the_second_pass_of_an_hour_leaves_the_first_to_the_head(
    service: Service, calendar: Calendar
) -> None:
    series = calendar.add(title="x", start="2026-10-31T22:00:00", duration="PT5M", recurrence="FREQ=HOURLY;COUNT=8")
    calendar.change(f"{series['id']}_20261101T0100", title="first")
    calendar.change(f"{series['id']}_20261101T0100b", title="second")
    calendar.change(f"{series['id']}_20261101T0100b", mode="future", title="tail")
    assert [event["title"] for event in calendar.list(end="2026-12-01T00:00:00Z")] == [
        "x", "x", "x", "first", "second", "tail", "tail", "tail",
    ]  # fmt: skip
    check_everything(service, calendar)


def test_a_cancelled_date_that_the_tail_does_not_make_stays_cancelled_when_it_returns(
    service: Service, calendar: Calendar
) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY", **NINE)
    calendar.remove(f"{series['id']}_20260310")
    tail = calendar.change(f"{series['id']}_20260305", mode="future", recurrence="FREQ=DAILY;INTERVAL=2")
    check_everything(service, calendar)
    calendar.change(tail["id"], recurrence="FREQ=DAILY")
    assert calendar.event(f"{tail['id']}_20260310")["status"] == "cancelled"
    check_everything(service, calendar)


def test_a_bare_date_and_its_time_name_one_edited_occurrence(service: Service, calendar: Calendar) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=4", **NINE)
    calendar.change(f"{series['id']}_20260303", title="edited")
    calendar.remove(f"{series['id']}_20260304")
    calendar.change(series["id"], recurrence="FREQ=DAILY;BYHOUR=9,17;COUNT=8")
    assert calendar.event(f"{series['id']}_20260303T0900")["title"] == "edited"
    calendar.change(f"{series['id']}_20260303T0900", title="edited twice")
    assert calendar.event(f"{series['id']}_20260303")["title"] == "edited twice"
    assert calendar.event(f"{series['id']}_20260304T0900")["status"] == "cancelled"
    assert len(calendar.list(end="2027-01-01T00:00:00Z")) == 8
    calendar.change(series["id"], exdates=["2026-03-03T17:00:00"])
    assert [event["status"] for event in calendar.list()].count("cancelled") == 1
    check_everything(service, calendar)


def test_edited_first_dates_of_a_day_keep_their_original_time_in_the_feed(service: Service, calendar: Calendar) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=4", **NINE)
    calendar.remove(f"{series['id']}_20260304")
    calendar.change(
        series["id"], start="2026-03-02T17:00:00", duration="PT30M", recurrence="FREQ=DAILY;BYHOUR=9,17;COUNT=8"
    )
    assert "EXDATE;TZID=America/New_York:20260304T090000" in calendar.feed()
    check_everything(service, calendar)


def test_a_date_that_the_series_stops_making_is_gone_from_the_log_until_it_returns(
    service: Service, calendar: Calendar
) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=6", **NINE)
    calendar.change(f"{series['id']}_20260303", title="own")
    calendar.remove(f"{series['id']}_20260305")
    calendar.change(series["id"], recurrence="FREQ=DAILY;INTERVAL=2;BYDAY=MO,WE,FR")
    assert calendar.api.get(f"{calendar.path}/events/{series['id']}_20260303").status_code == 404
    check_everything(service, calendar)
    path = f"{calendar.path}/events/{series['id']}/respond"
    assert calendar.api.post(path, {"response": "tentative"}).status_code == 200
    check_everything(service, calendar)
    calendar.change(series["id"], recurrence="FREQ=DAILY;COUNT=6")
    assert calendar.event(f"{series['id']}_20260303")["title"] == "own"
    assert calendar.event(f"{series['id']}_20260305")["status"] == "cancelled"
    check_everything(service, calendar)
    calendar.change(series["id"], recurrence=None)
    check_everything(service, calendar)


@pytest.mark.parametrize("exdates", [[], None])
def test_excluded_dates_are_given_back(service: Service, calendar: Calendar, exdates: list[str] | None) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=4", exdates=["2026-03-03"], **NINE)
    calendar.change(f"{series['id']}_20260304", title="own")
    calendar.remove(f"{series['id']}_20260304")
    assert calendar.change(series["id"], exdates=exdates)["instances_created"] == 4
    assert [event["title"] for event in calendar.list(status="confirmed")] == ["x", "x", "own", "x"]
    assert "EXDATE" not in calendar.feed()
    check_everything(service, calendar)


def test_one_date_may_change_its_kind_and_its_zone(service: Service, calendar: Calendar) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=4", timezone="Europe/Dublin", **NINE)
    calendar.change(f"{series['id']}_20260303", start="2026-03-03", end="2026-03-04", all_day=True)
    own = calendar.change(f"{series['id']}_20260304", timezone="Asia/Tokyo")
    assert own["start_local"] == "2026-03-04T09:00:00+09:00"
    days = calendar.add(title="y", start="2026-03-02", end="2026-03-02", recurrence="FREQ=DAILY;COUNT=4")
    calendar.change(f"{days['id']}_20260303", start="2026-03-03T10:00:00", duration="PT1H", all_day=False)
    check_everything(service, calendar)
    calendar.api.changed(calendar.path, {"timezone": "Asia/Tokyo"})
    check_everything(service, calendar)
    assert calendar.event(f"{series['id']}_20260303")["timezone"] == "Europe/Dublin"
    assert calendar.event(f"{days['id']}_20260303")["start_local"] == "2026-03-03T10:00:00-05:00"
    days_found = calendar.list(start="2026-03-04", end="2026-03-04", q="y", limit=10)
    assert [event["start"] for event in days_found if "all_day" in event] == ["2026-03-04"]


def test_an_all_day_event_of_another_zone_is_found_on_its_date(service: Service, calendar: Calendar) -> None:
    calendar.add(title="x", start="2026-03-05", end="2026-03-05", timezone="Asia/Tokyo")
    calendar.add(
        title="s", start="2026-03-05", end="2026-03-05", timezone="Pacific/Auckland", recurrence="FREQ=DAILY;COUNT=2"
    )
    assert [event["title"] for event in calendar.list(start="2026-03-05", end="2026-03-05")] in (["s", "x"], ["x", "s"])
    assert [event["start"] for event in calendar.list(start="2026-03-06")] == ["2026-03-06"]
    check_everything(service, calendar)


@pytest.mark.parametrize("mode", ["single", "future", "all"])
def test_a_mode_means_nothing_to_a_single_event(calendar: Calendar, mode: str) -> None:
    event = calendar.add(title="x", **NINE)
    assert calendar.change(event["id"], mode=mode, title="y")["title"] == "y"
    calendar.remove(event["id"], mode=mode)
    assert calendar.list() == []


def test_an_original_in_a_gap_or_a_fold_is_found_edited_and_seen(service: Service, calendar: Calendar) -> None:
    gap = calendar.add(title="gap", start="2026-03-07T02:30:00", duration="PT10M", recurrence="FREQ=DAILY;COUNT=3")
    calendar.change(f"{gap['id']}_20260308", title="own")
    assert calendar.event(f"{gap['id']}_20260308")["start_local"] == "2026-03-08T03:30:00-04:00"
    check_everything(service, calendar)
    service.clock.move_to(datetime(2026, 10, 20, tzinfo=UTC))
    fold = calendar.add(title="fold", start="2026-10-31T01:30:00", duration="PT10M", recurrence="FREQ=DAILY;COUNT=3")
    calendar.remove(f"{fold['id']}_20261101")
    assert "EXDATE;TZID=America/New_York:20261101T013000" in calendar.feed()
    assert tails(calendar.list(start="2026-10-25", q="fold"), fold) == ["_20261031", "_20261101", "_20261102"]


def test_a_date_moved_beyond_the_horizon_of_a_series_that_ends_is_listed(service: Service, calendar: Calendar) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY", **NINE)
    calendar.change(f"{series['id']}_20260304", start="2026-09-01T09:00:00")
    assert calendar.list(start="2026-08-01") == []
    calendar.remove(f"{series['id']}_20260310", mode="future")
    assert [event["id"][-8:] for event in calendar.list(start="2026-08-01")] == ["20260304"]
    check_everything(service, calendar)


def test_an_edit_stays_on_the_side_of_its_original_date(service: Service, calendar: Calendar) -> None:
    """Hard case 27: whatever time it was moved to."""
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=6", **NINE)
    calendar.change(f"{series['id']}_20260303", start="2026-03-07T12:00:00", title="later")
    calendar.change(f"{series['id']}_20260306", start="2026-03-02T12:00:00", title="earlier")
    tail = calendar.change(f"{series['id']}_20260305", mode="future", location="there")
    owners = {event["title"]: event["parent_event_id"] for event in calendar.list()}
    assert owners["later"] == series["id"]
    assert owners["earlier"] == tail["id"]
    check_everything(service, calendar)


def test_equal_values_and_a_time_there_and_back_change_no_date(service: Service, calendar: Calendar) -> None:
    series = calendar.add(
        title="x", recurrence="FREQ=DAILY", rdates=["2026-03-05T15:00:00"], exdates=["2026-03-04"], **NINE
    )
    calendar.change(f"{series['id']}_20260306", start="2026-03-09T09:00:00")
    calendar.remove(f"{series['id']}_20260305T1500")

    def dates() -> list[tuple[str, ...]]:
        found = calendar.list(limit=200, end="2026-12-01T00:00:00Z")
        return [(event["id"], event["start"], event["end"], event["status"]) for event in found]

    before = dates()
    calendar.change(
        series["id"], recurrence="RRULE:FREQ=DAILY", title="x", exdates=["2026-03-04", "2026-03-05T15:00:00"]
    )
    assert dates() == before
    calendar.change(series["id"], start="2026-03-02T11:00:00")
    assert dates() != before
    calendar.change(series["id"], start="2026-03-02T09:00:00")
    assert dates() == before
    check_everything(service, calendar)


def test_the_day_that_samoa_skipped_is_no_second_date(calendar: Calendar) -> None:
    """Hard case 22: there was no 30 December 2011 in Apia."""
    calendar.add(
        title="x", start="2011-12-27T09:00:00", duration="PT1H", timezone="Pacific/Apia", recurrence="FREQ=DAILY"
    )
    found = calendar.list(start="2011-12-27T00:00:00Z", end="2012-01-02T00:00:00Z")
    assert [event["start_local"] for event in found] == [
        "2011-12-27T09:00:00-10:00", "2011-12-28T09:00:00-10:00", "2011-12-29T09:00:00-10:00",
        "2011-12-31T09:00:00+14:00", "2012-01-01T09:00:00+14:00", "2012-01-02T09:00:00+14:00",
    ]  # fmt: skip


def test_a_date_moved_out_of_a_window_is_found_by_its_original_date(calendar: Calendar) -> None:
    """Hard case 31."""
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=6", **NINE)
    calendar.change(f"{series['id']}_20260303", start="2026-03-06T09:00:00")
    assert tails(calendar.list(start="2026-03-03", end="2026-03-04"), series) == []
    assert tails(calendar.list(start="2026-03-06", end="2026-03-07"), series) == ["_20260303", "_20260306"]
    assert calendar.event(f"{series['id']}_20260303")["occurrence_date"] == "2026-03-03T00:00:00.000Z"


def test_a_tail_whose_recurrence_is_cleared_is_a_single_event(calendar: Calendar) -> None:
    series = calendar.add(title="x", start="2026-03-03T09:00:00", duration="PT1H", recurrence="FREQ=DAILY;COUNT=9")
    tail = calendar.change(f"{series['id']}_20260306", mode="future", recurrence=None)
    assert ("recurrence" in tail, tail["status"], tail["split_from"]) == (False, "confirmed", series["id"])
    assert calendar.event(tail["id"])["start_local"] == "2026-03-06T09:00:00-05:00"
    assert len(calendar.list()) == 4
