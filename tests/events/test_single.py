"""Single events: made, read, changed, removed."""

from __future__ import annotations

import pytest

from tests.support.service import Calendar

NINE = {"start": "2026-03-03T09:00:00", "end": "2026-03-03T09:30:00"}


def test_a_time_without_offset_is_read_in_the_calendars_zone_and_the_answer_says_so(calendar: Calendar) -> None:
    event = calendar.add(title="Dentist", **NINE)
    assert event["start"] == "2026-03-03T14:00:00.000Z"
    assert event["start_local"] == "2026-03-03T09:00:00-05:00"
    assert event["timezone"] == "America/New_York"


def test_an_offset_that_differs_from_the_calendars_zone_is_simply_an_instant(calendar: Calendar) -> None:
    event = calendar.add(title="Call", start="2026-03-03T09:00:00+01:00", end="2026-03-03T10:00:00+01:00")
    assert event["start"] == "2026-03-03T08:00:00.000Z"
    assert event["end_local"] == "2026-03-03T04:00:00-05:00"


def test_an_offset_that_contradicts_the_named_zone_is_refused_with_both_readings(calendar: Calendar) -> None:
    error = calendar.refused(
        title="Call", start="2026-03-03T09:00:00+01:00", end="2026-03-03T10:00:00+01:00", timezone="America/Denver"
    )
    assert error["code"] == "offset_mismatch"
    assert error["field"] == "start"
    assert "2026-03-03T08:00:00.000Z" in error["hint"]
    assert "2026-03-03T16:00:00.000Z" in error["hint"]


def test_z_beside_a_zone_is_an_instant_seen_from_there(calendar: Calendar) -> None:
    event = calendar.add(
        title="Call", start="2026-03-03T16:00:00Z", end="2026-03-03T17:00:00Z", timezone="America/Denver"
    )
    assert event["start_local"] == "2026-03-03T09:00:00-07:00"
    assert event["timezone"] == "America/Denver"


def test_what_is_read_is_what_was_answered(calendar: Calendar) -> None:
    made = calendar.add(
        title="Röntgen 🩻",
        description="Bring the\nletter",
        location="https://example.com/room",
        metadata={"case": 7, "nested": {"a": [1, None, "x"]}},
        attendees=["Ada@Example.com", "ada@example.com", "bob@example.com"],
        transparency="transparent",
        status="tentative",
        **NINE,
    )
    assert made["attendees"] == ["ada@example.com", "bob@example.com"]
    assert made["attendee_details"][0] == {"email": "ada@example.com", "name": None, "role": None, "partstat": None}
    told = {name: made.pop(name) for name in ("email_status", "emails_queued", "emails_withheld")}
    assert told == {"email_status": "not_configured", "emails_queued": 0, "emails_withheld": 2}
    assert calendar.event(made["id"]) == made
    assert calendar.list() == [made]
    assert calendar.changes()[-1]["event"] == made


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": "x"}, "start"),
        ({"title": "x", "start": "2026-03-03T09:00:00Z"}, "end"),
        ({"start": "2026-03-03T09:00:00Z", "end": "2026-03-03T09:00:00Z"}, "title"),
        ({"title": None, "start": None}, "title"),
    ],
)
def test_title_start_and_end_are_asked_for_in_that_order(calendar: Calendar, body: dict[str, str], field: str) -> None:
    error = calendar.refused(**body)
    assert (error["code"], error["field"]) == ("missing_field", field)


def test_an_end_before_the_start_is_refused(calendar: Calendar) -> None:
    error = calendar.refused(title="x", start="2026-03-03T09:00:00", end="2026-03-03T08:59:59")
    assert (error["code"], error["field"]) == ("end_before_start", "end")
    assert calendar.list() == []


def test_a_duration_serves_instead_of_an_end(calendar: Calendar) -> None:
    assert calendar.add(title="x", start="2026-03-03T09:00:00", duration="PT90M")["end_local"].startswith(
        "2026-03-03T10:30:00"
    )
    assert calendar.refused(title="x", duration="PT5M", **NINE)["field"] == "duration"


def test_a_nominal_day_over_a_clock_change_ends_at_the_same_wall_time(calendar: Calendar) -> None:
    nominal = calendar.add(title="x", start="2026-03-07T12:00:00", duration="P1D")
    exact = calendar.add(title="x", start="2026-03-07T12:00:00", duration="PT24H")
    assert nominal["end_local"] == "2026-03-08T12:00:00-04:00"
    assert exact["end_local"] == "2026-03-08T13:00:00-04:00"


