"""Every write is told, in the order of the log, to whoever wants it; what did not happen is not."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.receiver import Call, Receiver, receiving
from tests.support.service import Api, Calendar, Service
from tests.webhooks.calls import settled

LUNCH = {"title": "Lunch", "start": "2026-03-02T13:00:00", "end": "2026-03-02T14:00:00"}
DAILY = {"title": "Daily", "start": "2026-03-03T09:00:00", "duration": "PT1H", "recurrence": "FREQ=DAILY;COUNT=5"}


def told(calls: list[Call]) -> list[tuple[int, str, str]]:
    return [(c.json["seq"], c.json["type"], c.json["event_id"]) for c in calls]


def logged(calendar: Calendar) -> list[tuple[int, str, str]]:
    changes = calendar.changes()
    return [(c["seq"], c["type"], c["event_id"]) for c in changes if c["type"] != "calendar.updated"]


def test_what_is_told_is_the_log_in_its_order(service: Service, hooked: Calendar, receiver: Receiver) -> None:
    lunch = hooked.add(**LUNCH)
    series = hooked.add(**DAILY, exdates=["2026-03-04", "2026-03-05"])
    hooked.change(lunch["id"], title="Long lunch")
    hooked.change(f"{series['id']}_20260306", start="2026-03-06T11:00:00")
    hooked.remove(f"{series['id']}_20260307")
    hooked.api.post(f"{hooked.path}/events/{lunch['id']}/respond", {"response": "accepted"})
    hooked.change(f"{series['id']}_20260306", mode="future", title="Later")
    hooked.api.changed(hooked.path, {"name": "Renamed"})
    hooked.remove(series["id"], mode="all")
    hooked.remove(lunch["id"])
    settled(service, hooked)
    assert told(receiver.calls) == logged(hooked)
    assert len(receiver.calls) >= 12


def test_a_message_carries_the_event_as_it_was_then(service: Service, hooked: Calendar, receiver: Receiver) -> None:
    event = hooked.add(**LUNCH)
    hooked.change(event["id"], title="Second")
    hooked.remove(event["id"])
    settled(service, hooked)
    created, updated, deleted = (call.json for call in receiver.calls)
    assert created == {
        "type": "event.created",
        "calendar_id": hooked.id,
        "event_id": event["id"],
        "event": event,
        "seq": 1,
        "timestamp": "2026-03-02T12:00:00.000Z",
    }
    assert (created["event"]["title"], updated["event"]["title"]) == ("Lunch", "Second")
    assert "previous" not in updated
    assert deleted["event"] == updated["event"]


def test_an_event_that_moves_names_its_old_and_its_new_time_in_one_message(
    service: Service, hooked: Calendar, receiver: Receiver
) -> None:
    event = hooked.add(**LUNCH)
    hooked.change(event["id"], start="2026-03-03T13:00:00")
    settled(service, hooked)
    moved = receiver.calls[1].json
    assert moved["event"]["start"] == "2026-03-03T18:00:00.000Z"
    assert moved["previous"] == {
        "start": "2026-03-02T18:00:00.000Z",
        "end": "2026-03-02T19:00:00.000Z",
        "start_local": "2026-03-02T13:00:00-05:00",
        "end_local": "2026-03-02T14:00:00-05:00",
    }


def test_cancelling_one_date_is_told_with_its_id(service: Service, hooked: Calendar, receiver: Receiver) -> None:
    series = hooked.add(**DAILY)
    hooked.remove(f"{series['id']}_20260304")
    settled(service, hooked)
    cancelled = receiver.calls[1].json
    assert (cancelled["type"], cancelled["event_id"]) == ("event.deleted", f"{series['id']}_20260304")
    assert cancelled["event"]["status"] == "cancelled"


def test_a_write_that_is_refused_tells_nobody(service: Service, hooked: Calendar, receiver: Receiver) -> None:
    event = hooked.add(**LUNCH)
    for fields in ({"end": "2026-03-01T00:00:00"}, {"recurrence": "FREQ=DAILY;INTERVAL=0"}, {"title": None}):
        assert hooked.api.patch(f"{hooked.path}/events/{event['id']}", fields).status_code == 400
    stale = httpx.patch(
        f"{service.url}{hooked.path}/events/{event['id']}",
        json={"title": "x"},
        headers={"Authorization": f"Bearer {hooked.api.key}", "If-Match": '"0"'},
    )
    assert stale.status_code == 412
    assert [log["seq"] for log in settled(service, hooked)] == [1]


def test_a_create_that_is_repeated_is_told_once(service: Service, hooked: Calendar, receiver: Receiver) -> None:
    for _ in range(3):
        answer = hooked.api.http.post(f"{hooked.path}/events", json=LUNCH, headers={"Idempotency-Key": "once"})
        assert answer.status_code == 201
    for _ in range(2):
        hooked.api.post(f"{hooked.path}/events", {**LUNCH, "client_id": "mine"})
    settled(service, hooked)
    assert [call.json["seq"] for call in receiver.calls] == [1, 2]


def test_an_endpoint_hears_of_its_types_and_calendars_alone(service: Service, api: Api) -> None:
    work, home = (Calendar(api, api.made("/calendars", name=name)) for name in ("Work", "Home"))
    with receiving() as everything, receiving() as deletions, receiving() as of_home:
        api.made("/webhooks", url=everything.url)
        api.made("/webhooks", url=deletions.url, types=["event.deleted"])
        api.made("/webhooks", url=of_home.url, calendars=[home.id])
        for calendar in (work, home):
            event = calendar.add(title=calendar.created["name"], start="2026-03-03T09:00:00", duration="PT1H")
            calendar.remove(event["id"])
            settled(service, calendar)
        assert len(everything.calls) == 4
        assert [(c.type, c.json["calendar_id"]) for c in deletions.calls] == [
            ("event.deleted", work.id),
            ("event.deleted", home.id),
        ]
        assert {c.json["calendar_id"] for c in of_home.calls} == {home.id}


def test_first_attempts_of_a_slow_endpoint_still_go_in_order(
    service: Service, hooked: Calendar, receiver: Receiver
) -> None:
    import time

    def slowly(call: Call) -> tuple[int, dict[str, str]]:
        time.sleep(0.05 if call.json["seq"] % 3 else 0.1)
        return (500 if call.json["seq"] == 4 else 200), {}

    receiver.answer = slowly
    for number in range(12):
        hooked.add(**LUNCH | {"title": str(number)})
    settled(service, hooked)
    assert [call.json["seq"] for call in receiver.calls] == list(range(1, 13))


def test_an_endpoint_that_hangs_delays_no_other(service: Service, hooked: Calendar, receiver: Receiver) -> None:
    import threading
    import time

    let_go = threading.Event()

    def hang(_: Call) -> tuple[int, dict[str, str]]:
        let_go.wait(20)
        return 200, {}

    with receiving(hang) as hanging:
        hooked.api.made("/webhooks", url=hanging.url)
        began = time.monotonic()
        for _ in range(20):
            hooked.add(**LUNCH)
        receiver.wait_for(20, within=5)
        assert time.monotonic() - began < 5
        let_go.set()
        hanging.wait_for(20)


def test_a_test_call_says_how_it_went(service: Service, hooked: Calendar, receiver: Receiver) -> None:
    path = f"{hooked.path}/webhook/test"
    fine: Any = hooked.api.post(path)
    assert fine.status_code == 200
    assert fine.json() | {"delivery_id": ""} == {
        "success": True,
        "status_code": 200,
        "webhook_url": receiver.url,
        "message": "The endpoint answered 200.",
        "delivery_id": "",
    }
    assert receiver.calls[0].json["type"] == "test"
    receiver.answer = lambda _: (500, {})
    assert (hooked.api.post(path).json()["success"], hooked.api.post(path).status_code) == (False, 200)
    hooked.api.changed(hooked.path, {"webhook_url": "http://127.0.0.1:1/"})
    unreachable = hooked.api.post(path)
    assert (unreachable.status_code, unreachable.json()["success"], unreachable.json()["status_code"]) == (
        200,
        False,
        None,
    )
    hooked.api.changed(hooked.path, {"webhook_url": None})
    assert (hooked.api.post(path).status_code, hooked.api.post(path).json()["field"]) == (400, "webhook_url")
    statuses = [(log["type"], log["status"]) for log in settled(service, hooked)]
    assert statuses == [("test", "delivered"), ("test", "failed"), ("test", "failed"), ("test", "failed")]


def test_endpoints_are_made_read_changed_and_removed(service: Service, hooked: Calendar, receiver: Receiver) -> None:
    api = hooked.api
    made = api.made("/webhooks", url=receiver.url, types=["event.created", "event.created"], calendars=[hooked.id])
    assert made["secret"].startswith("whsec_")
    assert (made["types"], made["calendars"], made["active"]) == (["event.created"], [hooked.id], True)
    assert "secret" not in api.got(f"/webhooks/{made['id']}")
    other, own = sorted(api.got("/webhooks")["webhooks"], key=lambda hook: bool(hook["is_own_of_calendar"]))
    assert (own["is_own_of_calendar"], own["calendars"], own["url"]) == (True, [hooked.id], receiver.url)
    assert other == api.got(f"/webhooks/{made['id']}")
    changed = api.changed(f"/webhooks/{made['id']}", {"types": None, "calendars": None, "active": False})
    assert (changed["types"], changed["calendars"], changed["active"]) == (None, None, False)
    assert changed["disabled_reason"] == "Switched off by the agent."
    api.deleted(f"/webhooks/{made['id']}")
    assert api.get(f"/webhooks/{made['id']}").status_code == 404
    api.deleted(f"/webhooks/{own['id']}")
    assert api.got(hooked.path)["webhook_url"] is None
    assert api.got("/webhooks") == {"webhooks": []}
    assert [change["type"] for change in hooked.changes()] == ["calendar.updated"]


def test_a_calendars_own_endpoint_changes_with_its_calendar(
    service: Service, hooked: Calendar, receiver: Receiver
) -> None:
    api = hooked.api
    (own,) = api.got("/webhooks")["webhooks"]
    with receiving() as other:
        api.changed(f"/webhooks/{own['id']}", {"url": other.url, "types": ["event.created"]})
        assert api.got(hooked.path)["webhook_url"] == other.url
        event = hooked.add(**LUNCH)
        hooked.remove(event["id"])
        settled(service, hooked)
        assert [call.type for call in other.calls] == ["event.created"]
    refused = api.patch(f"/webhooks/{own['id']}", {"calendars": None})
    assert (refused.status_code, refused.json()["field"]) == (400, "calendars")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": None}, "url"),
        ({"url": "http://10.0.0.1/x"}, "url"),
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "https://example.com", "types": []}, "types"),
        ({"url": "https://example.com", "types": ["event.exploded"]}, "types.0"),
        ({"url": "https://example.com", "calendars": []}, "calendars"),
        ({"url": "https://example.com", "calendars": ["cal_none"]}, "calendars.0"),
        ({"url": "https://example.com", "secret": ""}, "secret"),
        ({"url": "https://example.com", "offsets": ["-5m"]}, "offsets"),
    ],
)
def test_a_webhook_that_makes_no_sense_is_refused_by_field(api: Api, body: dict[str, Any], field: str) -> None:
    refused = api.post("/webhooks", body)
    assert (refused.status_code, refused.json()["field"]) == (400, field)
    assert api.got("/webhooks") == {"webhooks": []}


def test_an_agent_has_a_hundred_webhooks_at_most(api: Api) -> None:
    for number in range(100):
        api.made("/webhooks", url=f"https://example.com/{number}")
    refused = api.post("/webhooks", {"url": "https://example.com/101"})
    assert (refused.status_code, refused.json()["quota"]) == (403, 100)
