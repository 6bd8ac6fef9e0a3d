"""Series: a rule on wall time, its dates, and what survives when it changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.events.state import check_everything
from tests.support.service import Calendar, Service

LATE = {"start": "2026-03-06T09:00:00", "end": "2026-03-06T09:30:00"}
NINE = {"start": "2026-03-02T09:00:00", "end": "2026-03-02T09:30:00"}


def local(events: list[dict[str, str]]) -> list[str]:
    return [event["start_local"] for event in events]


def test_nine_o_clock_stays_nine_o_clock_when_the_clocks_change(calendar: Calendar) -> None:
    series = calendar.add(title="Standup", recurrence="FREQ=DAILY", **NINE)
    assert series["status"] == "recurring"
    assert series["series_status"] == "confirmed"
    assert series["instances_created"] == 90
    dates = calendar.list(limit=200)
    assert len(dates) == 90
    assert {date["start_local"][11:19] for date in dates} == {"09:00:00"}
    assert {date["start"][11:16] for date in dates} == {"14:00", "13:00"}


def test_a_date_names_its_series_and_its_original_date(calendar: Calendar) -> None:
    series = calendar.add(title="Standup", recurrence="FREQ=DAILY;COUNT=2", **NINE)
    date = calendar.list()[1]
    assert date["id"] == f"{series['id']}_20260303"
    assert date["parent_event_id"] == series["id"]
    assert date["occurrence_date"] == "2026-03-03T00:00:00.000Z"
    assert "recurrence" not in date
    assert calendar.event(date["id"]) == date


def test_a_monday_evening_in_denver_stays_on_monday(calendar: Calendar) -> None:
    calendar.add(
        title="Choir", start="2026-03-02T19:00:00", end="2026-03-02T21:00:00", timezone="America/Denver",
        recurrence="FREQ=WEEKLY;BYDAY=MO;COUNT=3",
    )  # fmt: skip
    assert local(calendar.list()) == [
        "2026-03-02T19:00:00-07:00", "2026-03-09T19:00:00-06:00", "2026-03-16T19:00:00-06:00",
    ]  # fmt: skip


def test_a_start_the_rule_does_not_make_is_no_date_and_the_answer_says_so(calendar: Calendar) -> None:
    series = calendar.add(
        title="Weekdays", start="2026-02-28T08:00:00", end="2026-02-28T08:15:00",
        recurrence="FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;COUNT=3",
    )  # fmt: skip
    assert series["start_local"] == "2026-03-02T08:00:00-05:00"
    assert "2026-03-02T08:00" in series["notices"][0]
    assert [date["id"][-8:] for date in calendar.list()] == ["20260302", "20260303", "20260304"]
    assert "DTSTART;TZID=America/New_York:20260302T080000" in calendar.feed()


def test_rrule_and_its_prefix_are_taken_like_recurrence(calendar: Calendar) -> None:
    assert calendar.add(title="x", rrule="RRULE:freq=daily;count=2", **NINE)["recurrence"] == "FREQ=DAILY;COUNT=2"
    assert calendar.refused(title="x", rrule="FREQ=DAILY", recurrence="FREQ=DAILY", **NINE)["field"] == "rrule"


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("FREQ=MINUTELY", "invalid_recurrence"),
        ("FREQ=SECONDLY;COUNT=3", "invalid_recurrence"),
        ("FREQ=DAILY;INTERVAL=0", "invalid_recurrence"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20260401", "invalid_recurrence"),
        ("FREQ=WEEKLY;BYDAY=2MO", "invalid_recurrence"),
        ("every day", "invalid_recurrence"),
        ("FREQ=DAILY\r\nEXDATE:20260303T140000Z", "invalid_recurrence"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "recurrence_without_dates"),
        ("FREQ=DAILY;UNTIL=20260101", "recurrence_without_dates"),
        ("FREQ=HOURLY;BYMINUTE=0,15,30,45", "recurrence_too_costly"),
        ("FREQ=DAILY;COUNT=100000", "recurrence_too_costly"),
    ],
)
def test_a_rule_that_cannot_be_served_is_refused_with_the_reason(calendar: Calendar, rule: str, code: str) -> None:
    error = calendar.refused(title="x", recurrence=rule, **NINE)
    assert (error["code"], error["field"]) == (code, "recurrence")
    assert error["hint"]
    assert calendar.changes() == []


def test_until_as_a_date_includes_that_whole_local_day(calendar: Calendar) -> None:
    calendar.add(
        title="x", start="2026-03-02T22:00:00", end="2026-03-02T23:00:00", recurrence="FREQ=DAILY;UNTIL=20260304"
    )
    assert [date["id"][-8:] for date in calendar.list()] == ["20260302", "20260303", "20260304"]


def test_exdates_are_listed_as_cancelled_and_missing_from_the_feed(calendar: Calendar) -> None:
    series = calendar.add(
        title="x", recurrence="FREQ=DAILY;COUNT=4", exdates=["2026-03-03", "2026-03-04T09:00:00"], **NINE
    )
    assert series["instances_created"] == 2
    assert [date["status"] for date in calendar.list()] == ["confirmed", "cancelled", "cancelled", "confirmed"]
    assert [date["id"][-8:] for date in calendar.list(status="cancelled")] == ["20260303", "20260304"]
    assert [date["id"][-8:] for date in calendar.upcoming()["events"]] == ["20260302", "20260305"]
    feed = calendar.feed()
    assert "EXDATE;TZID=America/New_York:20260303T090000\r\n" in feed
    assert "EXDATE;TZID=America/New_York:20260304T090000\r\n" in feed


def test_an_exdate_the_series_does_not_have_is_refused(calendar: Calendar) -> None:
    error = calendar.refused(title="x", recurrence="FREQ=DAILY;COUNT=4", exdates=["2026-03-03T09:00:00Z"], **NINE)
    assert (error["code"], error["field"]) == ("not_a_date_of_the_series", "exdates.0")


def test_a_series_with_all_its_dates_excluded_is_refused(calendar: Calendar) -> None:
    error = calendar.refused(title="x", recurrence="FREQ=DAILY;COUNT=2", exdates=["2026-03-02", "2026-03-03"], **NINE)
    assert error["code"] == "recurrence_without_dates"


def test_rdates_add_dates_with_the_series_time_or_their_own(calendar: Calendar) -> None:
    series = calendar.add(
        title="x", recurrence="FREQ=WEEKLY;COUNT=2", rdates=["2026-03-05", "2026-03-06T15:00:00"], **NINE
    )
    dates = calendar.list()
    assert [date["id"].removeprefix(series["id"]) for date in dates] == [
        "_20260302", "_20260305", "_20260306T1500", "_20260309",
    ]  # fmt: skip
    assert dates[2]["start_local"] == "2026-03-06T15:00:00-05:00"


def test_an_hourly_series_steps_in_exact_hours_over_both_clock_changes(service: Service, calendar: Calendar) -> None:
    calendar.add(title="spring", start="2026-03-08T00:00:00", duration="PT10M", recurrence="FREQ=HOURLY;COUNT=4")
    assert local(calendar.list()) == [
        "2026-03-08T00:00:00-05:00", "2026-03-08T01:00:00-05:00", "2026-03-08T03:00:00-04:00",
        "2026-03-08T04:00:00-04:00",
    ]  # fmt: skip
    service.clock.move_to(datetime(2026, 10, 30, tzinfo=UTC))
    autumn = calendar.add(
        title="autumn", start="2026-11-01T00:00:00", duration="PT10M", recurrence="FREQ=HOURLY;COUNT=4"
    )
    dates = calendar.list(start="2026-10-30T00:00:00Z")
    assert [date["id"].removeprefix(autumn["id"]) for date in dates] == [
        "_20261101T0000", "_20261101T0100", "_20261101T0100b", "_20261101T0200",
    ]  # fmt: skip


def test_a_date_in_a_gap_is_shifted_and_the_others_are_not(calendar: Calendar) -> None:
    calendar.add(title="x", start="2026-03-07T02:30:00", duration="PT30M", recurrence="FREQ=DAILY;COUNT=3")
    assert local(calendar.list()) == [
        "2026-03-07T02:30:00-05:00", "2026-03-08T03:30:00-04:00", "2026-03-09T02:30:00-04:00",
    ]  # fmt: skip


def test_a_yearly_series_shows_its_next_date_however_far(calendar: Calendar) -> None:
    calendar.add(title="Birthday", all_day=True, start="2020-02-29", end="2020-02-29", recurrence="FREQ=YEARLY")
    upcoming = calendar.upcoming()["events"]
    assert [event["start"] for event in upcoming] == ["2028-02-29"]
    assert [event["start"] for event in calendar.list()] == ["2028-02-29"]


def test_a_window_past_the_horizon_has_the_ids_that_storing_will_give(service: Service, calendar: Calendar) -> None:
    calendar.add(title="x", recurrence="FREQ=WEEKLY", **NINE)
    far = calendar.list(start="2026-12-01T00:00:00", end="2026-12-31T00:00:00")
    assert [date["id"][-8:] for date in far] == ["20261207", "20261214", "20261221", "20261228"]
    assert calendar.event(far[0]["id"]) == far[0]
    service.clock.move_to(datetime(2026, 11, 20, tzinfo=UTC))
    from app.events.upkeep import extend_calendars

    service.run(extend_calendars(service.context.db, service.clock.now()))
    assert calendar.list(start="2026-12-01T00:00:00", end="2026-12-31T00:00:00") == far


def test_an_end_reaches_two_years_and_no_further(calendar: Calendar) -> None:
    calendar.add(title="x", recurrence="FREQ=MONTHLY;BYMONTHDAY=1", **NINE)
    far = calendar.list(start="2026-03-02T00:00:00", end="2099-01-01T00:00:00", limit=200)
    assert far[-1]["start_local"][:10] == "2028-03-01"
    assert len(far) == 24


def test_dates_before_the_series_was_stored_appear_when_asked_for(calendar: Calendar) -> None:
    calendar.add(title="Old", start="2024-01-01T09:00:00", end="2024-01-01T09:30:00", recurrence="FREQ=WEEKLY;BYDAY=MO")
    assert calendar.list()[0]["start_local"][:10] == "2026-03-02"
    old = calendar.list(start="2024-01-01T00:00:00", end="2024-01-31T00:00:00")
    assert [date["start_local"][8:10] for date in old] == ["01", "08", "15", "22", "29"]


def test_a_title_changes_on_all_dates_without_touching_them(calendar: Calendar) -> None:
    series = calendar.add(title="Old", recurrence="FREQ=DAILY", **NINE)
    before = [date["id"] for date in calendar.list(limit=200)]
    changed = calendar.change(series["id"], title="New")
    assert "instances_created" not in changed
    after = calendar.list(limit=200)
    assert {date["title"] for date in after} == {"New"}
    assert [date["id"] for date in after] == before


def test_moving_one_date_leaves_the_others_at_nine(calendar: Calendar) -> None:
    series = calendar.add(title="Standup", recurrence="FREQ=DAILY;COUNT=3", **NINE)
    moved = calendar.change(f"{series['id']}_20260303", start="2026-03-03T15:00:00", title="Later")
    assert moved["is_exception"] is True
    assert moved["end_local"] == "2026-03-03T15:30:00-05:00"
    assert local(calendar.list()) == [
        "2026-03-02T09:00:00-05:00", "2026-03-03T15:00:00-05:00", "2026-03-04T09:00:00-05:00",
    ]  # fmt: skip
    assert calendar.event(moved["id"]) == moved


def test_a_series_edit_leaves_an_edited_date_alone(calendar: Calendar) -> None:
    series = calendar.add(title="Standup", recurrence="FREQ=DAILY;COUNT=3", **NINE)
    own = calendar.change(f"{series['id']}_20260303", title="Mine")
    calendar.change(series["id"], title="Theirs", start="2026-03-02T10:00:00")
    assert [date["title"] for date in calendar.list()] == ["Theirs", "Mine", "Theirs"]
    assert calendar.event(own["id"]) == own
    assert local(calendar.list())[1].startswith("2026-03-03T09:00:00")


def test_ids_and_cancelled_dates_survive_a_new_time(calendar: Calendar) -> None:
    series = calendar.add(title="Standup", recurrence="FREQ=DAILY;COUNT=4", **NINE)
    calendar.remove(f"{series['id']}_20260304")
    changed = calendar.change(series["id"], start="2026-03-02T11:00:00")
    assert changed["instances_created"] == 3
    dates = calendar.list()
    assert [date["id"][-8:] for date in dates] == ["20260302", "20260303", "20260304", "20260305"]
    assert [date["status"] for date in dates] == ["confirmed", "confirmed", "cancelled", "confirmed"]
    assert local(dates)[2] == "2026-03-04T11:00:00-05:00"


def test_an_edited_date_the_new_rule_does_not_make_is_reported_and_comes_back(calendar: Calendar) -> None:
    series = calendar.add(title="x", recurrence="FREQ=WEEKLY;BYDAY=MO", **NINE)
    own = calendar.change(f"{series['id']}_20260309", title="Mine")
    changed = calendar.change(series["id"], recurrence="FREQ=WEEKLY;BYDAY=TU")
    assert changed["orphaned_overrides"] == [own["id"]]
    assert own["id"] not in {date["id"] for date in calendar.list()}
    assert calendar.api.get(f"{calendar.path}/events/{own['id']}").status_code == 404
    assert "Mine" not in calendar.feed()
    calendar.change(series["id"], recurrence="FREQ=WEEKLY;BYDAY=MO", start="2026-03-02T09:00:00")
    assert calendar.event(own["id"])["title"] == "Mine"
    assert "Mine" in calendar.feed()


def test_recurrence_makes_a_single_event_a_series_and_null_makes_it_single_again(calendar: Calendar) -> None:
    event = calendar.add(title="x", **NINE)
    series = calendar.change(event["id"], recurrence="FREQ=DAILY;COUNT=3")
    assert (series["id"], series["status"], series["instances_created"]) == (event["id"], "recurring", 3)
    assert len(calendar.list()) == 3
    single = calendar.change(event["id"], recurrence=None)
    assert single["status"] == "confirmed"
    assert [date["id"] for date in calendar.list()] == [event["id"]]


def test_a_series_that_recurs_no_more_keeps_the_start_it_showed(calendar: Calendar) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY", rdates=["2026-03-01T15:00:00"], **NINE)
    assert series["start_local"] == "2026-03-01T15:00:00-05:00"
    single = calendar.change(series["id"], recurrence=None)
    assert (single["start"], single["end"]) == (series["start"], series["end"])


def test_a_rule_on_one_date_is_refused(calendar: Calendar) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=3", **NINE)
    response = calendar.api.patch(f"{calendar.path}/events/{series['id']}_20260303", {"recurrence": "FREQ=DAILY"})
    assert (response.status_code, response.json()["field"]) == (400, "recurrence")


def test_deleting_a_date_cancels_it_and_nothing_brings_it_back(calendar: Calendar) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=3", **NINE)
    calendar.remove(f"{series['id']}_20260303")
    calendar.remove(f"{series['id']}_20260303")
    assert [date["status"] for date in calendar.list()] == ["confirmed", "cancelled", "confirmed"]
    calendar.change(series["id"], recurrence="FREQ=DAILY;COUNT=4")
    assert [date["status"] for date in calendar.list()] == ["confirmed", "cancelled", "confirmed", "confirmed"]


def test_a_cancelled_date_returns_when_its_status_is_set_on_purpose(calendar: Calendar) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=3", **NINE)
    calendar.remove(f"{series['id']}_20260303")
    back = calendar.change(f"{series['id']}_20260303", status="confirmed")
    assert back["status"] == "confirmed"
    assert "EXDATE" not in calendar.feed()
    gone = calendar.change(f"{series['id']}_20260303", status="cancelled")
    assert gone["status"] == "cancelled"
    assert "EXDATE" in calendar.feed()


def test_a_whole_series_is_deleted_only_when_told_so(calendar: Calendar) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=3", **NINE)
    response = calendar.api.delete(f"{calendar.path}/events/{series['id']}")
    assert (response.status_code, response.json()["code"]) == (400, "mode_required")
    calendar.remove(series["id"], mode="all")
    assert calendar.list() == []
    assert calendar.api.get(f"{calendar.path}/events/{series['id']}_20260303").status_code == 404


def test_deleting_the_future_ends_the_series_before_that_date(calendar: Calendar) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY", **NINE)
    calendar.change(f"{series['id']}_20260306", title="edited")
    calendar.remove(f"{series['id']}_20260305", mode="future")
    assert [date["id"][-8:] for date in calendar.list()] == ["20260302", "20260303", "20260304"]
    assert calendar.event(series["id"])["recurrence"].startswith("FREQ=DAILY;UNTIL=")
    assert "edited" not in calendar.feed()


def test_a_split_gives_head_and_tail_their_counts(calendar: Calendar) -> None:
    series = calendar.add(title="Old", recurrence="FREQ=DAILY;COUNT=5", **NINE)
    tail = calendar.change(f"{series['id']}_20260304", mode="future", title="New", start="2026-03-04T10:00:00")
    assert tail["split_from"] == series["id"]
    assert tail["recurrence"] == "FREQ=DAILY;COUNT=3"
    assert calendar.event(series["id"])["recurrence"] == "FREQ=DAILY;COUNT=2"
    assert [date["title"] for date in calendar.list()] == ["Old", "Old", "New", "New", "New"]
    assert local(calendar.list())[2:] == [
        "2026-03-04T10:00:00-05:00", "2026-03-05T10:00:00-05:00", "2026-03-06T10:00:00-05:00",
    ]  # fmt: skip


def test_after_a_split_edits_stay_on_their_side_and_old_ids_answer(calendar: Calendar) -> None:
    series = calendar.add(title="Old", recurrence="FREQ=DAILY;COUNT=6", **NINE)
    calendar.change(f"{series['id']}_20260303", title="Head edit")
    calendar.change(f"{series['id']}_20260305", title="Tail edit", start="2026-03-03T07:00:00")
    calendar.remove(f"{series['id']}_20260306")
    tail = calendar.change(f"{series['id']}_20260304", mode="future", location="Room 2")
    assert calendar.event(f"{series['id']}_20260305")["id"] == f"{tail['id']}_20260305"
    assert calendar.event(f"{series['id']}_20260305")["title"] == "Tail edit"
    assert calendar.event(f"{series['id']}_20260306")["status"] == "cancelled"
    assert calendar.event(f"{series['id']}_20260303")["title"] == "Head edit"
    assert [(date["id"][-8:], date["title"], date["status"]) for date in calendar.list()] == [
        ("20260302", "Old", "confirmed"),
        ("20260305", "Tail edit", "confirmed"),
        ("20260303", "Head edit", "confirmed"),
        ("20260304", "Old", "confirmed"),
        ("20260306", "Old", "cancelled"),
        ("20260307", "Old", "confirmed"),
    ]


def test_an_edited_date_that_becomes_the_start_of_the_head_is_listed_once(service: Service, calendar: Calendar) -> None:
    series = calendar.add(title="x", rdates=["2026-03-04T17:00:00", "2026-03-05T17:00:00", "2026-03-07"], **LATE)
    calendar.change(f"{series['id']}_20260304T1700", title="edited")
    calendar.remove(f"{series['id']}_20260305T1700")
    calendar.change(f"{series['id']}_20260306", mode="future", title="tail")
    assert [(date["id"][-8:], date["title"], date["status"]) for date in calendar.list()] == [
        ("20260304", "edited", "confirmed"), ("305T1700", "x", "cancelled"),
        ("20260306", "tail", "confirmed"), ("20260307", "tail", "confirmed"),
    ]  # fmt: skip
    assert calendar.event(f"{series['id']}_20260304T1700")["title"] == "edited"
    check_everything(service, calendar)


@pytest.mark.parametrize("split_at", ["20260304T0700", "20260306"])
def test_two_edited_dates_of_a_day_keep_apart_when_the_earlier_becomes_the_start(
    service: Service, calendar: Calendar, split_at: str
) -> None:
    series = calendar.add(title="x", rdates=["2026-03-03", "2026-03-04T07:00:00", "2026-03-04"], **LATE)
    calendar.change(f"{series['id']}_20260304", title="nine")
    calendar.change(f"{series['id']}_20260304T0700", title="seven")
    calendar.remove(f"{series['id']}_20260303")
    calendar.change(f"{series['id']}_{split_at}", mode="future", location="Room 2")
    assert [(date["start_local"][11:16], date["title"]) for date in calendar.list()] == [
        ("09:00", "x"), ("07:00", "seven"), ("09:00", "nine"), ("09:00", "x"),
    ]  # fmt: skip
    check_everything(service, calendar)


def test_a_cancelled_date_that_becomes_the_start_of_the_head_stays_cancelled(
    service: Service, calendar: Calendar
) -> None:
    series = calendar.add(title="x", rdates=["2026-03-04T17:00:00", "2026-03-05T17:00:00", "2026-03-07"], **LATE)
    calendar.remove(f"{series['id']}_20260304T1700")
    calendar.remove(f"{series['id']}_20260306", mode="future")
    assert [date["status"] for date in calendar.list()] == ["cancelled", "confirmed"]
    check_everything(service, calendar)


def test_a_series_that_recurs_no_more_from_a_date_on_leaves_that_date_alone(calendar: Calendar) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=6", rdates=["2026-03-04T15:00:00"], **NINE)
    calendar.change(f"{series['id']}_20260306", title="edited")
    alone = calendar.change(f"{series['id']}_20260304T1500", mode="future", recurrence=None, location="Room 2")
    assert (alone["split_from"], alone["location"], "recurrence" in alone) == (series["id"], "Room 2", False)
    assert local(calendar.list()) == [
        "2026-03-02T09:00:00-05:00", "2026-03-03T09:00:00-05:00", "2026-03-04T09:00:00-05:00",
        "2026-03-04T15:00:00-05:00",
    ]  # fmt: skip
    assert calendar.list()[-1] == calendar.event(alone["id"])
    refused = calendar.api.patch(
        f"{calendar.path}/events/{series['id']}_20260303?mode=future", {"recurrence": None, "exdates": ["2026-03-04"]}
    )
    assert (refused.status_code, refused.json()["field"]) == (400, "exdates")


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_date_that_goes_on_alone_is_as_it_stood(calendar: Calendar, is_cancelled: bool) -> None:
    series = calendar.add(title="x", rdates=["2026-03-04", "2026-03-05"], **NINE)
    calendar.change(f"{series['id']}_20260304", title="edited", start="2026-03-04T11:00:00")
    if is_cancelled:
        calendar.remove(f"{series['id']}_20260304")
    alone = calendar.change(f"{series['id']}_20260304", mode="future", rdates=None)
    status = "cancelled" if is_cancelled else "confirmed"
    assert (alone["title"], alone["start_local"], alone["status"]) == ("edited", "2026-03-04T11:00:00-05:00", status)
    assert calendar.list()[1:] == [calendar.event(alone["id"])]
    assert calendar.change(alone["id"], status="confirmed")["status"] == "confirmed"


def test_a_bare_date_names_the_first_of_several_a_day(calendar: Calendar) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=2", **NINE)
    calendar.change(f"{series['id']}_20260302", title="edited")
    calendar.change(series["id"], recurrence="FREQ=DAILY;BYHOUR=9,17;COUNT=4")
    dates = calendar.list()
    assert [date["id"].removeprefix(series["id"]) for date in dates] == [
        "_20260302", "_20260302T1700", "_20260303T0900", "_20260303T1700",
    ]  # fmt: skip
    assert dates[0]["title"] == "edited"
    assert calendar.event(f"{series['id']}_20260303") == dates[2]


def test_an_answer_to_a_series_counts_for_all_dates_but_deleted_ones(calendar: Calendar) -> None:
    series = calendar.add(title="x", status="tentative", recurrence="FREQ=DAILY;COUNT=4", **NINE)
    calendar.remove(f"{series['id']}_20260303")
    calendar.change(f"{series['id']}_20260304", title="own")
    path = f"{calendar.path}/events/{series['id']}/respond"
    assert calendar.api.post(path, {"response": "declined"}).status_code == 200
    assert {date["status"] for date in calendar.list()} == {"cancelled"}
    assert "BEGIN:VEVENT" not in calendar.feed()
    assert calendar.api.post(path, {"response": "accepted"}).status_code == 200
    assert [date["status"] for date in calendar.list()] == ["confirmed", "cancelled", "confirmed", "confirmed"]


def test_declining_one_date_leaves_the_others_and_the_feed_leaves_it_out(calendar: Calendar) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=3", **NINE)
    path = f"{calendar.path}/events/{series['id']}_20260303/respond"
    declined = calendar.api.post(path, {"response": "declined"}).json()
    assert (declined["status"], declined["response"]) == ("cancelled", "declined")
    assert [date["response"] for date in calendar.list()] == [None, "declined", None]
    assert "EXDATE;TZID=America/New_York:20260303T090000" in calendar.feed()


def test_upcoming_tells_the_wait_in_hours_minutes_and_seconds(service: Service, calendar: Calendar) -> None:
    assert calendar.upcoming() == {"events": [], "next_event_starts_in": None, "timezone": "America/New_York"}
    calendar.add(title="x", start="2026-03-04T13:00:00Z", end="2026-03-04T14:00:00Z")
    assert calendar.upcoming()["next_event_starts_in"] == "PT49H"
    service.clock.move_to(datetime(2026, 3, 4, 13, 30, tzinfo=UTC))
    assert calendar.upcoming()["events"] == []
    current = calendar.upcoming(include_current="true")
    assert (len(current["events"]), current["next_event_starts_in"]) == (1, None)


def test_the_daily_upkeep_keeps_ninety_days_stored_and_logs_nothing(service: Service, calendar: Calendar) -> None:
    from app.events.upkeep import extend_calendars

    calendar.add(title="x", recurrence="FREQ=DAILY", **NINE)
    seq = calendar.changes()[-1]["seq"]
    service.clock.advance(timedelta(days=30))
    assert len(calendar.list(limit=200)) == 90
    service.run(extend_calendars(service.context.db, service.clock.now()))
    assert len(calendar.list(limit=200)) == 120
    assert calendar.changes()[-1]["seq"] == seq
    service.run(extend_calendars(service.context.db, service.clock.now()))
    assert len(calendar.list(limit=200)) == 120


def test_an_all_day_series_speaks_of_dates_alone(calendar: Calendar) -> None:
    series = calendar.add(title="x", start="2026-03-02", end="2026-03-02", recurrence="FREQ=DAILY;BYHOUR=9,17;COUNT=3")
    assert series["recurrence"] == "FREQ=DAILY;COUNT=3"
    assert calendar.starts() == ["2026-03-02", "2026-03-03", "2026-03-04"]
    assert "RRULE:FREQ=DAILY;COUNT=3\r\n" in calendar.feed()
