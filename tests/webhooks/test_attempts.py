"""A delivery's life: each arrow of the diagram in ARCHITECTURE.md, with real answers of a real receiver."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import psycopg
import pytest

from app.outbox.forgetting import forget_deliveries
from app.outbox.settling import FAILING_MOST
from app.webhooks.sending import WAITS
from tests.conftest import NOON
from tests.support.processes import eventually
from tests.support.receiver import Call, Receiver, receiving
from tests.support.service import Api, Calendar, Service
from tests.webhooks.calls import settled

Pass = Callable[..., None]
LUNCH = {"title": "Lunch", "start": "2026-03-02T13:00:00", "end": "2026-03-02T14:00:00"}  # 18:00Z, in six hours


@pytest.fixture
def hooked(api: Api, receiver: Receiver) -> Calendar:
    """A calendar that is called after changes alone, until a test says otherwise."""
    made = api.made(
        "/calendars", name="Work", timezone="America/New_York", webhook_url=receiver.url, webhook_offsets=[]
    )
    return Calendar(api, made)


def answering(receiver: Receiver, *statuses: int, **headers: str) -> None:
    """Answer with these statuses in turn, the last one for ever."""
    left = list(statuses)

    def answer(_: Call) -> tuple[int, dict[str, str]]:
        return (left.pop(0) if len(left) > 1 else left[0]), {k.replace("_", "-"): v for k, v in headers.items()}

    receiver.answer = answer


def only(service: Service, calendar: Calendar) -> dict[str, Any]:
    (log,) = settled(service, calendar)
    return log


def waits_until(log: dict[str, Any]) -> timedelta:
    """How long after its last attempt a delivery is tried next."""
    due, tried = (datetime.fromisoformat(stamp) for stamp in (log["next_attempt_at"], log["attempts"][-1]["at"]))
    return due - tried


def hook_of(calendar: Calendar) -> dict[str, Any]:
    (hook,) = calendar.api.got("/webhooks")["webhooks"]
    assert isinstance(hook, dict)
    return hook


def switched_off(service: Service, calendar: Calendar) -> dict[str, Any]:
    """The calendar's endpoint once it is off, which follows what is written down of the attempt."""
    settled(service, calendar)
    assert eventually(lambda: not hook_of(calendar)["active"])
    return hook_of(calendar)


def test_a_2xx_delivers_and_the_log_keeps_what_was_answered(
    service: Service, hooked: Calendar, receiver: Receiver
) -> None:
    answering(receiver, 204)
    event = hooked.add(**LUNCH)
    log = only(service, hooked)
    assert log | {"id": "", "endpoint_id": "", "attempts": []} == {
        "id": "",
        "endpoint_id": "",
        "type": "event.created",
        "event_id": event["id"],
        "seq": 1,
        "offset": None,
        "fires_at": None,
        "status": "delivered",
        "reason": None,
        "next_attempt_at": None,
        "created_at": "2026-03-02T12:00:00.000Z",
        "ended_at": "2026-03-02T12:00:00.000Z",
        "attempts": [],
    }
    (attempt,) = log["attempts"]
    assert (attempt["status_code"], attempt["error"], attempt["at"]) == (204, None, "2026-03-02T12:00:00.000Z")
    assert log["id"] == receiver.calls[0].id
    assert log["endpoint_id"] == hook_of(hooked)["id"]


def test_a_failure_is_tried_again_after_ever_longer_waits_and_then_given_up(
    service: Service, hooked: Calendar, receiver: Receiver
) -> None:
    answering(receiver, 500)
    hooked.add(**LUNCH)
    for number, wait in enumerate(WAITS, 1):
        log = only(service, hooked)
        assert (log["status"], len(log["attempts"])) == ("pending", number)
        assert wait * 0.9 <= waits_until(log) + timedelta(milliseconds=1)
        assert waits_until(log) <= wait * 1.1
        service.clock.move_to(datetime.fromisoformat(log["next_attempt_at"]) - timedelta(seconds=1))
        assert len(only(service, hooked)["attempts"]) == number
        service.clock.advance(timedelta(seconds=1, milliseconds=1))
    log = only(service, hooked)
    assert (log["status"], log["reason"], len(log["attempts"])) == ("failed", "exhausted", 10)
    assert len({call.id for call in receiver.calls}) == 1
    assert len({call.body for call in receiver.calls}) == 1
    assert len({call.headers["webhook-timestamp"] for call in receiver.calls}) == 10