def test_a_start_in_a_gap_moves_forward_by_the_gap(calendar: Calendar) -> None:
    event = calendar.add(title="x", start="2026-03-08T02:30:00", duration="PT30M")
    assert event["start_local"] == "2026-03-08T03:30:00-04:00"


def test_a_start_in_a_fold_is_the_first_pass_unless_its_offset_says_otherwise(calendar: Calendar) -> None:
    first = calendar.add(title="x", start="2026-11-01T01:30:00", duration="PT30M")
    second = calendar.add(title="x", start="2026-11-01T01:30:00-05:00", duration="PT30M", timezone="America/New_York")
    assert first["start"] == "2026-11-01T05:30:00.000Z"
    assert second["start"] == "2026-11-01T06:30:00.000Z"
    assert calendar.event(second["id"])["start"] == "2026-11-01T06:30:00.000Z"


def test_start_alone_keeps_the_length_and_end_alone_the_start(calendar: Calendar) -> None:
    event = calendar.add(title="x", **NINE)
    moved = calendar.change(event["id"], start="2026-03-04T15:00:00")
    assert moved["end_local"] == "2026-03-04T15:30:00-05:00"
    longer = calendar.change(event["id"], end="2026-03-04T17:00:00")
    assert longer["start_local"] == "2026-03-04T15:00:00-05:00"
    assert longer["end_local"] == "2026-03-04T17:00:00-05:00"
    assert calendar.starts() == ["2026-03-04T20:00:00.000Z"]


def test_a_new_zone_keeps_the_wall_time_of_what_was_written_in_wall_time(calendar: Calendar) -> None:
    event = calendar.add(title="x", **NINE)
    moved = calendar.change(event["id"], timezone="Europe/Paris")
    assert moved["start_local"] == "2026-03-03T09:00:00+01:00"


def test_a_new_zone_keeps_the_instant_of_what_was_written_as_an_instant(calendar: Calendar) -> None:
    event = calendar.add(title="x", start="2026-03-03T14:00:00Z", end="2026-03-03T15:00:00Z")
    moved = calendar.change(event["id"], timezone="Europe/Paris")
    assert moved["start"] == event["start"]
    assert moved["start_local"] == "2026-03-03T15:00:00+01:00"


def test_null_clears_what_may_be_cleared(calendar: Calendar) -> None:
    event = calendar.add(
        title="x", description="d", location="l", metadata={"a": 1}, attendees=["a@example.com"], **NINE
    )
    cleared = calendar.change(event["id"], description=None, location=None, metadata=None, attendees=None)
    assert (cleared["description"], cleared["location"], cleared["metadata"], cleared["attendees"]) == (
        None,
        None,
        None,
        [],
    )
    for name in ("title", "start", "end"):
        response = calendar.api.patch(f"{calendar.path}/events/{event['id']}", {name: None})
        assert (response.status_code, response.json()["field"]) == (400, name)


def test_a_patch_that_gives_nothing_is_refused(calendar: Calendar) -> None:
    event = calendar.add(title="x", **NINE)
    response = calendar.api.patch(f"{calendar.path}/events/{event['id']}", {})
    assert (response.status_code, response.json()["code"]) == (400, "nothing_to_change")


def test_a_deleted_event_is_gone_from_everywhere(calendar: Calendar) -> None:
    event = calendar.add(title="x", **NINE)
    calendar.remove(event["id"])
    assert calendar.api.get(f"{calendar.path}/events/{event['id']}").status_code == 404
    assert calendar.list() == []
    assert "BEGIN:VEVENT" not in calendar.feed()
    assert calendar.api.delete(f"{calendar.path}/events/{event['id']}").status_code == 404


def test_a_changed_event_shows_new_times_and_a_raised_sequence_only_when_a_feed_shows_it(calendar: Calendar) -> None:
    event = calendar.add(title="x", **NINE)
    assert calendar.change(event["id"], metadata={"a": 1})["sequence"] == 0
    assert calendar.change(event["id"], title="y")["sequence"] == 1
    assert calendar.change(event["id"], start="2026-03-05T09:00:00")["sequence"] == 2


