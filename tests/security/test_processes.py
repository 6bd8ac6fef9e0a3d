"""What holds of real processes: two of one server, and a worker."""

from __future__ import annotations

import base64
import hmac
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import httpx
import pytest

from app.http.tally import FLUSH_EVERY
from app.pages.catalogue import OPERATIONS
from tests.contract.test_catalogue import NOBODYS
from tests.contract.tour import UNRECORDED
from tests.inbound.agentmail import AgentMailStub, agentmail
from tests.mcp.talking import Line
from tests.monitoring.reading import read, value
from tests.security.leaks import dumped, leaks
from tests.support.deployment import KEY, Deployment, deployed
from tests.support.mailserver import MailServer, mail_server
from tests.support.postgres import clone, drop
from tests.support.processes import children, eventually
from tests.support.receiver import Receiver, receiving
from tests.support.service import Api, Calendar

SETTINGS = {
    "KALENDS_METRICS_TOKEN": "metrics-token-of-the-operators-4711",
    "KALENDS_INBOUND_BASIC_AUTH": "postmark:password-of-the-inbound-door",
    "KALENDS_AGENTMAIL_WEBHOOK_SECRET": "whsec_" + base64.b64encode(b"agentmail-signs-with-this-secret").decode(),
}
SMTP_PASSWORD = "password-of-the-deployments-mail"
DATABASE_PASSWORD = "password-of-the-database-0815"
LOUD = """
import logging
loud = logging.StreamHandler()
loud.setFormatter(logging.Formatter("%(levelname)s:%(name)s:%(message)s"))
for name in ("aiosmtplib", "apscheduler", "asyncio", "httptools", "litestar", "mcp", "psycopg", "uvicorn"):
    logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger(name).addHandler(loud)
"""  # every library says all it has to say
LATER = {"start": "2030-03-04T09:00:00Z", "end": "2030-03-04T10:00:00Z"}


@dataclass
class Scene:
    deployment: Deployment
    receiver: Receiver
    mails: MailServer
    agentmail: AgentMailStub
    worker_port: int
    answers: dict[str, bytes] = field(default_factory=dict)

    def api(self, key: str | None = None) -> Api:
        return Api(self.deployment.urls[0], key)

    def metrics(self, url: str) -> httpx.Response:
        return Api(url, SETTINGS["KALENDS_METRICS_TOKEN"]).get("/metrics")


