"""Every request of the catalogue that names an id, sent by another agent: with that id, and with one that nobody has.

What names an id is found in the requests themselves, so that a route which comes later is asked too; one whose path
holds something of which nobody knows whether it is an id fails the tests until that is said here.
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import psycopg

from app.pages.catalogue import OPERATIONS
from app.pages.catalogue.examples import with_values
from app.pages.catalogue.shape import Example, Operation
from app.pages.curl import address_of
from tests.contract.tour import Tour, body_of
from tests.support.service import Api

ID: Final = re.compile(r"\b([a-z]{3}_)([0-9A-Za-z]{12})(?![0-9A-Za-z])")
SECRET: Final = re.compile(r"\b(?:feed|inb|sk_live|whsec|page)_[0-9A-Za-z]{20,}")
# Path variables that hold no id but a secret, which opens by itself; whoever has it is no stranger.
CAPABILITIES: Final = {"token"}
# Whose words in a path are neither: names of things that are the same for everybody.
PUBLIC: Final = {"topic", "digest", "name"}
SCOPES: Final = ("full", "book", "read")
_ALPHABET: Final = string.digits + string.ascii_letters
# Written beside requests: how much of a limit is spent, who fetched what, what an agent of its own requests failed.
_IN_PASSING: Final = ("allowances", "feed_fetches", "dispatchers", "failures")
_FLEETING: Final = {"x-request-id", "date", "ratelimit"}


@dataclass(frozen=True)
class Told:
    """An answer without what differs from request to request, and with ids by the order in which they were sent."""

    status: int
    body: str
    headers: Mapping[str, str]


@dataclass
class Strange:
    """One request as strangers sent it: what each scope was told of the id, and of one that nobody has."""

    operation: Operation
    example: Example
    others_ids: tuple[str, ...]
    told: list[tuple[str, Told, Told]] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.operation.id}.{self.example.name} with {', '.join(each[:4] for each in self.others_ids)}"


def names_ids(operation: Operation) -> bool:
    return bool(set(operation.path_variables) - CAPABILITIES - PUBLIC)


def ask_as_strangers(tour: Tour) -> Iterator[Strange]:
    """All such requests. Another agent has a calendar and a feed of its own, so that an id alone can be another's."""
    url = str(tour.http.base_url)
    own = Api(url, Api(url, None).made("/agents")["api_key"])
    calendar = own.made("/calendars", name="Of the stranger")
    keys = {"full": own.key} | {scope: own.made("/agents/keys", scope=scope)["api_key"] for scope in SCOPES[1:]}
    with psycopg.connect(tour.service.dsn, autocommit=True) as connection:
        fingerprints = _fingerprints(connection)
        before = _rows(connection, fingerprints)
        for operation in OPERATIONS:
            for example in operation.examples:
                request = _Request(tour, operation, example)
                for chosen in request.choices():
                    strange = Strange(operation, example, chosen)
                    for scope in SCOPES if operation.scope is not None else ("full",):
                        own_ids = {"cal_": calendar["calendar_id"]}
                        told = request.sent(own.http, keys[scope], calendar["feed_token"], chosen, own_ids)
                        strange.told.append((scope, *told))
                    after = _rows(connection, fingerprints)
                    strange.changed = [table for table in after if after[table] != before[table]]
                    before = after
                    yield strange


@dataclass
class _Request:
    tour: Tour
    operation: Operation
    example: Example

    def __post_init__(self) -> None:
        self.address = with_values(address_of(self.operation, self.example), self.tour.values)
        self.body = body_of(self.tour, self.example, self.operation)
        agents = {self.tour.values["AGENT"]} if "AGENT" in self.tour.values else set[str]()
        found = ID.findall(f"{self.address} {self.body}")
        self.ids = tuple(dict.fromkeys(prefix + rest for prefix, rest in found if prefix + rest not in agents))

    def choices(self) -> Iterator[tuple[str, ...]]:
        """All ids another's; and where a calendar is the stranger's own, each other one by itself."""
        if not self.ids:
            return
        yield self.ids
        rest = tuple(each for each in self.ids if not each.startswith("cal_"))
        if rest and rest != self.ids:
            yield rest

    def sent(
        self, http: httpx.Client, key: str | None, token: str, chosen: tuple[str, ...], own: Mapping[str, str]
    ) -> tuple[Told, Told]:
        """What is told of the other's ids, and of made-up ones. Secrets in the address are the stranger's own."""
        answers = []
        for ids in (chosen, tuple(_made_up(each) for each in chosen)):
            put = {each: own.get(each[:4], each) for each in self.ids} | dict(zip(chosen, ids, strict=True))
            address = SECRET.sub(token, _replaced(self.address, put))
            answer = http.request(
                self.operation.method,
                address,
                json=_replaced_in(self.body, put),
                headers={} if not self.operation.takes_key else {"Authorization": f"Bearer {key}"},
            )
            answers.append(_told(answer, ids))
        return answers[0], answers[1]


def _made_up(id_: str) -> str:
    return id_[:4] + "".join(secrets.choice(_ALPHABET) for _ in range(12))


def _replaced(text: str, put: Mapping[str, str]) -> str:
    for old, new in put.items():
        text = text.replace(old, new)
    return text


def _replaced_in(value: Any, put: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _replaced_in(inner, put) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replaced_in(inner, put) for inner in value]
    return _replaced(value, put) if isinstance(value, str) else value


def _told(answer: httpx.Response, ids: tuple[str, ...]) -> Told:
    body = re.sub(r"req_[0-9A-Za-z]{12}", "req_", answer.text)
    for place, each in enumerate(ids):
        body = body.replace(each, f"<{place}>")
    return Told(
        answer.status_code, body, {name: value for name, value in answer.headers.items() if name not in _FLEETING}
    )


def _fingerprints(connection: psycopg.Connection[Any]) -> bytes:
    """The statement that tells of each table what it holds, but for what is counted in passing."""
    tables = connection.execute(
        "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    )
    parts = []
    for (table,) in tables:
        if table not in _IN_PASSING:
            row = "(to_jsonb(t) - 'last_used_at')::text" if table == "keys" else "t::text"
            parts.append(f"select '{table}', md5(string_agg({row}, chr(10) order by {row})) from \"{table}\" t")
    return " union all ".join(parts).encode()


def _rows(connection: psycopg.Connection[Any], fingerprints: bytes) -> dict[str, str | None]:
    return dict(connection.execute(fingerprints).fetchall())
