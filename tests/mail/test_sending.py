"""Mails leave after the write, in order, and are tried again; what fails is on record."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from app.clock import FrozenClock
from app.mail.carrier import WAITS
from tests.conftest import NOON, SETTINGS
from tests.mail.post import ADA, BOB, EVE, LUNCH, Post
from tests.support.mailserver import PASSWORD, USER, MailServer, mail_server
from tests.support.receiver import receiving
from tests.support.service import Api, serving

PassTime = Callable[..., None]


def smtp(server: MailServer, **changes: Any) -> dict[str, Any]:
    whole = {"host": "127.0.0.1", "port": server.port, "username": USER, "password": PASSWORD, "from": "me@example.com"}
    return whole | changes


def retry(post: Post, delivery_id: str) -> httpx.Response:
    return post.api.post(f"{post.path}/deliveries/{delivery_id}/retry")


def test_the_waits_are_those_of_the_contract() -> None:
    first = [timedelta(seconds=10), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10)]
    assert WAITS[:6] == (*first, timedelta(minutes=30), timedelta(hours=1))
    assert set(WAITS[6:]) == {timedelta(hours=2)}
    assert sum(WAITS[6:], timedelta()) == timedelta(days=1)


def test_a_mail_that_is_put_off_goes_later(post: Post, server: MailServer, pass_time: PassTime) -> None:
    server.recipient = lambda _: "451 come back later"
    post.add(**LUNCH, attendees=[ADA])
    (log,) = post.logged("pending", attempts=1)
    assert log["next_attempt_at"] == "2026-03-02T12:00:10.000Z"
    assert (log["to"], log["method"], log["subject"]) == (ADA, "REQUEST", "Invitation: Lunch")
    attempt = log["attempts"][0]
    assert (attempt["status_code"], attempt["via"]) == (451, "smtp")
    assert "come back later" in attempt["error"]
    pass_time(seconds=10)
    (log,) = post.logged("pending", attempts=2)
    assert log["next_attempt_at"] == "2026-03-02T12:00:40.000Z"
    server.behave()
    pass_time(seconds=30)
    post.one()
    (log,) = post.logged("delivered", attempts=3)
    assert (log["ended_at"], log["attempts"][2]["response"]) == ("2026-03-02T12:00:40.000Z", "Taken as 4711")


def test_after_a_day_of_attempts_it_is_given_up(post: Post, server: MailServer, pass_time: PassTime) -> None:
    server.recipient = lambda _: "451 later"
    post.add(**LUNCH, attendees=[ADA])
    for count, wait in enumerate(WAITS, 1):
        post.logged("pending", attempts=count)
        pass_time(seconds=wait.total_seconds())
    (log,) = post.logged("failed", attempts=len(WAITS) + 1)
    assert (log["reason"], log["next_attempt_at"]) == ("exhausted", None)


def test_a_5xx_ends_it_visibly_and_by_hand_it_goes_again(post: Post, server: MailServer) -> None:
    server.recipient = lambda address: "550 No such mailbox" if address == ADA else "250 OK"
    post.add(**LUNCH, attendees=[ADA, BOB])
    (log,) = post.logged("failed")
    assert (log["to"], log["reason"], log["attempts"][0]["status_code"]) == (ADA, "refused", 550)
    assert "No such mailbox" in log["attempts"][0]["error"]
    assert post.one().to == BOB
    server.behave()
    answer = retry(post, log["id"])
    assert (answer.status_code, answer.json()["status"], answer.json()["endpoint_id"]) == (200, "pending", None)
    assert post.one().to == ADA
    (sent, _) = post.logged("delivered", 2)
    refused = retry(post, sent["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


def test_mails_leave_in_the_order_of_the_writes(post: Post) -> None:
    made = post.add(**LUNCH, attendees=[ADA])
    for index in range(8):
        post.change(made["id"], title=f"Lunch {index}")
    post.remove(made["id"])
    assert [mail.event["SEQUENCE"] for mail in post.arrived(10)] == list(range(10))


def test_a_lost_answer_makes_a_second_copy_with_the_same_message_id(
    post: Post, server: MailServer, pass_time: PassTime
) -> None:
    server.data = lambda _: None
    post.add(**LUNCH, attendees=[ADA])
    (log,) = post.logged("pending", attempts=1)
    assert log["attempts"][0]["status_code"] is None
    server.behave()
    pass_time(seconds=10)
    first, second = post.arrived(2)
    assert first.id == second.id
    assert first.ics == second.ics
    post.logged("delivered", attempts=2)
    pass_time(days=2)
    assert post.nothing()


def test_the_agents_own_server_goes_before_the_deployments(
    post: Post, own_server: MailServer, server: MailServer
) -> None:
    assert post.api.http.put("/agents/smtp", json=smtp(own_server)).status_code == 200
    post.add(**LUNCH, attendees=[ADA])
    (mail,) = own_server.wait_for(post.email, 1)
    assert (mail.sender, str(mail.message["From"])) == ("me@example.com", "Work <me@example.com>")
    (log,) = post.logged("delivered")
    assert log["attempts"][0]["via"] == "agent_smtp"
    assert post.api.delete("/agents/smtp").status_code == 204
    post.add(**LUNCH, attendees=[BOB])
    assert post.one().to == BOB


def test_a_wrong_password_ends_no_mail_and_is_shown_nowhere(
    post: Post, own_server: MailServer, pass_time: PassTime, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = "a very wrong password"
    post.api.http.put("/agents/smtp", json=smtp(own_server, password=wrong))
    post.add(**LUNCH, attendees=[ADA])
    (log,) = post.logged("pending", attempts=1)
    assert "refused the user name or password" in log["attempts"][0]["error"]
    post.api.http.put("/agents/smtp", json=smtp(own_server))
    pass_time(seconds=10)
    own_server.wait_for(post.email, 1)
    shown = post.api.get(f"{post.path}/email-logs").text + post.api.get("/agents/smtp").text + capfd.readouterr().err
    assert wrong not in shown
    assert PASSWORD not in shown


def test_the_deployments_password_is_in_no_log(database: str, tmp_path: Path, server: MailServer) -> None:
    smtp_ = replace(server.server, username="operator", password="operators secret")
    settings = replace(SETTINGS, dispatch=True, smtp=smtp_, email_domain="kalends.example", data_dir=tmp_path)
    with serving(settings, database, FrozenClock(NOON)) as service:
        api = Api(service.url, Api(service.url, None).made("/agents")["api_key"])
        post = Post(api, api.made("/calendars", name="Work"), server, service)
        post.add(**LUNCH, attendees=[ADA])
        post.logged("pending", attempts=1)  # the server offers no AUTH
        text = api.get(f"{post.path}/email-logs").text
    assert "operators secret" not in text
    assert "takes no user name and password" in text


def test_a_host_that_resolves_to_a_private_address_is_refused_at_the_socket(
    database: str, tmp_path: Path, own_server: MailServer
) -> None:
    settings = replace(SETTINGS, dispatch=True, allow_private_hosts=False, data_dir=tmp_path)
    with serving(settings, database, FrozenClock(NOON)) as service:
        api = Api(service.url, Api(service.url, None).made("/agents")["api_key"])
        literal = api.http.put("/agents/smtp", json=smtp(own_server))
        assert (literal.status_code, literal.json()["field"]) == (400, "host")
        assert api.http.put("/agents/smtp", json=smtp(own_server, host="localhost")).status_code == 200
        tested = api.post("/agents/smtp/test").json()
        assert (tested["success"], "private or reserved" in tested["message"]) == (False, True)
        post = Post(api, api.made("/calendars", name="Work"), own_server, service)
        post.add(**LUNCH, attendees=[ADA])
        (log,) = post.logged("pending", attempts=1)
        assert "private or reserved" in log["attempts"][0]["error"]
    assert own_server.mails == []


def test_a_server_that_hangs_holds_up_no_request(post: Post, server: MailServer) -> None:
    def slowly(_: str) -> str:
        time.sleep(0.4)
        return "250 OK"

    server.recipient = slowly
    began = time.perf_counter()
    post.add(**LUNCH, attendees=[ADA])
    assert time.perf_counter() - began < 0.35
    post.one()


def test_the_log_is_paged_and_kept_apart_from_webhooks(post: Post) -> None:
    made = post.add(**LUNCH, attendees=[ADA, BOB, EVE])
    post.logged("delivered", 3)
    first = post.api.got(f"{post.path}/email-logs", limit=2)
    second = post.api.got(f"{post.path}/email-logs", limit=2, cursor=first["next_cursor"])
    assert [log["to"] for log in first["logs"] + second["logs"]] == [EVE, BOB, ADA]
    assert second["next_cursor"] is None
    assert {log["event_id"] for log in first["logs"]} == {made["id"]}
    for log in first["logs"]:
        assert len(re.findall(r"[a-z]+@example", str(log))) == 1
    assert post.api.got(f"{post.path}/webhook-logs")["logs"] == []
    assert post.api.get(f"{post.path}/email-logs", status="lost").status_code == 400
    stranger = Api(post.service.url, Api(post.service.url, None).made("/agents")["api_key"])
    assert stranger.get(f"{post.path}/email-logs").status_code == 404


def test_without_any_mail_server_the_answer_says_so(api: Api, database: str, tmp_path: Path) -> None:
    settings = replace(SETTINGS, dispatch=True, data_dir=tmp_path)
    with serving(settings, database, FrozenClock(NOON)) as service, mail_server() as nobodys:
        api = Api(service.url, Api(service.url, None).made("/agents")["api_key"])
        post = Post(api, api.made("/calendars", name="Work"), nobodys, service)
        made = post.add(**LUNCH, attendees=[ADA])
        assert (made["email_status"], made["emails_queued"], made["emails_withheld"]) == ("not_configured", 0, 1)
        answer = post.respond(post.invited(zone="UTC"), "accepted")
        assert (answer["email_sent"], answer["email_status"]) == (False, "not_configured")
        assert "PUT /agents/smtp" in answer["message"]
        assert post.logs() == []


def test_beyond_the_limits_of_a_day_the_write_succeeds_and_says_what_was_not_mailed(
    database: str, tmp_path: Path, server: MailServer, own_server: MailServer
) -> None:
    settings = replace(SETTINGS, dispatch=True, smtp=server.server, email_domain="kalends.example", data_dir=tmp_path)
    settings = replace(settings, mails_per_day=4, new_recipients_per_day=2)
    clock = FrozenClock(NOON)
    with serving(settings, database, clock) as service:
        api = Api(service.url, Api(service.url, None).made("/agents")["api_key"])
        post = Post(api, api.made("/calendars", name="Work"), server, service)
        other = Post(api, api.made("/calendars", name="Home"), server, service)
        made = post.add(**LUNCH, attendees=[ADA, BOB, EVE])
        assert (made["email_status"], made["emails_queued"], made["emails_withheld"]) == ("over_limit", 2, 1)
        assert set(post.to(2)) == {ADA, BOB}
        assert other.add(**LUNCH, attendees=[EVE])["email_status"] == "over_limit"
        again = other.add(**LUNCH, attendees=[BOB, ADA])
        assert (again["email_status"], again["emails_queued"]) == ("queued", 2)
        other.arrived(2)
        assert post.change(made["id"], title="Dinner")["emails_queued"] == 0
        assert post.event(made["id"])["title"] == "Dinner"
        answer = post.respond(post.invited(), "accepted")
        assert (answer["email_sent"], answer["email_status"]) == (False, "over_limit")
        api.http.put("/agents/smtp", json=smtp(own_server))
        assert post.change(made["id"], title="Supper")["emails_queued"] == 3
        own_server.wait_for(post.email, 3)
        own_server.recipient = lambda _: "451 later"
        assert post.change(made["id"], title="Brunch", attendees=[ADA])["emails_queued"] == 3
        post.logged("pending", 3, attempts=1)
        api.delete("/agents/smtp")  # what waits may not pass by the limits
        clock.advance(timedelta(seconds=10))
        service.loop.call_soon_threadsafe(service.context.waiters.committed, set(), True)
        assert {log["reason"] for log in post.logged("failed", 3)} == {"over_limit"}
        clock.advance(timedelta(days=1))
        answer = post.respond(post.invited(uid="tomorrow"), "accepted")
        assert answer["email_status"] == "queued"
        post.one()


def test_without_a_server_mail_goes_through_postmark(database: str, tmp_path: Path, server: MailServer) -> None:
    with receiving() as api_of_postmark:
        settings = replace(
            SETTINGS,
            dispatch=True,
            postmark_token="server-token",
            postmark_url=api_of_postmark.url.removesuffix("/hook"),
            allow_private_hosts=False,
            data_dir=tmp_path,
        )
        with serving(settings, database, FrozenClock(NOON)) as service:
            api = Api(service.url, Api(service.url, None).made("/agents")["api_key"])
            post = Post(api, api.made("/calendars", name="Work"), server, service)
            post.add(**LUNCH, attendees=[ADA])
            (log,) = post.logged("delivered")
    (call,) = api_of_postmark.calls
    assert (call.path, call.headers["x-postmark-server-token"]) == ("/email", "server-token")
    assert (call.json["To"], log["attempts"][0]["via"]) == (ADA, "postmark")


def test_mails_webhooks_and_removals_never_wait_for_each_other(post: Post) -> None:
    made = [post.created, *(post.api.made("/calendars", name="More") for _ in range(2))]
    calendars = [Post(post.api, each, post.mail_server, post.service) for each in made]
    failures: list[str] = []

    def work(calendar: Post, index: int) -> None:
        api = Api(post.service.url, post.api.key)
        for turn in range(6):
            if index % 2:
                answer = api.post("/webhooks", {"url": "https://example.com/hook", "calendars": [calendar.id]})
            else:
                attendees = [f"{index}-{turn}@example.com"]
                answer = api.post(f"{calendar.path}/events", {**LUNCH, "attendees": attendees})
            if answer.status_code not in (201, 401, 404):  # until it is gone
                failures.append(answer.text)

    threads = [Thread(target=work, args=(calendars[index % 3], index)) for index in range(6)]
    for thread in threads:
        thread.start()
    agent_id = post.api.got("/agents/me")["agent_id"]
    time.sleep(0.05)
    post.api.deleted("/agents/me", confirm=agent_id)
    for thread in threads:
        thread.join()
    assert failures == []


def test_writes_at_once_in_several_calendars_do_not_pass_the_limit(
    database: str, tmp_path: Path, server: MailServer
) -> None:
    settings = replace(SETTINGS, smtp=server.server, email_domain="kalends.example", data_dir=tmp_path, mails_per_day=7)
    with serving(settings, database, FrozenClock(NOON)) as service:
        key = Api(service.url, None).made("/agents")["api_key"]
        queued: list[int] = []

        def work() -> None:
            api = Api(service.url, key)
            post = Post(api, api.made("/calendars", name="Work"), server, service)
            queued.extend(post.add(**LUNCH, attendees=[ADA, BOB])["emails_queued"] for _ in range(3))

        threads = [Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (len(queued), sum(queued)) == (12, 7)
