"""Who may hand mail in, how often, and how much."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from standardwebhooks import Webhook

from app.clock import FrozenClock
from app.http.edge import MAIL_LIMIT
from app.settings import Settings
from tests.conftest import NOON, SETTINGS
from tests.inbound.mails import Inbox, attachment, calendar_text, inbox, postmark, received
from tests.support.service import Service, serving

BASIC = "postmark:let-me-in"
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


@contextmanager
def served(database: str, tmp_path: Path, **settings: Any) -> Iterator[Service]:
    chosen: Settings = replace(SETTINGS, data_dir=tmp_path, **settings)
    with serving(chosen, database, FrozenClock(NOON)) as service:
        yield service


@pytest.fixture
def checked(database: str, tmp_path: Path) -> Iterator[Inbox]:
    """A deployment that knows its providers."""
    with served(database, tmp_path, inbound_basic_auth=BASIC, agentmail_webhook_secret=SECRET) as service:
        yield inbox(service)


def basic(text: str = BASIC) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def signed(body: bytes, secret: str = SECRET, late_by: float = 0) -> dict[str, str]:
    """Headers as Svix sends them, by the official library of its scheme."""
    at = NOON - timedelta(seconds=late_by)
    signature = Webhook(secret).sign("msg_1", at, body.decode())
    return {
        "svix-id": "msg_1",
        "svix-timestamp": str(int(at.timestamp())),
        "svix-signature": f"v1,AAAA {signature}",
        "Content-Type": "application/json",
    }


def test_postmark_comes_with_its_password(checked: Inbox) -> None:
    payload = postmark(attachment(calendar_text()))
    for headers in ({}, basic("postmark:guess"), basic("postmark"), {"Authorization": "Basic ====="}):
        refused = checked.post(payload, **headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
        assert refused.headers["WWW-Authenticate"].startswith("Basic ")
    assert checked.list() == []
    assert checked.post(payload, **basic()).json()["status"] == "created"
    assert checked.http.post("/inbound", json=payload).status_code == 401
    mine = payload | {"OriginalRecipient": checked.address}
    assert checked.http.post("/inbound", json=mine, headers=basic()).json()["status"] == "created"


def test_agentmail_comes_with_its_signature(checked: Inbox) -> None:
    body = json.dumps(received(text=calendar_text())).encode()
    path = f"/inbound/{checked.token}"
    other = "whsec_" + base64.b64encode(b"o" * 32).decode()
    for headers in (signed(body, other), signed(body, late_by=301), signed(body + b" "), basic()):
        assert checked.http.post(path, content=body, headers=headers).status_code == 401
    assert checked.list() == []
    assert checked.http.post(path, content=body, headers=signed(body, late_by=290)).json()["status"] == "created"


def test_one_provider_cannot_pass_for_the_other(checked: Inbox) -> None:
    body = json.dumps(postmark(attachment(calendar_text()))).encode()
    assert checked.http.post(f"/inbound/{checked.token}", content=body, headers=signed(body)).status_code == 401


def test_a_token_alone_opens_where_no_proof_is_set(database: str, tmp_path: Path) -> None:
    with served(database, tmp_path, inbound_basic_auth=BASIC) as service:
        mail = inbox(service)
        assert mail.take(received(text=calendar_text()))["status"] == "created"
        assert mail.post(postmark(attachment(calendar_text("u2")))).status_code == 401


def test_the_domain_is_open_to_nobody_without_proof_unless_on_loopback(database: str, tmp_path: Path) -> None:
    with served(database, tmp_path, host="0.0.0.0", public_url="http://127.0.0.1") as service:
        mail = inbox(service)
        payload = postmark(attachment(calendar_text()), OriginalRecipient=mail.address)
        assert mail.http.post("/inbound", json=payload).status_code == 401
        assert mail.http.post("/inbound", json=payload, headers=basic()).status_code == 401
        assert mail.post(payload).json()["status"] == "created"


def test_a_calendar_takes_so_many_mails_a_minute(database: str, tmp_path: Path) -> None:
    with served(database, tmp_path, rate_limits=True, rate_limit_inbound=3) as service:
        one, other = inbox(service), inbox(service)
        answers = [one.post(postmark(attachment(calendar_text(f"u{n}")))) for n in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert int(answers[3].headers["Retry-After"]) >= 1
        assert answers[0].headers["RateLimit-Policy"] == '"inbound";q=3;w=60'
        assert len(one.list()) == 3
        assert other.take(postmark(attachment(calendar_text())))["status"] == "created"
        service.clock.advance(timedelta(minutes=1))
        assert one.take(postmark(attachment(calendar_text("u3"))))["status"] == "created"


@pytest.mark.parametrize("path", ["/inbound", "/inbound/{token}"])
def test_mail_has_a_limit_of_its_own(mail: Inbox, path: str) -> None:
    path = path.format(token=mail.token)
    large = postmark(attachment(b"x" * 600_000, "scan.pdf", "application/pdf"), attachment(calendar_text()))
    assert mail.http.post(path, json=large | {"OriginalRecipient": mail.address}).json()["status"] == "created"
    assert head_alone(mail.service, path, MAIL_LIMIT + 1) == (413, "body_too_large")


def test_other_paths_keep_theirs(mail: Inbox) -> None:
    for path in ("/calendars", f"{mail.calendar.path}/inbound/inm_none/retry", "/inbound/a/b"):
        refused = mail.calendar.api.http.post(path, content=b" " * (512 * 1024 + 1))
        assert refused.status_code in (404, 413), path
    assert mail.calendar.api.http.post("/calendars", content=b" " * (512 * 1024 + 1)).status_code == 413


def test_a_body_for_nobody_is_not_even_read(mail: Inbox) -> None:
    assert head_alone(mail.service, "/inbound/inb_nobody", MAIL_LIMIT) == (200, "unknown_address")


def head_alone(service: Service, path: str, length: int) -> tuple[int, str]:
    """Status and code of what is answered to a request whose body never comes."""
    connection = HTTPConnection("127.0.0.1", urlsplit(service.url).port, timeout=5)
    connection.putrequest("POST", path)
    connection.putheader("Content-Length", str(length))
    connection.endheaders()
    with closing(connection):
        response = connection.getresponse()
        return response.status, json.loads(response.read())["code"]
