"""AgentMail: what its webhook says, and the attachments that have to be fetched."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from app.inbound.retries import MailRetries
from app.inbound.service import LEASE, WAITS
from tests.inbound.agentmail import KEY, AgentMailStub
from tests.inbound.mails import Inbox, calendar_text, held, inbox, listed, received
from tests.support.service import Service


def new_id() -> str:
    return f"att_{secrets.token_hex(6)}"


def tick(service: Service) -> int:
    """One look for mail that waits, and all that follows from it."""
    retries = MailRetries(service.context)

    async def look() -> int:
        done, _ = await retries(service.clock.now())
        while retries._under_way:
            await next(iter(retries._under_way))
        return done

    return service.run(look())


def test_an_attachment_is_fetched_with_the_calendars_key_and_downloaded_without(
    mail: Inbox, agentmail_stub: AgentMailStub
) -> None:
    id_ = f"{new_id()}/+%20?#"
    agentmail_stub.attachments[id_] = held(calendar_text(), download_url=f"{agentmail_stub.url}/download/plain")
    agentmail_stub.attachments["plain"] = held(calendar_text())
    payload = received(listed(id_), message_id="<CAF/a+b=c%20d?x#y@mail.example.org>", inbox_id="Agent+1@agentmail.to")
    assert mail.take(payload)["status"] == "created"
    assert agentmail_stub.asked[-1] == ("Agent+1@agentmail.to", "<CAF/a+b=c%20d?x#y@mail.example.org>", id_)
    assert agentmail_stub.leaks == []


def test_only_mail_that_was_received_is_taken_in(mail: Inbox) -> None:
    for kind in ("message.received.spam", "message.received.blocked", "message.sent", "", None, 5):
        answer = mail.take(received(text=calendar_text()) | {"event_type": kind})
        assert (answer["status"], answer["code"]) == ("ignored", "not_received")
    assert mail.list() == []


@pytest.mark.parametrize(
    "who",
    [
        {"from": "Pat <pat@example.org>"},
        {"from": ["Pat <pat@example.org>"]},
        {"from": None, "from_": [{"name": "Pat", "email": "pat@example.org"}]},
        {"from": None, "from_": "pat@example.org"},
    ],
)
def test_the_sender_is_written_in_several_ways(mail: Inbox, who: Any) -> None:
    mail.take(received(text=calendar_text(), **who))
    (listed_,) = mail.list()
    assert listed_["from"] == "pat@example.org"
    assert listed_["sender_check"]["organiser_is_sender"] is True


FAULTS: dict[str, dict[str, Any]] = {
    "the API is down": {"meta_status": 503},
    "the API asks for patience": {"meta_status": 429},
    "the download fails": {"download_status": 500},
    "the link is over": {"download_status": 403},
    "nobody is there": {"download_url": "http://127.0.0.1:1/x"},
    "the download is at a private address": {"download_url": "http://10.0.0.1/secret"},
    "the download is no address": {"download_url": "file:///etc/passwd"},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_what_cannot_be_fetched_now_is_fetched_later(
    mail: Inbox, agentmail_stub: AgentMailStub, fault: dict[str, Any]
) -> None:
    id_ = new_id()
    agentmail_stub.attachments[id_] = held(calendar_text()) | fault
    payload = received(listed(id_))
    first = mail.post(payload)
    assert (first.status_code, first.json()["status"], first.json()["code"]) == (200, "ignored", "not_fetched_yet")
    assert "tried again" in first.json()["reason"]
    assert mail.post(payload).content == first.content
    (waiting,) = mail.list(status="waiting")
    assert (waiting["attempts"], waiting["next_attempt_at"]) == (1, "2026-03-02T12:01:00.000Z")

    service = mail.service
    service.clock.advance(WAITS[0] - timedelta(seconds=1))
    tick(service)
    assert mail.list()[0]["attempts"] == 1
    service.clock.advance(timedelta(seconds=1))
    tick(service)
    assert [(each["status"], each["attempts"]) for each in mail.list()] == [("waiting", 2)]
    agentmail_stub.attachments[id_] = held(calendar_text())
    service.clock.advance(WAITS[1])
    tick(service)
    (done,) = mail.list()
    assert (done["status"], done["attempts"], done["next_attempt_at"]) == ("created", 3, None)
    assert len(done["event_ids"]) == 1
    assert mail.post(payload).json()["status"] == "created"


def test_attempts_end_and_the_reason_stays(mail: Inbox, agentmail_stub: AgentMailStub) -> None:
    id_ = new_id()
    agentmail_stub.attachments[id_] = held(calendar_text(), meta_status=500)
    mail.take(received(listed(id_)))
    for wait in WAITS:
        assert mail.list()[0]["status"] == "waiting"
        mail.service.clock.advance(wait)
        tick(mail.service)
    (failed,) = mail.list()
    assert (failed["status"], failed["code"], failed["attempts"]) == ("failed", "not_fetched_yet", len(WAITS) + 1)
    agentmail_stub.attachments[id_] = held(calendar_text())
    assert mail.retry(failed["id"]).json()["status"] == "created"


@pytest.mark.parametrize(
    ("key", "held_as", "code"),
    [
        (None, {}, "no_api_key"),
        ("am_wrong_key", {}, "api_key_refused"),
        (KEY, {"meta_status": 403}, "api_key_refused"),
        (KEY, {"meta_status": 404}, "attachment_gone"),
    ],
)
def test_what_trying_again_does_not_help_waits_for_the_agent(
    service: Service, agentmail_stub: AgentMailStub, key: str | None, held_as: dict[str, Any], code: str
) -> None:
    mail, id_ = inbox(service, key), new_id()
    agentmail_stub.attachments[id_] = held(calendar_text()) | held_as
    answer = mail.take(received(listed(id_)))
    assert (answer["status"], answer["code"]) == ("ignored", code)
    (failed,) = mail.list()
    assert (failed["status"], failed["next_attempt_at"]) == ("failed", None)
    for text in (json.dumps(answer), json.dumps(failed), kept(service, failed["id"])):
        assert KEY not in text
        assert "am_wrong_key" not in text

    agentmail_stub.attachments[id_] = held(calendar_text())
    mail.calendar.api.changed(mail.calendar.path, {"agentmail_api_key": KEY})
    retried = mail.retry(failed["id"])
    assert (retried.status_code, retried.json()["status"]) == (200, "created")
    assert len(retried.json()["event_ids"]) == 1


def kept(service: Service, mail_id: str) -> str:
    with psycopg.connect(service.dsn) as database:
        return str(database.execute("select mails::text from mails where id = %s", (mail_id,)).fetchone())


def test_an_attachment_that_is_too_large_is_ignored(mail: Inbox, agentmail_stub: AgentMailStub) -> None:
    id_ = new_id()
    agentmail_stub.attachments[id_] = held(b"x" * 2_000_001)
    assert mail.take(received(listed(id_)))["code"] == "too_large"


def test_a_download_that_takes_too_long_waits_and_holds_nobody_up(
    mail: Inbox, agentmail_stub: AgentMailStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.inbound.agentmail.FETCH_WITHIN", 0.3)
    id_ = new_id()
    agentmail_stub.attachments[id_] = held(calendar_text(), delay=2)
    before = time.monotonic()
    assert mail.take(received(listed(id_)))["code"] == "not_fetched_yet"
    assert time.monotonic() - before < 1.5


def test_two_processes_never_take_one_mail_that_waits(mail: Inbox, agentmail_stub: AgentMailStub) -> None:
    ids = [new_id() for _ in range(6)]
    for id_ in ids:
        agentmail_stub.attachments[id_] = held(calendar_text(id_), meta_status=500)
        mail.take(received(listed(id_)))
        agentmail_stub.attachments[id_] = held(calendar_text(id_))
    mail.service.clock.advance(WAITS[0])
    service, asked = mail.service, len(agentmail_stub.asked)
    one, other = MailRetries(service.context), MailRetries(service.context)

    async def both() -> None:
        now = service.clock.now()
        for _ in range(3):
            await one(now)
            await other(now)
            while one._under_way or other._under_way:
                await next(iter(one._under_way | other._under_way))

    service.run(both())
    assert [each["status"] for each in mail.list()] == ["created"] * 6
    assert sorted(id_ for _, _, id_ in agentmail_stub.asked[asked:] if id_ in ids) == sorted(ids)


def test_what_a_dead_process_left_is_due_when_its_lease_is_over(mail: Inbox) -> None:
    mail.take(received(text=calendar_text()))
    make_waiting(mail)
    mail.service.clock.advance(LEASE - timedelta(seconds=1))
    tick(mail.service)
    assert mail.list()[0]["status"] == "waiting"
    mail.service.clock.advance(timedelta(seconds=1))
    tick(mail.service)
    assert mail.list()[0]["status"] in ("created", "ignored")


def make_waiting(mail: Inbox) -> None:
    """As it stands after its first commit."""
    with psycopg.connect(mail.service.dsn) as database:
        database.execute(
            "update mails set state = 'waiting', attempts = 0, answer = null, due_at = received_at + %s "
            "where calendar_id = %s",
            (LEASE, mail.calendar.id),
        )


def test_the_dispatcher_looks_by_itself(
    own_mail_service: Callable[..., Service], agentmail_stub: AgentMailStub
) -> None:
    service = own_mail_service(dispatch=True)
    mail, id_ = inbox(service), new_id()
    agentmail_stub.attachments[id_] = held(calendar_text(), meta_status=500)
    mail.take(received(listed(id_)))
    agentmail_stub.attachments[id_] = held(calendar_text())
    service.clock.advance(WAITS[0])
    deadline = time.monotonic() + 10
    while mail.list()[0]["status"] != "created":
        assert time.monotonic() < deadline
        time.sleep(0.05)
