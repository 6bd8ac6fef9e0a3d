"""Sending through a little Postmark on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest

from app.core.mailbox import Mailbox
from app.core.zones import load_zone
from app.ical.write import VEvent
from app.mail.compose import answer
from app.mail.postmark import postmark_json
from app.net.postmark import send
from app.net.sending import Failed, Sent

TOKEN = "01234567-89ab"
TAKEN = '{"To":"ada@example.com","MessageID":"0a129aee-e1cd","ErrorCode":0,"Message":"OK"}'
MAIL = postmark_json(
    answer(
        delivery_id="dlv_1",
        calendar=Mailbox("cal-1@kalends.example", 'Work "and" Öl'),
        event=VEvent(
            uid="u",
            sequence=0,
            summary="Mittagessen 🥗",
            created=datetime(2026, 1, 1, tzinfo=UTC),
            modified=datetime(2026, 1, 1, tzinfo=UTC),
            start=datetime(2026, 2, 2, 9),
            zone=load_zone("UTC"),
            end=datetime(2026, 2, 2, 17, tzinfo=UTC),
        ),
        organiser=Mailbox("ada@example.com"),
        response="accepted",
        stamp=datetime(2026, 1, 2, tzinfo=UTC),
        in_reply_to="<x@y.example>",
    ),
    Mailbox("calendars@kalends.example"),
)


@dataclass
class Postmark:
    """Gives one answer to everything, and keeps what it was sent."""

    status: int = 200
    body: str = TAKEN
    url: str = ""
    requests: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def postmark() -> Iterator[Postmark]:
    told = Postmark()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.requests.append((self.path, dict(self.headers), body))
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(told.body.encode())))
            self.end_headers()
            self.wfile.write(told.body.encode())

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield told
        server.shutdown()
        thread.join()


@dataclass(frozen=True)
class Answered:
    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str | None = None
    detail: str | None = None


class Plain:
    """An HTTP client of the shape that is asked for."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        timeout: float,  # noqa: ASYNC109
        read_most: int,
        keep_most: int,
    ) -> Answered:
        try:
            async with httpx.AsyncClient(timeout=timeout) as client:
                answer = await client.request(method, url, headers=headers, content=body)
        except httpx.HTTPError as error:
            return Answered(None, error="connect", detail=str(error))
        return Answered(answer.status_code, answer.headers, answer.content[:keep_most])


def sent(postmark: Postmark) -> Sent | Failed:
    return asyncio.run(send(postmark.url, TOKEN, MAIL, client=Plain()))


def test_a_mail_is_posted_with_its_token_and_gets_an_id(postmark: Postmark) -> None:
    assert sent(postmark) == Sent("0a129aee-e1cd")
    [(path, headers, body)] = postmark.requests
    assert path == "/email"
    assert (headers["X-Postmark-Server-Token"], headers["Content-Type"]) == (TOKEN, "application/json")
    posted = json.loads(body)
    assert posted.pop("Attachments")[0]["ContentType"] == "text/calendar; method=REPLY; charset=UTF-8"
    assert "When: Mon 2 Feb 2026, 09:00–17:00 UTC." in posted.pop("TextBody")
    assert posted == {
        "From": '"Work \\"and\\" Öl" <calendars@kalends.example>',
        "To": "ada@example.com",
        "ReplyTo": '"Work \\"and\\" Öl" <cal-1@kalends.example>',
        "Subject": "Accepted: Mittagessen 🥗",
        "Headers": [
            {"Name": "Message-ID", "Value": "<dlv_1@kalends.example>"},
            {"Name": "X-PM-KeepID", "Value": "true"},
            {"Name": "Auto-Submitted", "Value": "auto-generated"},
            {"Name": "In-Reply-To", "Value": "<x@y.example>"},
            {"Name": "References", "Value": "<x@y.example>"},
        ],
        "TrackOpens": False,
        "TrackLinks": "None",
    }


PERMANENT, TEMPORARY, SETTINGS = (True, False), (False, False), (False, True)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (422, 300, PERMANENT),  # invalid mail
        (422, 406, PERMANENT),  # inactive recipient
        (422, 403, PERMANENT),  # our JSON
        (413, 0, PERMANENT),
        (401, 10, SETTINGS),  # token
        (422, 10, SETTINGS),
        (422, 400, SETTINGS),  # no such sender
        (422, 401, SETTINGS),  # sender not confirmed
        (422, 405, SETTINGS),  # credits
        (422, 412, SETTINGS),  # approval pending
        (404, 0, SETTINGS),
        (302, 0, SETTINGS),
        (429, 429, TEMPORARY),
        (500, 0, TEMPORARY),
        (503, 100, TEMPORARY),
        (200, 300, PERMANENT),
    ],
)
def test_a_refusal_is_final_temporary_or_the_settings(
    postmark: Postmark, status: int, code: int, kind: tuple[bool, bool]
) -> None:
    postmark.status, postmark.body = status, json.dumps({"ErrorCode": code, "Message": "Because."})
    outcome = sent(postmark)
    assert isinstance(outcome, Failed)
    assert (outcome.permanent, outcome.configuration) == kind
    assert outcome.code == status
    assert outcome.message.startswith(f"Postmark answered {status}")
    assert outcome.message.endswith(": Because.")


@pytest.mark.parametrize("body", ["", "<html>", "[]", '{"ErrorCode":"x"}', '{"MessageID":null}'])
def test_an_answer_that_cannot_be_read_counts_by_its_status(postmark: Postmark, body: str) -> None:
    postmark.body = body
    assert sent(postmark) == Sent("")
    postmark.status = 502
    assert sent(postmark) == Failed(False, 502, "Postmark answered 502.")


def test_the_token_is_never_in_what_is_told(postmark: Postmark) -> None:
    postmark.status, postmark.body = 401, json.dumps({"ErrorCode": 10, "Message": f"{TOKEN} is wrong\r\nfor sure"})
    outcome = sent(postmark)
    assert isinstance(outcome, Failed)
    assert outcome.message == "Postmark answered 401 with error 10: … is wrong for sure."


def test_no_answer_is_temporary(postmark: Postmark) -> None:
    outcome = asyncio.run(send("http://127.0.0.1:1", TOKEN, MAIL, client=Plain()))
    assert isinstance(outcome, Failed)
    assert (outcome.permanent, outcome.code, outcome.configuration) == (False, None, False)
    assert outcome.message.startswith("Postmark cannot be reached: ")