@pytest.mark.parametrize(
    "location",
    [
        "javascript:alert(1)",
        " JaVaScript:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc",
    ],
)
def test_an_active_address_is_no_location(calendar: Calendar, location: str) -> None:
    assert calendar.refused(title="x", location=location, **NINE)["field"] == "location"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": "x" * 501}, "title"),
        ({"location": "x" * 501}, "location"),
        ({"description": "é" * 32769}, "description"),
        ({"metadata": {"a": "x" * 16384}}, "metadata"),
        ({"metadata": [1]}, "metadata"),
        ({"attendees": [f"a{i}@example.com" for i in range(51)]}, "attendees"),
        ({"attendees": ["nobody"]}, "attendees"),
        ({"status": "maybe"}, "status"),
        ({"transparency": "clear"}, "transparency"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"all_day": "yes"}, "all_day"),
        ({"start": "2026-02-30T09:00:00"}, "start"),
        ({"start": "2026-03-03T24:00:00"}, "start"),
        ({"start": 5}, "start"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_each_wrong_field_is_named(calendar: Calendar, fields: dict[str, object], field: str) -> None:
    assert calendar.refused(**({"title": "x", **NINE} | fields))["field"] == field
    assert calendar.list() == []


def test_an_all_day_event_keeps_its_dates_whatever_the_zone(calendar: Calendar) -> None:
    event = calendar.add(title="Fair", all_day=True, start="2026-03-07", end="2026-03-09")
    assert (event["start"], event["end"], event["all_day"]) == ("2026-03-07", "2026-03-09", True)
    calendar.api.changed(calendar.path, {"timezone": "Asia/Tokyo"})
    moved = calendar.event(event["id"])
    assert (moved["start"], moved["end"], moved["timezone"]) == ("2026-03-07", "2026-03-09", "Asia/Tokyo")
    assert calendar.list(start="2026-03-07T00:00:00", end="2026-03-07T00:00:00") == [moved]
    assert "DTSTART;VALUE=DATE:20260307\r\nDTEND;VALUE=DATE:20260310\r\n" in calendar.feed()


def test_an_all_day_event_in_tokyo_is_found_from_utc_midnight_of_its_date(calendar: Calendar) -> None:
    calendar.api.changed(calendar.path, {"timezone": "Asia/Tokyo"})
    event = calendar.add(title="Holiday", all_day=True, start="2026-03-20", end="2026-03-20")
    assert calendar.list(start="2026-03-20T00:00:00Z") == [event]
    assert calendar.list(start="2026-03-20T15:00:00Z") == []
    assert calendar.list(end="2026-03-19T15:00:00Z") == [event]
    assert calendar.list(end="2026-03-19T14:59:59Z") == []


def test_all_day_and_times_do_not_mix(calendar: Calendar) -> None:
    assert calendar.refused(title="x", all_day=True, **NINE)["field"] == "start"
    assert calendar.refused(title="x", start="2026-03-07", end="2026-03-07T10:00:00")["field"] == "end"
    assert calendar.refused(title="x", all_day=False, start="2026-03-07", end="2026-03-07")["field"] == "start"
    assert calendar.add(title="x", start="2026-03-07", end="2026-03-07")["all_day"] is True


def test_an_event_can_become_all_day_and_back(calendar: Calendar) -> None:
    event = calendar.add(title="x", **NINE)
    day = calendar.change(event["id"], all_day=True, start="2026-03-10", end="2026-03-11")
    assert (day["start"], day["end"]) == ("2026-03-10", "2026-03-11")
    timed = calendar.change(event["id"], all_day=False, start="2026-03-10T08:00:00", end="2026-03-10T09:00:00")
    assert timed["start"] == "2026-03-10T12:00:00.000Z"
    assert "all_day" not in timed


@pytest.mark.parametrize(
    ("answer", "status"), [("accepted", "confirmed"), ("declined", "cancelled"), ("tentative", "tentative")]
)
def test_an_answer_sets_the_status_and_is_kept_beside_it(calendar: Calendar, answer: str, status: str) -> None:
    event = calendar.add(title="x", **NINE)
    response = calendar.api.post(f"{calendar.path}/events/{event['id']}/respond", {"response": answer})
    assert response.status_code == 200
    body = response.json()
    assert (body["status"], body["response"], body["email_sent"]) == (status, answer, False)
    assert body["email_status"] == "not_invited"
    assert body["sequence"] == 0
    assert calendar.changes()[-1]["type"] == "event.responded"


def test_a_changed_start_keeps_the_kind_of_the_event_unless_all_day_says_otherwise(calendar: Calendar) -> None:
    event = calendar.add(title="x", **NINE)
    response = calendar.api.patch(f"{calendar.path}/events/{event['id']}", {"start": "2026-03-10"})
    assert (response.status_code, response.json()["field"]) == (400, "start")
    day = calendar.add(title="x", start="2026-03-07", end="2026-03-07")
    response = calendar.api.patch(f"{calendar.path}/events/{day['id']}", {"start": "2026-03-10T09:00:00"})
    assert (response.status_code, response.json()["field"]) == (400, "start")
