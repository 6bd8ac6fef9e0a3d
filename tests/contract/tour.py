"""Every example of the catalogue, sent to a real service in an order in which each finds what it names; and a mistake
for every code of error that a request can provoke."""

from __future__ import annotations

import hashlib
import json
import re
import string
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg

from app.clock import FrozenClock
from app.http.edge import BODY_LIMIT
from app.ids import PREVIEWED
from app.pages.catalogue import OPERATIONS
from app.pages.catalogue.examples import REQUEST_ID, VARIABLES, with_values
from app.pages.catalogue.shape import Example, Operation
from app.pages.curl import address_of
from app.settings import Settings
from tests.support.mailserver import PASSWORD, MailServer, mail_server
from tests.support.receiver import receiving
from tests.support.service import Api, Service, serving

PUBLIC_URL: Final = "https://calendars.example.com"
NOW: Final = datetime(2027, 2, 26, 12, tzinfo=UTC)  # a Friday, two weeks before New York's clocks go forward
_DIGITS: Final = string.digits + string.ascii_letters
STAMP: Final = "2027-02-26T12:00:00.000Z"
OPERATORS: Final = {"KALENDS_METRICS_TOKEN": VARIABLES["KALENDS_METRICS_TOKEN"]}
UNRECORDED: Final = frozenset(  # documents, and what differs
    {
        *("get_openapi", "get_docs", "get_topic", "get_llms", "get_changelog", "get_page", "get_home", "get_asset"),
        "get_metrics",
    }
)
_CALENDARS: Final = 5  # quota of the agent on tour
_STANDUP: Final[Mapping[str, Any]] = {
    "title": "Standup",
    "start": "2027-03-01T09:00:00",
    "duration": "PT15M",
    "recurrence": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
}
_LUNCH: Final[Mapping[str, Any]] = {"title": "Lunch", "start": "2027-03-02T12:00:00", "end": "2027-03-02T13:00:00"}


@dataclass(frozen=True, slots=True)
class Stop:
    operation: Operation
    example: Example
    response: httpx.Response

    @property
    def name(self) -> str:
        return f"{self.operation.id}.{self.example.name}"


