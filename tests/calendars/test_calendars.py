from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from app.clock import FrozenClock
from tests.support.service import Api, Calendar, Service

NINE = {"start": "2026-03-03T09:00:00Z", "end": "2026-03-03T10:00:00Z"}


def test_a_calendar_is_made_from_a_name_alone(api: Api) -> None:
    made = api.made("/calendars", name="Work")
    assert set(made) == {
        "calendar_id",
        "name",
        "timezone",
        "email",
        "ical_feed_url",
        "page_url",
        "feed_token",
        "inbound_webhook_url",
        "message",
    }
    calendar_id = made["calendar_id"]
    base = str(api.http.base_url).rstrip("/")
    assert (made["name"], made["timezone"]) == ("Work", "UTC")
    assert made["email"] == f"cal-{calendar_id.removeprefix('cal_')}@kalends.localhost"
    assert made["ical_feed_url"] == f"{base}/feeds/{calendar_id}.ics?token={made['feed_token']}"
    assert made["inbound_webhook_url"].startswith(f"{base}/inbound/inb_")
    assert calendar_id in made["message"]


def test_a_new_calendar_is_empty_whatever_welcome_event_says(api: Api) -> None:
    for welcome in (True, False):
        made = api.made("/calendars", name="Work", welcome_event=welcome)
        assert Calendar(api, made).list() == []
    assert api.post("/calendars", {"name": "Work", "welcome_event": "yes"}).json()["field"] == "welcome_event"


def test_a_calendar_is_read_as_it_was_made(api: Api) -> None:
    made = api.made("/calendars", name="Work ☕ 日本", timezone="Asia/Tokyo", agentmail_api_key="am_secret")
    read = api.got(f"/calendars/{made['calendar_id']}")
    assert read == {
        "calendar_id": made["calendar_id"],
        "name": "Work ☕ 日本",
        "timezone": "Asia/Tokyo",
        "email": made["email"],
        "ical_feed_url": made["ical_feed_url"],
        "page_url": made["page_url"],
        "inbound_webhook_url": made["inbound_webhook_url"],
        "webhook_url": None,
        "webhook_offsets": ["-5m"],
        "has_webhook_secret": False,
        "created_at": "2026-03-02T12:00:00.000Z",
        "updated_at": "2026-03-02T12:00:00.000Z",
        "etag": read["etag"],
    }


def test_the_list_holds_an_agents_own_calendars_in_the_order_they_were_made(api: Api, clock: FrozenClock) -> None:
    assert api.got("/calendars") == {"calendars": []}
    names = ["Work", "Home", "Away"]
    for name in names:
        api.made("/calendars", name=name)
        clock.advance(timedelta(seconds=1))
    listed = api.got("/calendars")["calendars"]
    assert [calendar["name"] for calendar in listed] == names
    assert listed == [api.got(f"/calendars/{calendar['calendar_id']}") for calendar in listed]


@pytest.mark.parametrize(
    ("body", "code", "field", "hint"),
    [
        ({}, "missing_field", "name", "name"),
        ({"name": None}, "missing_field", "name", "name"),
        ({"name": ""}, "invalid_field", "name", None),
        ({"name": "n" * 256}, "invalid_field", "name", None),
        ({"name": 5}, "invalid_field", "name", None),
        ({"name": "x", "timezone": None}, "invalid_timezone", "timezone", "America/Denver"),
        ({"name": "x", "timezone": 5}, "invalid_timezone", "timezone", "America/Denver"),
        ({"name": "x", "timezone": ""}, "invalid_timezone", "timezone", "America/Denver"),
        ({"name": "x", "timezone": "Europe/Berln"}, "invalid_timezone", "timezone", "Europe/Berlin"),
        ({"name": "x", "timezone": "new york"}, "invalid_timezone", "timezone", "America/New_York"),
        ({"name": "x", "timezone": "W. Europe Standard Time"}, "invalid_timezone", "timezone", "Europe/Berlin"),
        ({"name": "x", "timezone": "../../etc/passwd"}, "invalid_timezone", "timezone", None),
        ({"name": "x", "timezone": "x" * 100_000}, "invalid_timezone", "timezone", None),
        ({"name": "x", "time_zone": "UTC"}, "unknown_field", "time_zone", "timezone"),
        ({"name": "x", "agentmail_api_key": ""}, "invalid_field", "agentmail_api_key", None),
        ({"name": "x", "webhook_secret": "s" * 256}, "invalid_field", "webhook_secret", None),
        ({"name": "x", "webhook_url": 5}, "invalid_field", "webhook_url", None),
    ],
)
def test_nothing_is_made_from_a_wrong_wish(api: Api, body: Any, code: str, field: str, hint: str | None) -> None:
    refused = api.post("/calendars", body)
    assert refused.status_code == 400
    assert (refused.json()["code"], refused.json()["field"]) == (code, field)
    assert hint is None or hint in refused.json()["hint"]
    assert len(refused.text) < 1000
    assert api.got("/calendars") == {"calendars": []}


