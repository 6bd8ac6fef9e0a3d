"""Requests made up from the OpenAPI document by schemathesis, with a real key and ids that exist, so that they get past
the door; and what must hold of every answer."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.service import Api

CHECKS: Final = (
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
HOOK: Final = "http://127.0.0.1:9/hook"  # nobody listens
# These call what an agent named: of an agent whose addresses nothing made up has changed.
CALLING: Final = {"test_webhook", "test_calendar_webhook", "test_smtp"}
PUBLISHED: Final = {"/openapi.json", "/docs"}  # large, the same for everybody, and without anything to get wrong
STANDUP: Final = {
    "title": "Standup",
    "start": "2026-03-02T13:00:00Z",
    "duration": "PT15M",
    "recurrence": "FREQ=DAILY",
    "attendees": ["bob@example.com"],
}


@dataclass
class Agent:
    """An agent with one of everything that has an id; what a request removed is made anew."""

    url: str
    session: requests.Session
    key: str = ""
    ids: dict[str, str] = field(default_factory=dict)

    def renew(self) -> None:
        api = Api(self.url, None)
        self.key = api.made("/agents")["api_key"]
        api = Api(self.url, self.key)
        calendar = api.made("/calendars", name="Work", webhook_url=HOOK)
        path = f"/calendars/{calendar['calendar_id']}"
        series = api.made(f"{path}/events", **STANDUP)
        mail = {"MessageID": "1", "Subject": "s", "TextBody": "t", "From": "a@example.com"}
        api.post(calendar["inbound_webhook_url"], mail)
        self.ids = {
            "calendar_id": calendar["calendar_id"],
            "event_id": series["id"],
            "endpoint_id": api.made("/webhooks", url=HOOK)["id"],
            "key_id": api.made("/agents/keys", scope="read")["key_id"],
            "delivery_id": api.got(f"{path}/webhook-logs")["logs"][0]["id"],
            "mail_id": api.got(f"{path}/inbound")["mails"][0]["id"],
            "token": calendar["inbound_webhook_url"].rsplit("/", 1)[1],
        }
        self.feed_token = calendar["feed_token"]


def operations(url: str) -> Iterator[Any]:
    """Of what the service says of itself."""
    document = Api(url, None).got("/openapi.json")
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if operation.path not in PUBLISHED:
            yield operation


def fuzz(operation: Any, agent: Agent, spare: Agent, cases: int, number: int) -> int:
    """Send so many requests of an operation, half of them valid by the document and half not, and check their answers;
    returns how many were sent. `number` decides which. Raises for the first
    answer that is not as the document says, with the request that had it."""
    name = operation.definition.raw["operationId"]
    who = spare if name in CALLING else agent
    sent, examples = 0, _examples(operation)

    def send(case: Any, chance: random.Random) -> None:
        nonlocal sent
        sent += 1
        for variable in case.path_parameters or {}:
            if variable in who.ids and chance.random() < 0.9:
                date = "_20260303" if variable == "event_id" and chance.random() < 0.5 else ""
                case.path_parameters[variable] = who.ids[variable] + date
        if "wait" in (case.query or {}):
            case.query["wait"] = 0
        if name == "get_feed" and chance.random() < 0.9:
            case.query = {**(case.query or {}), "token": who.feed_token}
        if isinstance(case.body, dict) and examples and chance.random() < 0.6:  # past the first check, and beyond
            made_up = chance.sample(sorted(case.body), k=min(len(case.body), chance.randint(0, 2)))
            case.body = chance.choice(examples) | {member: case.body[member] for member in made_up}
        headers = {**(case.headers or {}), "Authorization": f"Bearer {who.key}"}
        case.headers = {key: value for key, value in headers.items() if _can_be_sent(value)}
        answer = case.call(base_url=who.url, session=who.session, timeout=20)
        with_key = {**headers, "Authorization": "Bearer …"}
        case.validate_response(answer, checks=list(CHECKS), headers=with_key)
        if case.method == "DELETE" and answer.status_code == 204:
            who.renew()

    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    for place, mode in enumerate(modes if cases > 1 else modes[number % 2 :][:1]):
        strategy = _strategy(operation, mode)
        if strategy is None:
            continue

        @seed(number + place)
        @hypothesis.settings(
            max_examples=max(1, cases // 2),
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy, hypothesis.strategies.integers(0, 2**32).map(random.Random))
        def run(case: Any, chance: random.Random) -> None:
            send(case, chance)

        try:
            run()
        except hypothesis.errors.Unsatisfiable:  # nothing to get wrong
            continue
    return sent


def _examples(operation: Any) -> list[dict[str, Any]]:
    """The bodies that the document shows."""
    content = operation.definition.raw.get("requestBody", {}).get("content", {}).get("application/json", {})
    return [example["value"] for example in content.get("examples", {}).values()]


def _strategy(operation: Any, mode: GenerationMode) -> Any:
    try:
        return operation.as_strategy(generation_mode=mode)
    except Exception as error:
        if "negative" in str(error).lower():
            return None
        raise


def _can_be_sent(value: Any) -> bool:
    try:
        str(value).encode("latin-1")
    except UnicodeError:
        return False
    return "\n" not in str(value) and "\r" not in str(value)


@contextmanager
def agents(url: str) -> Iterator[tuple[Agent, Agent]]:
    with requests.Session() as session:
        session.trust_env = False
        pair = Agent(url, session), Agent(url, session)
        for each in pair:
            each.renew()
        yield pair
