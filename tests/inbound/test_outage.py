"""What is acknowledged is there, whatever happened in between."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import httpx
import psycopg

from app.inbound.service import WAITS
from tests.inbound.mails import Inbox, attachment, calendar_text, inbox, postmark
from tests.inbound.test_agentmail import tick
from tests.support.service import Service


@contextmanager
def calendar_locked(mail: Inbox) -> Iterator[None]:
    """Somebody writes to the calendar for long: mail is stored meanwhile, and cannot be interpreted."""
    with psycopg.connect(mail.service.dsn) as database:
        database.execute("select from calendars where id = %s for no key update", (mail.calendar.id,))
        yield
        database.rollback()


def kill_all_others(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as database:
        database.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid() and application_name = 'kalends'"
        )


def patiently(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """The first answer that is not 503: the pool may hold more connections that died."""
    return next(answer for answer in (ask() for _ in range(100)) if answer.status_code != 503)


def waits_for_its_lock(dsn: str) -> None:
    deadline = time.monotonic() + 10
    with psycopg.connect(dsn, autocommit=True) as database:
        while database.execute(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        ).fetchone() == (0,):
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_database_that_dies_between_storing_and_interpreting_loses_nothing(
    own_mail_service: Callable[..., Service],
) -> None:
    service = own_mail_service()
    mail = inbox(service)
    payload = postmark(attachment(calendar_text("u1")))
    answers = []
    with calendar_locked(mail):
        sender = threading.Thread(target=lambda: answers.append(mail.post(payload)))
        sender.start()
        waits_for_its_lock(service.dsn)
        kill_all_others(service.dsn)
        sender.join(20)
    (answer,) = answers
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    (kept,) = patiently(lambda: mail.calendar.api.get(f"{mail.calendar.path}/inbound")).json()["mails"]
    assert (kept["status"], kept["event_ids"]) == ("waiting", [])
    again = patiently(lambda: mail.post(payload))
    assert again.json()["status"] == "created"
    assert mail.post(payload).content == again.content
    assert [each["status"] for each in mail.list()] == ["created"]


def test_a_mail_that_nobody_delivers_again_is_interpreted_by_the_tick(own_mail_service: Callable[..., Service]) -> None:
    service = own_mail_service()
    mail = inbox(service)
    with psycopg.connect(service.dsn, autocommit=True) as database:
        database.execute("alter table threads rename to away")
        assert mail.post(postmark(attachment(calendar_text("u1")))).status_code == 503
        tick(service)
        assert [(each["status"], each["attempts"]) for each in mail.list()] == [("waiting", 1)]
        service.clock.advance(WAITS[0])
        tick(service)
        assert [(each["status"], each["attempts"]) for each in mail.list()] == [("waiting", 2)]
        database.execute("alter table away rename to threads")
    service.clock.advance(WAITS[1])
    tick(service)
    assert [(each["status"], each["attempts"]) for each in mail.list()] == [("created", 3)]


def test_a_fault_that_stays_ends_visibly_and_can_be_retried(own_mail_service: Callable[..., Service]) -> None:
    service = own_mail_service()
    mail = inbox(service)
    with psycopg.connect(service.dsn, autocommit=True) as database:
        database.execute("alter table threads rename to away")
        payload = postmark(attachment(calendar_text("u1")))
        assert mail.post(payload).status_code == 503
        for wait in WAITS:
            service.clock.advance(wait)
            tick(service)
        (failed,) = mail.list(status="failed")
        assert (failed["code"], failed["attempts"]) == ("gave_up", len(WAITS) + 1)
        assert mail.post(payload).json()["code"] == "gave_up"
        database.execute("alter table away rename to threads")
    assert mail.retry(failed["id"]).json()["status"] == "created"


def test_mail_is_not_acknowledged_while_the_database_is_away(own_mail_service: Callable[..., Service]) -> None:
    service = own_mail_service()
    mail = inbox(service)
    with psycopg.connect(service.dsn, autocommit=True) as database:
        database.execute("alter table mails rename to away")
        assert mail.post(postmark(attachment(calendar_text("u1")))).status_code == 503
        database.execute("alter table away rename to mails")
    assert mail.list() == []


def test_a_calendar_that_is_deleted_meanwhile_takes_its_mail_along(own_mail_service: Callable[..., Service]) -> None:
    service = own_mail_service()
    mail = inbox(service)
    payload = postmark(attachment(calendar_text("u1")))
    with psycopg.connect(service.dsn) as database:
        database.execute("delete from calendars where id = %s", (mail.calendar.id,))
        answers = []
        sender = threading.Thread(target=lambda: answers.append(mail.post(payload)))
        sender.start()
        time.sleep(0.3)
        database.commit()
        sender.join(20)
    assert answers[0].status_code in (200, 503)
    assert mail.post(payload).json()["code"] == "unknown_address"


def test_every_acknowledged_mail_is_there_after_many_deaths(own_mail_service: Callable[..., Service]) -> None:
    service, count = own_mail_service(), 150
    mail = inbox(service)
    payloads = [postmark(attachment(calendar_text(f"u{n}"))) for n in range(count)]
    acknowledged: dict[str, str] = {}
    is_over = threading.Event()

    def kill() -> None:
        while not is_over.wait(0.05):
            kill_all_others(service.dsn)

    killer = threading.Thread(target=kill)
    killer.start()
    refused = 0
    for payload in payloads:
        answer = mail.post(payload)
        assert answer.status_code in (200, 503), answer.text
        refused += answer.status_code == 503
        if answer.status_code == 200:
            acknowledged[payload["MessageID"]] = answer.json()["status"]
    is_over.set()
    killer.join()
    assert refused > 0
    time.sleep(0.1)
    kept = {each["message_id"]: each["status"] for each in _all(mail)}
    assert {id_: kept.get(id_) for id_ in acknowledged} == acknowledged
    for payload in payloads:
        assert patiently(partial(mail.post, payload)).json()["status"] == "created"
    service.clock.advance(timedelta(days=1))
    assert len(_all(mail)) == count
    assert json.dumps(_all(mail)).count('"status": "created"') == count


def _all(mail: Inbox) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    cursor: dict[str, str] = {}
    while True:
        page = patiently(partial(mail.calendar.api.get, f"{mail.calendar.path}/inbound", limit=200, **cursor)).json()
        found += page["mails"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}