def test_patch_changes_the_one_field_that_is_given(calendar: Calendar, clock: FrozenClock) -> None:
    state = calendar.api.got(calendar.path)
    wishes: tuple[dict[str, Any], ...] = (
        {"name": "Play"},
        {"timezone": "Europe/Paris"},
        {"webhook_offsets": ["0", "-1h", "+10m", "-90s", "-2d"]},
        {"webhook_offsets": []},
    )
    for fields in wishes:
        clock.advance(timedelta(minutes=1))
        answer = calendar.api.changed(calendar.path, fields)
        assert answer["etag"] != state["etag"]
        changing = {"etag": answer["etag"], "updated_at": clock.now().strftime("%Y-%m-%dT%H:%M:%S.000Z")}
        assert answer == state | fields | changing
        state = answer
    assert calendar.api.got(calendar.path) == state
    assert calendar.api.changed(calendar.path, {"webhook_offsets": None})["webhook_offsets"] == ["-5m"]


def test_an_agentmail_key_is_taken_and_cleared_and_never_shown(calendar: Calendar) -> None:
    for value in ("am_0123456789", None):
        answer = calendar.api.patch(calendar.path, {"agentmail_api_key": value})
        assert answer.status_code == 200
        assert "am_0123456789" not in answer.text
        assert "agentmail" not in answer.text


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "nothing_to_change", None),
        ({"name": None}, "invalid_field", "name"),
        ({"name": ""}, "invalid_field", "name"),
        ({"timezone": None}, "invalid_timezone", "timezone"),
        ({"timezone": "Mars/Olympus"}, "invalid_timezone", "timezone"),
        ({"calendar_id": "cal_mine"}, "unknown_field", "calendar_id"),
        ({"email": "me@example.com"}, "unknown_field", "email"),
        ({"name": "New", "timezone": "Mars/Olympus"}, "invalid_timezone", "timezone"),
        ({"name": "New", "webhook_offsets": ["soon"]}, "invalid_field", "webhook_offsets.0"),
        ({"name": "New", "webhook_url": "ftp://example.com"}, "invalid_field", "webhook_url"),
    ],
)
def test_a_refused_patch_changes_nothing(calendar: Calendar, body: Any, code: str, field: str | None) -> None:
    before, log = calendar.api.got(calendar.path), calendar.changes()
    refused = calendar.api.patch(calendar.path, body)
    assert refused.status_code == 400
    assert (refused.json()["code"], refused.json().get("field")) == (code, field)
    assert calendar.api.got(calendar.path) == before
    assert calendar.changes() == log


def test_a_patch_without_a_body_changes_nothing(calendar: Calendar) -> None:
    refused = calendar.api.http.patch(calendar.path)
    assert (refused.status_code, refused.json()["code"]) == (400, "nothing_to_change")


def test_a_patch_is_one_change_of_the_log_without_any_secret(calendar: Calendar) -> None:
    calendar.api.changed(calendar.path, {"name": "Play", "webhook_url": "https://example.com/", "webhook_secret": "s3"})
    calendar.api.post(f"{calendar.path}/rotate", {"what": ["feed", "inbound", "webhook_secret"]})
    log = calendar.changes()
    assert [change["type"] for change in log] == ["calendar.updated", "calendar.updated"]
    assert [change["event_id"] for change in log] == [None, None]
    assert log[0]["calendar"]["name"] == "Play"
    assert not any(word in str(log) for word in ("feed_", "inb_", "whsec_", "s3"))


def test_rotating_the_feed_kills_the_old_address_at_once(calendar: Calendar) -> None:
    old = calendar.created["ical_feed_url"]
    answer = calendar.api.post(f"{calendar.path}/rotate", {"what": ["feed"]})
    assert answer.status_code == 200
    assert set(answer.json()) == {"calendar_id", "feed_token", "ical_feed_url", "page_url"}
    new = answer.json()["ical_feed_url"]
    assert calendar.api.http.get(old).status_code == 401
    assert calendar.api.http.get(new).status_code == 200
    shown = calendar.api.got(calendar.path)
    assert (shown["ical_feed_url"], shown["inbound_webhook_url"]) == (new, calendar.created["inbound_webhook_url"])


def test_rotating_the_inbound_address_leaves_the_feed_alone(calendar: Calendar) -> None:
    answer = calendar.api.post(f"{calendar.path}/rotate", {"what": ["inbound", "inbound"]}).json()
    assert set(answer) == {"calendar_id", "inbound_webhook_url"}
    shown = calendar.api.got(calendar.path)
    assert shown["inbound_webhook_url"] == answer["inbound_webhook_url"] != calendar.created["inbound_webhook_url"]
    assert shown["ical_feed_url"] == calendar.created["ical_feed_url"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing_field"),
        ({"what": []}, "invalid_field"),
        ({"what": "feed"}, "invalid_field"),
        ({"what": ["key"]}, "invalid_field"),
        ({"what": ["feed"] * 4}, "invalid_field"),
        ({"what": ["feed"], "why": "lost"}, "unknown_field"),
    ],
)
def test_a_refused_rotation_rotates_nothing(calendar: Calendar, body: Any, code: str) -> None:
    refused = calendar.api.post(f"{calendar.path}/rotate", body)
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert calendar.feed().startswith("BEGIN:VCALENDAR")