def test_what_failed_at_first_is_delivered_when_the_endpoint_is_back(
    service: Service, hooked: Calendar, receiver: Receiver
) -> None:
    answering(receiver, 503, 200)
    hooked.add(**LUNCH)
    only(service, hooked)
    service.clock.advance(timedelta(seconds=6))
    log = only(service, hooked)
    assert (log["status"], [a["status_code"] for a in log["attempts"]]) == ("delivered", [503, 200])


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", timedelta(minutes=2)),
        (format_datetime(NOON + timedelta(minutes=10), usegmt=True), timedelta(minutes=10)),
        ("999999999", timedelta(hours=24)),
    ],
)
def test_an_endpoint_may_ask_for_a_longer_wait(
    service: Service, hooked: Calendar, receiver: Receiver, header: str, wait: timedelta
) -> None:
    answering(receiver, 429, Retry_After=header)
    hooked.add(**LUNCH)
    assert waits_until(only(service, hooked)) == wait


@pytest.mark.parametrize(
    "header", ["1", "soon", "-5", "0", "", "99999999999999999999", "Mon, 02 Mar 2026 11:00:00 GMT"]
)
def test_what_cannot_be_read_or_is_shorter_changes_nothing(
    service: Service, hooked: Calendar, receiver: Receiver, header: str
) -> None:
    answering(receiver, 503, Retry_After=header)
    hooked.add(**LUNCH)
    assert timedelta(seconds=4.4) <= waits_until(only(service, hooked)) <= timedelta(seconds=5.6)


def test_a_redirect_is_a_failure_and_never_followed(service: Service, hooked: Calendar, receiver: Receiver) -> None:
    with receiving() as elsewhere:
        answering(receiver, 302, Location=elsewhere.url)
        hooked.add(**LUNCH)
        log = only(service, hooked)
        assert (log["status"], log["attempts"][0]["status_code"]) == ("pending", 302)
        assert elsewhere.calls == []


def test_410_switches_the_endpoint_off_and_gives_up_what_waits(
    service: Service, hooked: Calendar, receiver: Receiver
) -> None:
    answering(receiver, 500, 410)
    hooked.add(**LUNCH)
    only(service, hooked)
    hooked.add(**LUNCH)
    assert switched_off(service, hooked)["disabled_reason"] == "The endpoint answered 410 Gone."
    assert [(log["status"], log["reason"]) for log in settled(service, hooked)] == [
        ("failed", "disabled"),
        ("failed", "gone"),
    ]
    hooked.add(**LUNCH)
    assert len(settled(service, hooked)) == 2


def test_an_endpoint_that_is_switched_on_again_hears_of_what_comes_and_on_demand_of_what_it_missed(
    service: Service, hooked: Calendar, receiver: Receiver
) -> None:
    answering(receiver, 410, 200)
    hooked.add(**LUNCH)
    switched_off(service, hooked)
    missed = hooked.add(**LUNCH | {"title": "Missed"})
    hook = hook_of(hooked)
    again = hooked.api.changed(f"/webhooks/{hook['id']}", {"active": True})
    assert (again["active"], again["disabled_reason"]) == (True, None)
    hooked.add(**LUNCH | {"title": "Heard"})
    settled(service, hooked)
    assert [call.json["event"]["title"] for call in receiver.calls[1:]] == ["Heard"]
    replayed = hooked.api.post(f"{hooked.path}/replay", {"since": 0}).json()
    assert replayed == {"replayed": 3, "through": 3, "last_seq": 3}
    logs = settled(service, hooked)
    assert [call.json["seq"] for call in receiver.calls[2:]] == [1, 2, 3]
    assert receiver.calls[3].json["event_id"] == missed["id"]
    assert receiver.calls[2].id == receiver.calls[0].id
    assert receiver.calls[4].id == receiver.calls[1].id
    assert {log["status"] for log in logs} == {"delivered"}


def test_five_days_of_nothing_but_failures_switch_an_endpoint_off(
    service: Service, hooked: Calendar, receiver: Receiver
) -> None:
    answering(receiver, 500)
    hooked.add(**LUNCH)
    settled(service, hooked)
    service.clock.advance(FAILING_MOST - timedelta(seconds=1))
    hooked.add(**LUNCH)
    settled(service, hooked)
    assert hook_of(hooked)["active"] is True
    service.clock.advance(timedelta(seconds=10))
    hooked.add(**LUNCH)
    assert switched_off(service, hooked)["disabled_reason"] == "Nothing but failures for 5 days."


