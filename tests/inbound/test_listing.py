"""What the agent sees of its mail, and what nobody else does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest

from app.inbound.upkeep import MAILS_KEPT, THREADS_KEPT, forget_mails, forget_threads
from tests.inbound.mails import Inbox, attachment, calendar_text, inbox, many_events, postmark
from tests.support.service import Api, Service


def test_the_list_tells_what_came_and_what_became_of_it(mail: Inbox) -> None:
    payload = postmark(attachment(calendar_text("u1")), MessageID="first")
    answer = mail.take(payload)
    mail.service.clock.advance(timedelta(seconds=1))
    mail.take(postmark(MessageID="second", Subject="Hello"))
    newer, older = mail.list()
    assert older == {
        "id": older["id"],
        "received_at": "2026-03-02T12:00:00.000Z",
        "provider": "postmark",
        "message_id": "first",
        "from": "pat@example.org",
        "subject": "Invitation",
        "status": "created",
        "reason": None,
        "code": None,
        "attempts": 1,
        "next_attempt_at": None,
        "event_ids": [answer["event_id"]],
        "sender_check": {"spf": None, "dkim": None, "dmarc": None, "organiser_is_sender": True},
    }
    assert older["id"].startswith("inm_")
    assert (newer["subject"], newer["status"], newer["code"]) == ("Hello", "ignored", "no_calendar")
    assert newer["sender_check"]["organiser_is_sender"] is None


def test_the_list_has_pages_and_keeps_one_status(mail: Inbox) -> None:
    for number in range(5):
        parts = [attachment(calendar_text(f"u{number}"))] if number % 2 else []
        mail.take(postmark(*parts, MessageID=f"m{number}"))
    path, seen, cursor = f"{mail.calendar.path}/inbound", [], None
    while True:
        page = mail.calendar.api.got(path, limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [each["message_id"] for each in page["mails"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == [f"m{number}" for number in range(5)]
    assert {each["message_id"] for each in mail.list(status="created")} == {"m1", "m3"}
    assert {each["message_id"] for each in mail.list(status="ignored")} == {"m0", "m2", "m4"}
    assert mail.list(status="waiting") == []
    for wrong in ("cursor=x", "cursor=W10", "status=read", "limit=0"):
        assert mail.calendar.api.get(f"{path}?{wrong}").json()["code"] == "invalid_field"


def test_other_agents_see_and_retry_nothing(mail: Inbox) -> None:
    mail.take(postmark(MessageID="mine"))
    (mine,) = mail.list()
    stranger = inbox(mail.service).calendar
    for path in (mail.calendar.path, "/calendars/cal_none"):
        assert stranger.api.get(f"{path}/inbound").status_code == 404
        assert stranger.api.post(f"{path}/inbound/{mine['id']}/retry").status_code == 404
    assert stranger.api.post(f"{stranger.path}/inbound/{mine['id']}/retry").status_code == 404
    assert Api(mail.service.url, None).get(f"{mail.calendar.path}/inbound").status_code == 401


def test_a_key_that_only_reads_may_look_and_not_retry(mail: Inbox) -> None:
    mail.take(postmark())
    reader = Api(mail.service.url, mail.calendar.api.made("/agents/keys", scope="read")["api_key"])
    (listed,) = reader.got(f"{mail.calendar.path}/inbound")["mails"]
    assert reader.post(f"{mail.calendar.path}/inbound/{listed['id']}/retry").status_code == 403


def test_a_mail_that_did_something_is_not_interpreted_again(mail: Inbox) -> None:
    payload = postmark(attachment(calendar_text("u1")))
    first = mail.post(payload)
    refused = mail.retry(mail.list()[0]["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert mail.post(payload).content == first.content


def test_a_retry_says_what_it_did_and_is_safe_to_send_again(mail: Inbox) -> None:
    mail.take(postmark())
    (listed,) = mail.list()
    path = f"{mail.calendar.path}/inbound/{listed['id']}/retry"
    answers = [mail.calendar.api.http.post(path, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert answers[0].json() == {**listed, "attempts": 2}
    assert answers[1].content == answers[0].content
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert mail.list()[0]["attempts"] == 2


@pytest.mark.parametrize("age", [MAILS_KEPT - timedelta(seconds=1), MAILS_KEPT + timedelta(seconds=1)])
def test_mail_is_kept_for_thirty_days(mail: Inbox, age: timedelta) -> None:
    mail.take(postmark(attachment(calendar_text("u1"))))
    at = mail.service.context
    mail.service.run(forget_mails(at.db, at.clock.now() + age))
    assert len(mail.list()) == (1 if age < MAILS_KEPT else 0)


def test_a_thread_without_an_event_is_kept_for_ninety_days(mail: Inbox) -> None:
    event = mail.calendar.add(title="Ours", start="2026-03-03T09:00:00", end="2026-03-03T10:00:00")
    with psycopg.connect(mail.service.dsn) as database:
        for uid in (event["ical_uid"], *(f"gone-{n}" for n in range(2_500))):
            database.execute(
                "insert into threads values (%s, %s, '{}', null, %s)",
                (mail.calendar.id, uid, mail.service.clock.now()),
            )
    at = mail.service.context

    def left() -> list[str]:
        with psycopg.connect(mail.service.dsn) as database:
            found = database.execute("select uid from threads where calendar_id = %s", (mail.calendar.id,))
            return [row[0] for row in found.fetchall()]

    mail.service.run(forget_threads(at.db, at.clock.now() + THREADS_KEPT))
    assert len(left()) == 2_501
    mail.service.run(forget_threads(at.db, at.clock.now() + THREADS_KEPT + timedelta(seconds=1)))
    assert left() == [event["ical_uid"]]


def test_what_a_quota_keeps_out_leaves_the_rest_and_comes_in_when_there_is_room(
    own_mail_service: Callable[..., Service],
) -> None:
    mail = inbox(own_mail_service(quota_events=1))
    first = mail.take(postmark(attachment(calendar_text("u1"))))
    update = attachment(calendar_text("u1", sequence=1, start="20260311T100000Z"))
    answer = mail.take(postmark(attachment(calendar_text("u2")), update))
    told = [(each["ical_uid"], each["status"], each.get("code")) for each in answer["events"]]
    assert told == [("u2", "ignored", "quota_exceeded"), ("u1", "updated", None)]
    alone = mail.take(postmark(attachment(calendar_text("u3")), MessageID="alone"))
    assert alone["code"] == "quota_exceeded"
    mail.calendar.remove(first["event_id"])
    kept = next(each for each in mail.list(status="ignored") if each["message_id"] == "alone")
    assert mail.retry(kept["id"]).json()["status"] == "created"


def test_the_events_of_one_mail_have_no_more_room_together_than_there_is(
    own_mail_service: Callable[..., Service],
) -> None:
    mail = inbox(own_mail_service(quota_events=3))
    answer = mail.take(postmark(attachment(many_events(5))))
    assert [each["status"] for each in answer["events"]] == ["created"] * 3 + ["ignored"] * 2
    assert len(mail.calendar.api.got(f"{mail.calendar.path}/events")["events"]) == 3
