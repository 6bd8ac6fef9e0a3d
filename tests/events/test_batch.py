"""Many events in one request: each is made or refused by itself, and what is refused leaves nothing behind."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any, Final

import httpx
import pytest

from app.events.batch import DATES_MOST
from app.events.schemas import BATCH_MOST
from tests.conftest import NOON
from tests.events.conftest import QUOTA
from tests.events.state import check_everything
from tests.support.service import Api, Calendar, Service

LUNCH: Final = {"title": "Lunch", "start": "2026-03-10T12:00:00", "end": "2026-03-10T13:00:00"}
DAILY: Final = {**LUNCH, "recurrence": "FREQ=DAILY;COUNT=3"}
COSTLY: Final = {**LUNCH, "recurrence": "FREQ=HOURLY;BYMINUTE=0,10,20,30,40,50"}


def lunches(count: int) -> list[dict[str, Any]]:
    first = date(2026, 3, 10)
    return [
        {"title": f"Lunch {n}", "start": f"{first + timedelta(n)}T12:00:00", "duration": "PT1H"} for n in range(count)
    ]


def send(calendar: Calendar, events: Any, **more: Any) -> httpx.Response:
    return calendar.api.post(f"{calendar.path}/events/batch", {"events": events, **more})


def sent(calendar: Calendar, events: Any, **more: Any) -> Any:
    answer = send(calendar, events, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def statuses(outcome: Any) -> list[int]:
    assert [result["index"] for result in outcome["results"]] == list(range(len(outcome["results"])))
    return [result["status"] for result in outcome["results"]]


def test_two_hundred_events_are_made_in_order_and_logged_one_by_one(calendar: Calendar) -> None:
    outcome = sent(calendar, lunches(BATCH_MOST))
    assert statuses(outcome) == [201] * BATCH_MOST
    assert (outcome["created"], outcome["replayed"], outcome["failed"]) == (BATCH_MOST, 0, 0)
    events = [result["event"] for result in outcome["results"]]
    assert calendar.list(limit=200, end="2026-12-31") == events
    changes = calendar.changes()
    assert [(change["seq"], change["event"]) for change in changes] == list(enumerate(events, start=1))


@pytest.mark.parametrize(
    ("events", "code", "field"),
    [
        (lunches(BATCH_MOST + 1), "invalid_field", "events"),
        ([], "invalid_field", "events"),
        ("lunch", "invalid_field", "events"),
        (None, "missing_field", "events"),
    ],
)
def test_a_batch_holds_from_one_to_two_hundred_events(calendar: Calendar, events: Any, code: str, field: str) -> None:
    answer = send(calendar, events)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, code, field)
    assert calendar.list() == []


def test_what_is_wrong_with_some_is_told_of_each_and_is_nothing_to_the_others(
    service: Service, calendar: Calendar
) -> None:
    wrong: list[tuple[Any, str, str | None]] = [
        ({**LUNCH, "end": "2026-03-10T11:00:00"}, "end_before_start", "end"),
        ({"title": "Lunch"}, "missing_field", "start"),
        ({**LUNCH, "titel": "x"}, "unknown_field", "titel"),
        ({**LUNCH, "timezone": "Europe/Berln"}, "invalid_timezone", "timezone"),
        (COSTLY, "recurrence_too_costly", "recurrence"),
        ({**LUNCH, "recurrence": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "recurrence_without_dates", "recurrence"),
        ({**DAILY, "exdates": ["2026-03-10", "2026-03-20"]}, "not_a_date_of_the_series", "exdates.1"),
        ({**LUNCH, "expect": {"weekday": "monday"}}, "expectation_failed", "expect.weekday"),
        ({**LUNCH, "title": "nul \0"}, "invalid_field", "title"),
        ({**LUNCH, "metadata": {"deep": [[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]}}, "invalid_field", "metadata"),
        ({**LUNCH, "attendees": ["nobody"]}, "invalid_field", "attendees"),
        ("lunch", "invalid_field", None),
        (None, "invalid_field", None),
    ]
    events: list[Any] = []
    for body, _, _ in wrong:
        events += [body, DAILY, LUNCH]
    outcome = sent(calendar, events)
    assert (outcome["created"], outcome["failed"]) == (2 * len(wrong), len(wrong))
    refused = [result for result in outcome["results"] if result["status"] >= 400]
    assert [(each["code"], each.get("field")) for each in refused] == [(code, field) for _, code, field in wrong]
    assert all(each["error"] for each in refused)
    alone = calendar.refused(**{**LUNCH, "expect": {"weekday": "monday"}})
    assert {name: alone[name] for name in ("error", "code", "hint", "field", "actual")} == {
        name: value for name, value in refused[7].items() if name not in ("index", "status")
    }
    assert [change["seq"] for change in calendar.changes()] == list(range(1, 2 * len(wrong) + 1))
    check_everything(service, calendar)


def test_one_batch_answers_each_event_as_a_request_of_its_own_would(calendar: Calendar, api: Api) -> None:
    other = Calendar(api, api.made("/calendars", name="Other", timezone="America/New_York"))
    events: list[dict[str, Any]] = [
        LUNCH,
        DAILY,
        {**DAILY, "exdates": ["2026-03-11"]},
        {"title": "Off", "start": "2026-03-07", "end": "2026-03-08"},
    ]
    outcome = sent(calendar, events)
    drawn = ("id", "ical_uid", "etag", "calendar_id")
    for result, event in zip(outcome["results"], events, strict=True):
        alone = other.add(**event)
        assert {k: v for k, v in result["event"].items() if k not in drawn} == {
            k: v for k, v in alone.items() if k not in drawn
        }


def test_all_or_nothing_names_the_first_that_cannot_be_made_and_makes_none(calendar: Calendar) -> None:
    events = [LUNCH, DAILY, {**LUNCH, "end": "2026-03-10T11:00:00"}, {"title": "Lunch"}]
    answer = send(calendar, events, atomic=True)
    error = answer.json()
    assert (answer.status_code, error["code"]) == (400, "end_before_start")
    assert (error["index"], error["field"]) == (2, "events.2.end")
    assert calendar.list() == []
    assert calendar.changes() == []
    assert sent(calendar, events[:2], atomic=True)["created"] == 2


def test_a_client_id_known_before_or_twice_in_one_batch_makes_one_event(calendar: Calendar) -> None:
    known = calendar.add(**LUNCH, client_id="known")
    events = [
        {**LUNCH, "client_id": "known"},
        {**LUNCH, "client_id": "new", "end": "2026-03-10T11:00:00"},
        {**LUNCH, "client_id": "new", "title": "First"},
        {**LUNCH, "client_id": "new", "title": "Second"},
    ]
    outcome = sent(calendar, events)
    assert statuses(outcome) == [200, 400, 201, 200]
    assert (outcome["created"], outcome["replayed"], outcome["failed"]) == (1, 2, 1)
    assert outcome["results"][0]["event"] == known
    assert outcome["results"][3]["event"]["title"] == "First"
    again = sent(calendar, events)
    assert statuses(again) == [200, 200, 200, 200]  # what was wrong is not asked of an event that is there
    assert len(calendar.list()) == 2


def test_the_same_batch_under_one_idempotency_key_is_written_once(calendar: Calendar) -> None:
    body, headers = {"events": lunches(3)}, {"Idempotency-Key": "three"}
    first, again = (
        calendar.api.http.post(f"{calendar.path}/events/batch", json=body, headers=headers) for _ in range(2)
    )
    assert again.content == first.content
    assert (again.headers["Idempotent-Replayed"], "ETag" in again.headers) == ("true", False)
    assert len(calendar.list()) == 3


def test_a_batch_is_previewed_whole(calendar: Calendar) -> None:
    answer = calendar.api.post(
        f"{calendar.path}/events/batch", {"events": [LUNCH, {"title": "Lunch"}, DAILY]}, preview="true"
    )
    previewed = answer.json()
    assert (answer.status_code, previewed["preview"], statuses(previewed)) == (200, True, [201, 400, 201])
    assert [r["event"]["id"] for r in previewed["results"] if "event" in r] == ["evt_preview00001", "evt_preview00002"]
    assert calendar.list() == []


def test_an_event_beyond_the_quota_is_refused_and_those_before_it_are_made(owing_service: Service) -> None:
    owing_service.clock.move_to(NOON)
    api = Api(owing_service.url, Api(owing_service.url, None).made("/agents")["api_key"])
    calendar = Calendar(api, api.made("/calendars", name="Work"))
    outcome = sent(calendar, lunches(QUOTA + 2))
    assert statuses(outcome) == [201] * QUOTA + [403, 403]
    refused = outcome["results"][-1]
    assert (refused["code"], refused["quota"], refused["present"]) == ("quota_exceeded", QUOTA, QUOTA)
    assert len(calendar.list()) == QUOTA


def test_those_invited_to_each_are_told_of_it(calendar: Calendar) -> None:
    outcome = sent(calendar, [{**LUNCH, "attendees": ["ada@example.com"]}, LUNCH])
    assert outcome["results"][0]["event"]["email_status"] == "not_configured"
    assert "email_status" not in outcome["results"][1]["event"]


def test_a_batch_stores_so_many_dates_and_no_more(utc_calendar: Calendar) -> None:
    hourly = {**LUNCH, "start": "2026-03-02T12:00:00", "end": "2026-03-02T13:00:00", "recurrence": "FREQ=HOURLY"}
    answer = send(utc_calendar, [LUNCH] + [hourly] * 11, atomic=True)
    error = answer.json()
    assert (answer.status_code, error["code"]) == (400, "recurrence_too_costly")
    assert error["index"] == 1 + DATES_MOST // (90 * 24)
    assert error["hint"] == "Send this event in another batch."


def test_batches_at_once_leave_one_consistent_state(service: Service, calendar: Calendar) -> None:
    def write(number: int) -> list[int]:
        own = Calendar(Api(service.url, calendar.api.key), calendar.created)
        events = [{**DAILY, "title": f"{number}"}, LUNCH, {**LUNCH, "client_id": "shared"}, {"title": "Lunch"}]
        return statuses(sent(own, events))

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(write, range(6)))
    assert sorted(each[2] for each in found) == [200] * 5 + [201]
    assert all(each[:2] == [201, 201] and each[3] == 400 for each in found)
    check_everything(service, calendar)


def test_others_are_served_while_a_batch_of_the_dearest_rules_is_judged(service: Service, calendar: Calendar) -> None:
    """Tried up to three times: a busy machine is no fault of the service."""
    dear = {
        **LUNCH,
        "start": "1926-03-03T09:00:00",
        "end": "1926-03-03T10:00:00",
        "recurrence": "FREQ=HOURLY;INTERVAL=7",
    }
    bystander = Api(service.url, None)
    for _ in range(3):
        slowest = 0.0
        with ThreadPoolExecutor(1) as pool:
            batch = pool.submit(send, calendar, [dear] * 25)
            while not batch.done():
                began = time.monotonic()
                bystander.get("/health/live")
                slowest = max(slowest, time.monotonic() - began)
                time.sleep(0.01)
        assert batch.result().status_code == 200
        if slowest < 0.25:
            break
    assert slowest < 0.25