def test_one_success_in_between_begins_the_five_days_anew(
    service: Service, hooked: Calendar, receiver: Receiver
) -> None:
    for status in (500, 200, 500, 500):
        answering(receiver, status)
        hooked.add(**LUNCH)
        settled(service, hooked)
        service.clock.advance(timedelta(days=3))
    assert hook_of(hooked)["active"] is True


def test_clearing_the_address_gives_up_what_waits_and_a_new_one_takes_over(
    service: Service, hooked: Calendar, receiver: Receiver
) -> None:
    answering(receiver, 500)
    hooked.add(**LUNCH)
    settled(service, hooked)
    hooked.api.changed(hooked.path, {"webhook_url": None})
    assert [(log["status"], log["reason"]) for log in settled(service, hooked)] == [("failed", "removed")]
    with receiving() as other:
        hooked.api.changed(hooked.path, {"webhook_url": receiver.url})
        hooked.add(**LUNCH)
        settled(service, hooked)
        hooked.api.changed(hooked.path, {"webhook_url": other.url})
        service.clock.advance(timedelta(minutes=1))
        settled(service, hooked)
        assert [call.json["seq"] for call in other.calls] == [receiver.calls[-1].json["seq"]]


def test_a_reminder_is_not_tried_beyond_its_hour(
    service: Service, hooked: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    hooked.api.changed(hooked.path, {"webhook_offsets": ["0"]})
    answering(receiver, 200, 500)
    hooked.add(**LUNCH)
    receiver.wait_for(1)
    service.clock.move_to(NOON + timedelta(hours=6))
    for _ in range(20):
        reminder = settled(service, hooked)[-1]
        if reminder["status"] != "pending":
            break
        service.clock.move_to(datetime.fromisoformat(reminder["next_attempt_at"]) + timedelta(milliseconds=1))
    assert (reminder["status"], reminder["reason"]) == ("failed", "expired")
    assert len(reminder["attempts"]) == 4  # at once, after 5 s, 5 min, 30 min; two hours are too many
    refused = hooked.api.post(f"{hooked.path}/deliveries/{reminder['id']}/retry")
    service.clock.move_to(NOON + timedelta(hours=7))
    refused = hooked.api.post(f"{hooked.path}/deliveries/{reminder['id']}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize("what", ["cancelled", "moved", "deleted"])
def test_a_reminder_that_waits_ends_when_its_date_is_cancelled_moved_or_deleted(
    service: Service, hooked: Calendar, receiver: Receiver, what: str
) -> None:
    hooked.api.changed(hooked.path, {"webhook_offsets": ["0"]})
    series = hooked.add(title="Daily", start=LUNCH["start"], duration="PT1H", recurrence="FREQ=DAILY;COUNT=2")
    settled(service, hooked)
    answering(receiver, 500)
    service.clock.move_to(NOON + timedelta(hours=6))
    assert settled(service, hooked)[-1]["status"] == "pending"
    date = f"{series['id']}_20260302"
    if what == "cancelled":
        hooked.remove(date)
    elif what == "moved":
        hooked.change(date, start="2026-03-02T16:00:00")
    else:
        hooked.remove(series["id"], mode="all")
    service.clock.advance(timedelta(seconds=10))
    reminder = next(log for log in settled(service, hooked) if log["type"] == "event.upcoming")
    assert (reminder["status"], reminder["reason"], len(reminder["attempts"])) == ("failed", "overtaken", 1)


def test_a_delivery_can_be_sent_again_by_hand(service: Service, hooked: Calendar, receiver: Receiver) -> None:
    hooked.add(**LUNCH)
    first = only(service, hooked)
    path = f"{hooked.path}/deliveries/{first['id']}/retry"
    answer = hooked.api.post(path)
    assert (answer.status_code, answer.json()["status"]) == (200, "pending")
    again = only(service, hooked)
    assert (again["status"], len(again["attempts"])) == ("delivered", 2)
    assert len({call.id for call in receiver.calls}) == 1
    hooked.api.changed(f"/webhooks/{hook_of(hooked)['id']}", {"active": False})
    refused = hooked.api.post(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert hooked.api.post(f"{hooked.path}/deliveries/dlv_none/retry").status_code == 404
    stranger = Api(service.url, Api(service.url, None).made("/agents")["api_key"])
    assert stranger.post(path).status_code == 404


def test_what_the_log_no_longer_holds_cannot_be_told(service: Service, hooked: Calendar, receiver: Receiver) -> None:
    answering(receiver, 500)
    hooked.add(**LUNCH)
    only(service, hooked)
    with psycopg.connect(service.dsn) as database:
        database.execute("delete from changes where calendar_id = %s", (hooked.id,))
    service.clock.advance(timedelta(seconds=10))
    log = only(service, hooked)
    assert (log["status"], log["reason"], len(log["attempts"])) == ("failed", "forgotten", 1)


def test_an_endpoint_that_cannot_be_reached_is_tried_again_and_the_log_says_why(service: Service, api: Api) -> None:
    with receiving() as closed:
        pass
    calendar = Calendar(api, api.made("/calendars", name="Work", webhook_url=closed.url))
    calendar.add(**LUNCH)
    (attempt,) = only(service, calendar)["attempts"]
    assert attempt["status_code"] is None
    assert "refused" in attempt["error"]


def test_a_name_that_leads_to_a_private_address_is_refused_at_the_socket_and_the_log_says_so(
    service: Service, api: Api, receiver: Receiver
) -> None:
    """`localhost` is a name to the check when it is stored; 10.0.0.1 as a name would need a resolver of its own."""
    url = receiver.url.replace("127.0.0.1", "0.0.0.0.nip.invalid")
    calendar = Calendar(api, api.made("/calendars", name="Work", webhook_url=url))
    calendar.add(**LUNCH)
    (attempt,) = only(service, calendar)["attempts"]
    assert (attempt["status_code"], receiver.calls) == (None, [])
    assert attempt["error"]


def test_logs_are_paged_and_filtered(service: Service, hooked: Calendar, receiver: Receiver) -> None:
    answering(receiver, 200, 500)
    for _ in range(5):
        hooked.add(**LUNCH)
    settled(service, hooked)
    path = f"{hooked.path}/webhook-logs"
    first = hooked.api.got(path, limit=2)
    rest = hooked.api.got(path, limit=50, cursor=first["next_cursor"])
    assert [log["seq"] for log in first["logs"] + rest["logs"]] == [5, 4, 3, 2, 1]
    assert rest["next_cursor"] is None
    assert [log["seq"] for log in hooked.api.got(path, status="delivered")["logs"]] == [1]
    assert [log["seq"] for log in hooked.api.got(path, status="pending")["logs"]] == [5, 4, 3, 2]
    assert hooked.api.got(path, status="failed")["logs"] == []
    assert hooked.api.get(path, status="lost").status_code == 400


def test_an_outcome_that_cannot_be_recorded_holds_up_no_other_and_is_not_sent_again(
    service: Service, api: Api, hooked: Calendar, receiver: Receiver
) -> None:
    other = Calendar(api, api.made("/calendars", name="Other", webhook_url=receiver.url, webhook_offsets=[]))
    with psycopg.connect(service.dsn, autocommit=True) as database:
        database.execute(
            "create function refuse() returns trigger language plpgsql as $$ begin raise 'not this'; end $$"
        )
        database.execute(
            f"create trigger refuse before update on deliveries for each row "
            f"when (new.calendar_id = '{hooked.id}' and cardinality(new.log) > 0) execute function refuse()"
        )
        try:
            hooked.add(**LUNCH)
            other.add(**LUNCH)
            assert [log["status"] for log in settled(service, other)] == ["delivered"]
            log = only(service, hooked)
            assert (log["status"], log["attempts"]) == ("delivered", [])
        finally:
            database.execute("drop function refuse cascade")
    assert len(receiver.calls) == 2


def test_deliveries_are_kept_for_thirty_days(
    service: Service, hooked: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    hooked.add(**LUNCH)
    settled(service, hooked)
    pass_time(days=29)
    service.run(forget_deliveries(service.context.db, service.clock.now()))
    assert len(settled(service, hooked)) == 1
    pass_time(days=2)
    service.run(forget_deliveries(service.context.db, service.clock.now()))
    assert settled(service, hooked) == []