@dataclass(frozen=True, slots=True)
class Mistake:
    """`operation` is the id of the one it is made at; None where the request reaches none."""

    code: str
    operation: str | None
    method: str
    path: str
    json: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tour:
    service: Service
    http: httpx.Client
    stops: list[Stop]
    revisits: list[Stop]
    refusals: list[tuple[Mistake, httpx.Response]]
    values: dict[str, str]
    mail_server: MailServer
    drawn: dict[str, str] = field(default_factory=dict)

    def answers(self) -> dict[str, Any]:
        """What was answered, as `examples.json` keeps it."""
        return {
            stop.name: self.shown(stop.response)
            for stop in self.stops
            if stop.response.content and stop.operation.id not in UNRECORDED
        }

    def errors(self) -> dict[str, Any]:
        return {mistake.code: self.shown(response) for mistake, response in self.refusals}

    def shown(self, response: httpx.Response) -> Any:
        """An answer with the values of `VARIABLES` in place of those that were drawn."""
        text = response.content.decode().replace(f":{self.mail_server.port}", ":465")
        text = text.replace('"security":"none"', '"security":"tls"')  # what 465 means elsewhere than on loopback
        for name, value in self.values.items():
            if name in VARIABLES:
                text = text.replace(value, VARIABLES[name])
            if name in ("KALENDS_API_KEY", "READ_KEY"):
                text = text.replace(f'"{value[:14]}"', f'"{VARIABLES[name][:14]}"')
        text = text.replace(self.values["CALENDAR"][4:], VARIABLES["CALENDAR"][4:])
        text = self._without_chance(text)
        if not response.headers["Content-Type"].startswith("application/json"):
            return text
        value = json.loads(text)
        if "recommended_next_step" in value:
            _abridge(value)
        if "postgres" in value:
            value |= {"postgres": 18, "schema": 1}
        if "webhooks" in value:  # as the keys below
            value["webhooks"].sort(key=lambda webhook: not webhook["is_own_of_calendar"])
        if "keys" in value:  # made in one instant, so their order is chance; noted as used within a second
            keys = sorted(value["keys"], key=lambda key: key["name"] or "")
            value["keys"] = [key | {"last_used_at": STAMP} for key in keys]
        if "mails" in value:  # come in one instant, likewise
            value["mails"].sort(key=lambda mail: str(mail["message_id"]))
        return value

    def _without_chance(self, text: str) -> str:
        """Ids and secrets that no variable stands for, and whatever else differs from run to run."""

        def stand_in(found: re.Match[str]) -> str:
            if found[0] in VARIABLES.values() or found[0].startswith(PREVIEWED):
                return found[0]
            return self.drawn.setdefault(found[0], found[1] + _made_up(str(len(self.drawn)), len(found[2])))

        text = re.sub(r"\breq_[0-9A-Za-z]{12}\b", REQUEST_ID, text)
        text = re.sub(r"X-DIGEST=[0-9a-f]{16}", "X-DIGEST=5f0e8c1d2b7a9346", text)
        text = re.sub(r'"ms":[0-9.]+', '"ms":41.5', text)
        text = re.sub(r"\b((?:feed|inb|whsec)_)([0-9A-Za-z]{32})", stand_in, text)
        text = re.sub(r"\b((?:agt|cal|evt|key|whe|dlv|inm)_)([0-9A-Za-z]{12})(?![0-9A-Za-z])", stand_in, text)
        return re.sub(r'("next_cursor":")[^"]+', r"\1WzE3NzI0NTc2MDAsImV2dF9SajVjTTF5S3g4Qm4iLCIiXQ", text)


def _abridge(manual: dict[str, Any]) -> None:
    """The manual shows an answer to every request, itself among them."""
    manual["topics"] = manual["topics"][:2]
    if "endpoints" in manual:
        manual["endpoints"] = manual["endpoints"][:1]
    if "guide" in manual:
        manual["guide"] = manual["guide"][:200] + "…"


def _made_up(seed: str, length: int) -> str:
    digits = hashlib.sha512(seed.encode()).digest()
    return "".join(_DIGITS[byte % len(_DIGITS)] for byte in digits)[:length]


Send = Callable[["Tour", Operation, Example], httpx.Response]
Halfway = Callable[["Tour"], None]


@contextmanager
def on_tour(
    dsn: str, data_dir: Path, send_otherwise: Send | None = None, halfway: Halfway = lambda _: None
) -> Iterator[Tour]:
    """A service of its own, with all stops made; by `send_otherwise` without mistakes and without coming again.
    `halfway` is called when everything is there that examples name, and nothing was removed."""
    with mail_server(authenticates=True) as server:
        yield from _toured(dsn, data_dir, server, send_otherwise, halfway)


def _toured(
    dsn: str, data_dir: Path, server: MailServer, send_otherwise: Send | None, halfway: Halfway
) -> Iterator[Tour]:
    settings = Settings(
        smtp=server.server,
        secret_keys=("k" * 32,),
        data_dir=data_dir,
        public_url=None if send_otherwise else PUBLIC_URL,
        email_domain="calendars.example.com",
        quota_calendars=_CALENDARS,
        dispatch=False,
        metrics_token=VARIABLES["KALENDS_METRICS_TOKEN"],
    )
    with receiving() as receiver, serving(settings, dsn, FrozenClock(NOW)) as service:
        tour = Tour(
            service,
            Api(service.url, None).http,
            [],
            [],
            [],
            {"HOOK": receiver.url, "SMTP_HOST": "127.0.0.1"} | OPERATORS,
            server,
        )
        visit = partial(_visit, tour, send_otherwise or send)
        removals = [operation for operation in OPERATIONS if operation.method == "DELETE"]
        for operation in OPERATIONS:
            if operation not in removals:
                visit(operation)
        halfway(tour)
        if send_otherwise is None:
            _err(tour)
        for operation in reversed(removals):
            visit(operation)
        yield tour