def test_a_deleted_calendar_takes_all_that_hangs_on_it_along(own_service: Service) -> None:
    api = Api(own_service.url, Api(own_service.url, None).made("/agents")["api_key"])
    going, staying = (Calendar(api, api.made("/calendars", name="Work")) for _ in range(2))
    for calendar in (going, staying):
        calendar.add(title="Once", **NINE)
        series = calendar.add(title="Daily", recurrence="FREQ=DAILY;COUNT=5", **NINE)
        calendar.change(f"{series['id']}_20260305", title="Moved")

    def rows() -> list[tuple[int, ...]]:
        with psycopg.connect(own_service.dsn) as database:
            counted = database.execute(
                "select (select count(*) from calendars), (select count(*) from events),"
                " (select count(*) from occurrences), (select count(*) from changes)"
            )
            return counted.fetchall()

    ((*before,),) = rows()
    api.deleted(going.path)
    assert rows() == [tuple(count // 2 for count in before)]
    assert min(before) > 1
    assert api.get(going.path).status_code == 404
    assert api.delete(going.path).status_code == 404
    assert api.http.get(going.created["ical_feed_url"]).status_code == 401
    assert [calendar["calendar_id"] for calendar in api.got("/calendars")["calendars"]] == [staying.id]
    assert len(staying.list()) == 6


EVENT = {"title": "x", **NINE}
ROUTES: tuple[tuple[str, str, Any], ...] = (
    ("GET", "{c}", None),
    ("PATCH", "{c}", {"name": "Taken"}),
    ("PATCH", "{c}", {"timezone": "Asia/Tokyo"}),
    ("DELETE", "{c}", None),
    ("POST", "{c}/rotate", {"what": ["feed", "inbound", "webhook_secret"]}),
    ("GET", "{c}/changes", None),
    ("GET", "{c}/changes?since=999", None),
    ("POST", "{c}/events", EVENT),
    ("POST", "{c}/events", EVENT | {"recurrence": "FREQ=DAILY"}),
    ("GET", "{c}/events", None),
    ("GET", "{c}/events?start=2026-01-01T00:00:00Z&end=2027-01-01T00:00:00Z", None),
    ("GET", "{c}/upcoming", None),
    ("GET", "{c}/view", None),
    ("GET", "{c}/events/{e}", None),
    ("PATCH", "{c}/events/{e}", {"title": "Taken"}),
    ("PATCH", "{c}/events/{e}_20260303?mode=future", {"title": "Taken"}),
    ("DELETE", "{c}/events/{e}", None),
    ("DELETE", "{c}/events/{e}?mode=all", None),
    ("DELETE", "{c}/events/{e}_20260303?mode=single", None),
    ("POST", "{c}/events/{e}/respond", {"response": "accepted"}),
)
STRANGE_CALENDAR, STRANGE_EVENT = "cal_AAAAAAAAAAAA", "evt_AAAAAAAAAAAA"


def test_another_agents_ids_and_random_ones_are_answered_exactly_alike(calendar: Calendar, service: Service) -> None:
    series = calendar.add(title="Daily", recurrence="FREQ=DAILY;COUNT=5", **NINE)["id"]
    before, log = calendar.api.got(calendar.path), calendar.changes()
    stranger = Api(service.url, Api(service.url, None).made("/agents")["api_key"])
    own = Calendar(stranger, stranger.made("/calendars", name="Mine"))

    def answer(method: str, path: str, body: Any, calendar_id: str, event_id: str) -> tuple[int, Any, set[str]]:
        response = stranger.http.request(method, path.format(c=f"/calendars/{calendar_id}", e=event_id), json=body)
        text = response.text.replace(calendar_id, STRANGE_CALENDAR).replace(event_id, STRANGE_EVENT)
        text = text.replace(response.headers["X-Request-Id"], "req")
        return response.status_code, text, set(response.headers)

    for method, path, body in ROUTES:
        theirs = answer(method, path, body, calendar.id, series)
        random = answer(method, path, body, STRANGE_CALENDAR, STRANGE_EVENT)
        assert theirs == random, (method, path)
        assert theirs[0] == 404, (method, path)
        assert '"code":"not_found"' in theirs[1]
        if "{e}" in path:  # their event looked for in one's own calendar
            in_own = answer(method, path, body, own.id, series)
            assert in_own == answer(method, path, body, own.id, STRANGE_EVENT), (method, path)
            assert in_own[0] == 404
    assert calendar.api.got(calendar.path) == before
    assert calendar.changes() == log