@pytest.fixture(scope="module")
def scene(database_server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    dsn = clone(database_server, template)
    loud = tmp_path_factory.mktemp("loud")
    (loud / "sitecustomize.py").write_text(LOUD)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with mail_server(authenticates=True) as mails, receiving() as receiver, agentmail() as stub:
        common = {
            **SETTINGS,
            "PYTHONPATH": str(loud),
            "KALENDS_DISPATCH": "off",
            "KALENDS_AGENTMAIL_URL": stub.url,
            "KALENDS_SMTP_URL": f"smtp://deployment:{SMTP_PASSWORD}@127.0.0.1:{mails.port}",
            "KALENDS_METRICS_PORT": str(port),
        }
        web = [{**common, "KALENDS_WORKERS": "2"}]
        with_password = dsn.replace("kalends@", f"kalends:{DATABASE_PASSWORD}@")
        assert with_password != dsn
        with deployed(with_password, tmp_path_factory.mktemp("data"), web=web, workers=1, worker=common) as deployment:
            yield Scene(deployment, receiver, mails, stub, port)
    drop(database_server, dsn)


def test_whichever_process_is_asked_answers_for_both(scene: Scene) -> None:
    api, counted = scene.api(scene.api().made("/agents")["api_key"]), "kalends_http_request_duration_seconds_count"
    for _ in range(12):
        Api(scene.deployment.urls[0], api.key).get("/agents/keys")  # each over a connection of its own
    url = scene.deployment.urls[0]

    def told() -> float:
        return value(read(scene.metrics(url).text), counted, route="/agents/keys", method="GET")

    assert eventually(lambda: told() == 12)
    assert eventually(lambda: _living(scene, url) == {"web-1", "web-2"})  # one of them may have begun a little later

    [one, *_] = [pid for pid, command in children(scene.deployment.web[0].pid).items() if "spawn_main" in command]
    os.kill(one, signal.SIGKILL)
    assert eventually(lambda: len(_started(scene, url)) == 2 and one not in children(scene.deployment.web[0].pid))
    assert told() == 12  # who took its place went on from where it stood


def _living(scene: Scene, url: str) -> set[str]:
    families = read(scene.metrics(url).text)
    return {dict(labels)["process"] for _, labels in families["process_resident_memory_bytes"].samples}


def _started(scene: Scene, url: str) -> set[str]:
    try:
        families = read(scene.metrics(url).text)
    except httpx.HTTPError:  # the connection waited for the one that died
        return set()
    return {dict(labels)["process"] for _, labels in families["process_start_time_seconds"].samples}


def test_a_worker_tells_its_numbers_on_a_port_of_its_own(scene: Scene) -> None:
    url = f"http://127.0.0.1:{scene.worker_port}"
    told = read(scene.metrics(url).text)
    assert value(told, "kalends_dispatchers") == 1
    assert value(told, "process_resident_memory_bytes", process="worker") > 0
    assert Api(url, None).get("/metrics").status_code == 401
    assert Api(url, SETTINGS["KALENDS_METRICS_TOKEN"]).get("/calendars").status_code == 404


def test_no_secret_stands_in_logs_errors_numbers_or_a_dump_of_the_database(scene: Scene) -> None:
    secrets = {name: setting.rpartition(":")[2] for name, setting in SETTINGS.items()}
    secrets |= {"seal": KEY, "smtp": SMTP_PASSWORD, "database": DATABASE_PASSWORD}
    secrets |= _live(scene)
    assert all(len(secret) >= 16 for secret in secrets.values())
    written = {
        f"log {n}": place.process.complaints().encode()
        for n, place in enumerate(scene.deployment.places)
        if place.process
    }
    assert all(b"DEBUG:" in log for log in written.values()), "libraries were to say all they have"
    assert b"/inbound/inb_\xe2\x80\xa6" in written["log 0"]
    written |= {f"metrics {url}": scene.metrics(url).content for url in scene.deployment.urls}
    written |= scene.answers
    written |= dumped(scene.deployment.dsn)
    assert leaks(secrets, written) == []


def _live(scene: Scene) -> dict[str, str]:
    """Make every kind of secret and use it, rightly and wrongly; returns them. Answers to those who may not see them,
    and all errors, are kept in `answers`."""
    made: dict[str, str] = {"first key": scene.api().made("/agents", name="Owner")["api_key"]}
    owner = scene.api(made["first key"])
    for scope in ("read", "book", "full"):
        answer = owner.http.post("/agents/keys", json={"scope": scope}, headers={"Idempotency-Key": f"for-{scope}"})
        made[f"{scope} key"] = answer.json()["api_key"]
    owner.http.post("/agents/keys", json={"scope": "read"}, headers={"Idempotency-Key": "for-read"})  # given again

    smtp = {"host": "127.0.0.1", "port": scene.mails.port, "username": "ada@example.com", "from": "ada@example.com"}
    made["agent's smtp"] = "password-of-an-agents-own-mail"  # a wrong one: the server says so
    made["agentmail"], made["webhook, given"] = "am_key_that_is_not_right", "a secret of the agent's own words"
    body = {"name": "Work", "agentmail_api_key": made["agentmail"], "webhook_url": f"{scene.receiver.url}/a"}
    created = owner.made("/calendars", **body, webhook_secret=made["webhook, given"], webhook_offsets=["0"])
    calendar = Calendar(owner, created)
    made |= {"feed": created["feed_token"], "inbound": created["inbound_webhook_url"].rsplit("/", 1)[1]}
    made["webhook, made"] = owner.made("/webhooks", url=f"{scene.receiver.url}/fails")["secret"]
    scene.receiver.answer = lambda call: (500 if call.path.endswith("fails") else 200, {})

    owner.http.put("/agents/smtp", json={**smtp, "password": made["agent's smtp"]}).raise_for_status()
    scene.answers["smtp, read"] = owner.get("/agents/smtp").content
    scene.answers["smtp, tried"] = owner.post("/agents/smtp/test", {"to": "bob@example.com"}).content
    event = calendar.add(title="Lunch", attendees=["bob@example.com"], **LATER)
    calendar.change(event["id"], title="Late lunch")
    calendar.feed()
    _send_mails(scene, made, calendar)
    rotated = owner.post(f"{calendar.path}/rotate", {"what": ["feed", "inbound", "webhook_secret"]}).json()
    made |= {"new feed": rotated["feed_token"], "new webhook": rotated["webhook_secret"]}
    made["new inbound"] = rotated["inbound_webhook_url"].rsplit("/", 1)[1]
    calendar.change(event["id"], title="Latest lunch")
    scene.receiver.wait_for(4)
    other = scene.api(
        scene.api().made("/agents")["api_key"]
    )  # mails over the deployment's server, whose password is wrong
    others = Calendar(other, other.made("/calendars", name="Of another"))
    others.add(title="Lunch", attendees=["bob@example.com"], **LATER)
    for each in (calendar, others):
        assert eventually(partial(_tried, each)), "no mail was tried"
        scene.answers[f"mails of {each.id}"] = each.api.get(f"{each.path}/email-logs").content
    _ask_wrongly(scene, made, calendar)
    return made


def _send_mails(scene: Scene, made: dict[str, str], calendar: Calendar) -> None:
    outside = scene.api()
    door = "postmark:password-of-the-inbound-door"
    mail = {"MessageID": "1", "Subject": "Hello", "TextBody": "No calendar here.", "From": "a@example.com"}
    for auth in (door, "postmark:wrong"):
        credentials = {"Authorization": "Basic " + base64.b64encode(auth.encode()).decode()}
        answer = outside.http.post(f"/inbound/{made['inbound']}", json=mail, headers=credentials)
        scene.answers[f"mail, {auth == door}"] = answer.content
    attached = {"attachment_id": "a", "filename": "i.ics", "content_type": "text/calendar", "size": 100}
    fetched = {
        "message_id": "<2@x>",
        "inbox_id": "i",
        "subject": "s",
        "from": "a@example.com",
        "attachments": [attached],
    }
    told = json.dumps({"event_type": "message.received", "message": fetched}).encode()
    for is_right in (True, False):
        answer = outside.http.post(f"/inbound/{made['inbound']}", content=told, headers=_signed(told, is_right))
        assert answer.status_code == (200 if is_right else 401)
        scene.answers[f"agentmail, {is_right}"] = answer.content
    assert scene.agentmail.asked, "the attachment was not asked for"


def _signed(body: bytes, is_right: bool) -> dict[str, str]:
    """Svix' headers, with the secret that AgentMail signs with, or another."""
    secret = base64.b64decode(SETTINGS["KALENDS_AGENTMAIL_WEBHOOK_SECRET"].removeprefix("whsec_"))
    id_, stamp = "msg_1", str(int(time.time()))
    signature = hmac.digest(
        secret if is_right else b"another", b".".join((id_.encode(), stamp.encode(), body)), "sha256"
    )
    return {"svix-id": id_, "svix-timestamp": stamp, "svix-signature": f"v1,{base64.b64encode(signature).decode()}"}


def _tried(calendar: Calendar) -> bool:
    logs = calendar.api.got(f"{calendar.path}/email-logs")
    return any(mail["attempts"] for mail in next(iter(logs.values())))


def _ask_wrongly(scene: Scene, made: dict[str, str], calendar: Calendar) -> None:
    """Every route without a key, with one that nobody has, with one that may not, and with bodies that are none; and
    every route with a secret where it does not belong, by somebody to whom only the log could tell it."""
    stranger = scene.api().made("/agents", name="Stranger")["api_key"]
    keys = {
        "none": None,
        "unknown": "sk_live_NobodyHasThisKeyNobodyHasThisKey0",
        "stranger": stranger,
        "read": made["read key"],
    }
    clients = {name: scene.api(key) for name, key in keys.items()}
    for operation in OPERATIONS:
        if operation.id in ("delete_agent", "create_agent") or operation.id in UNRECORDED:
            continue
        path = operation.path.format(**NOBODYS | {"calendar_id": calendar.id})
        for name, api in clients.items():
            for body in (b'{"shoe_size": 43}', b"\xff"):
                answer = api.http.request(operation.method, path, content=body if operation.method != "GET" else None)
                scene.answers[f"{operation.id}, {name}, {body!r}"] = answer.content + str(answer.headers).encode()
                if operation.method == "GET" or name in ("none", "unknown"):
                    break
        own_secret = {"key_id": made["full key"], "token": made["new inbound"], "event_id": made["feed"]}
        misplaced = operation.path.format(**NOBODYS | {"calendar_id": made["new feed"]} | own_secret)
        clients["stranger"].http.request(operation.method, misplaced, content=b"{}", params={"token": made["new feed"]})
    for secret in (made["full key"], made["feed"], made["new inbound"], made["webhook, made"]):
        clients["stranger"].get(f"/nowhere/{secret}")
    for api in (clients["stranger"], scene.api(made["full key"])):
        answer = Line(api).call("get_event", calendar_id=made["new feed"], event_id=made["read key"])
        assert answer["isError"]
    time.sleep(FLUSH_EVERY + 0.1)  # what failed is kept for its agent to look up, within a second