def send(
    tour: Tour, operation: Operation, example: Example, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """The request of an example, with the tour's own ids, mail server and its password."""
    return tour.http.request(
        operation.method,
        with_values(address_of(operation, example), tour.values),
        json=body_of(tour, example, operation),
        content=example.text,
        headers={**_key(operation, tour), **_kind(operation), **(headers or {})},
    )


def body_of(tour: Tour, example: Example, operation: Operation) -> Any:
    """The body of an example's request; None where it has none."""
    body = None if example.body is None else {name: _filled(value, tour) for name, value in example.body.items()}
    if body is not None and operation.id == "put_smtp":
        body |= {"port": tour.mail_server.port, "password": PASSWORD}
    return body


def _kind(operation: Operation) -> dict[str, str]:
    return {} if operation.takes is None else {"Content-Type": operation.takes}


def _filled(value: Any, tour: Tour) -> Any:
    return with_values(value, tour.values) if isinstance(value, str) else value


def _key(operation: Operation, tour: Tour) -> dict[str, str]:
    variable = "KALENDS_METRICS_TOKEN" if operation.for_operators else "KALENDS_API_KEY"
    asked = operation.takes_key or operation.for_operators
    return {"Authorization": f"Bearer {tour.values[variable]}"} if asked else {}


def _visit(tour: Tour, ask: Send, operation: Operation) -> None:
    for example in operation.examples:
        if operation.id == "list_errors":
            tour.http.post("/calendars", json={"name": "W", "timezone": "Europe/Berln"}, headers=_key(operation, tour))
        response = ask(tour, operation, example)
        if operation.id == "get_feed_insight":
            response = _once_noted(tour, operation, example)
        tour.stops.append(Stop(operation, example, response))
        if operation.conditional and ask is send:
            again = send(tour, operation, example, {"If-None-Match": response.headers["ETag"]})
            tour.revisits.append(Stop(operation, example, again))
        for variable, member in example.keeps.items():
            tour.values[variable.removeprefix("$")] = response.json()[member]
        if operation.id == "create_calendar":
            tour.values["ADDRESS"] = response.json()["email"]
            tour.values["INBOUND_TOKEN"] = response.json()["inbound_webhook_url"].rsplit("/", 1)[1]
        if operation.id == "list_inbound":
            tour.values["MAIL"] = next(m["id"] for m in response.json()["mails"] if m["status"] == "ignored")
        if operation.id == "create_key":
            tour.values["READ_KEY"] = response.json()["api_key"]


def _once_noted(tour: Tour, operation: Operation, example: Example) -> httpx.Response:
    """Fetches of a feed are noted within a second."""
    deadline = time.monotonic() + 5
    while True:
        response = send(tour, operation, example)
        if response.json()["last_fetched_at"] is not None or time.monotonic() > deadline:
            return response
        time.sleep(0.05)


def _err(tour: Tour) -> None:
    api = Api(tour.service.url, tour.values["KALENDS_API_KEY"])
    tour.values["FULL_KEY_ID"] = next(
        key["key_id"] for key in api.got("/agents/keys")["keys"] if key["scope"] == "full"
    )
    api.http.post("/calendars", json={"name": "Home"}, headers={"Idempotency-Key": "home"})
    while api.post("/calendars", {"name": "More"}).status_code == 201:
        continue
    while Api(tour.service.url, None).post("/agents").status_code == 201:
        continue
    for mistake in MISTAKES:
        if mistake.code == "gone":
            with psycopg.connect(tour.service.dsn) as database:
                database.execute("delete from changes where seq < 3")
        tour.refusals.append((mistake, _make(mistake, tour)))


def _make(mistake: Mistake, tour: Tour) -> httpx.Response:
    headers = {"Authorization": "Bearer $KALENDS_API_KEY", **mistake.headers}
    return tour.http.request(
        mistake.method,
        with_values(mistake.path, tour.values),
        json=mistake.json,
        content=mistake.content,
        headers={name: with_values(value, tour.values) for name, value in headers.items()},
    )


def _event(code: str, **wrong: Any) -> Mistake:
    whole = _STANDUP if {"recurrence", "exdates"} & set(wrong) else _LUNCH
    return Mistake(code, "create_event", "POST", "/calendars/$CALENDAR/events", json={**whole, **wrong})


MISTAKES: Final = (
    Mistake("invalid_json", "create_calendar", "POST", "/calendars", content=b'{"name": "Work"'),
    Mistake("missing_field", "create_event", "POST", "/calendars/$CALENDAR/events", json={"title": "Lunch"}),
    Mistake("unknown_field", "create_calendar", "POST", "/calendars", json={"nmae": "Work", "name": "Work"}),
    Mistake("invalid_field", "create_key", "POST", "/agents/keys", json={"scope": "all"}),
    Mistake("nothing_to_change", "update_event", "PATCH", "/calendars/$CALENDAR/events/$EVENT", json={}),
    _event("invalid_time", start="tomorrow at noon"),
    Mistake(
        "invalid_timezone", "create_calendar", "POST", "/calendars", json={"name": "W", "timezone": "Europe/Berln"}
    ),
    _event("offset_mismatch", start="2027-03-02T12:00:00+01:00", timezone="America/New_York"),
    _event("end_before_start", end="2027-03-02T11:00:00"),
    _event("invalid_recurrence", recurrence="FREQ=DAILY;INTERVAL=0"),
    _event("recurrence_too_costly", recurrence="FREQ=HOURLY;BYMINUTE=0,10,20,30,40,50"),
    _event("recurrence_without_dates", recurrence="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
    _event("not_a_date_of_the_series", exdates=["2027-03-06"]),
    Mistake("mode_required", "delete_event", "DELETE", "/calendars/$CALENDAR/events/$SERIES"),
    Mistake("confirmation_required", "delete_agent", "DELETE", "/agents/me"),
    Mistake("unauthorized", "get_agent", "GET", "/agents/me", headers={"Authorization": "Bearer sk_live_mistyped"}),
    Mistake(
        "scope_missing",
        "create_calendar",
        "POST",
        "/calendars",
        json={"name": "Work"},
        headers={"Authorization": "Bearer $READ_KEY"},
    ),
    Mistake("quota_exceeded", "create_calendar", "POST", "/calendars", json={"name": "One too many"}),
    Mistake("not_found", "get_event", "GET", "/calendars/$CALENDAR/events/evt_mistyped"),
    Mistake("method_not_allowed", None, "PUT", "/calendars"),
    _event("expectation_failed", expect={"weekday": "monday"}),
    Mistake("conflict", "delete_key", "DELETE", "/agents/keys/$FULL_KEY_ID"),
    Mistake(
        "precondition_failed",
        "update_calendar",
        "PATCH",
        "/calendars/$CALENDAR",
        json={"name": "Work"},
        headers={"If-Match": '"1"'},
    ),
    Mistake("body_too_large", "create_calendar", "POST", "/calendars", content=b" " * (BODY_LIMIT + 1)),
    Mistake("misdirected_request", "get_agent", "GET", "/agents/me", headers={"Host": "elsewhere.example"}),
    Mistake(
        "idempotency_mismatch",
        "create_calendar",
        "POST",
        "/calendars",
        json={"name": "Another"},
        headers={"Idempotency-Key": "home"},
    ),
    Mistake("too_many_requests", "create_agent", "POST", "/agents"),
    Mistake("gone", "list_changes", "GET", "/calendars/$CALENDAR/changes?since=1"),
)
