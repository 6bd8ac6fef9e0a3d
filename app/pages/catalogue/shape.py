"""What an operation of the HTTP interface is, as data: the one source of `/openapi.json`, `/docs` and the contract
tests. What follows from the nature of an operation (its headers, the errors that any such request can meet) is derived
here, so that an entry says only what is its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from app.agents.access import Scope
from app.errors import CODES
from app.http.requests import Body

Schema = dict[str, Any]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
JSON: Final = "application/json"
_VARIABLE: Final = re.compile(r"{([a-z_]+)}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the path or the query, or one header; `schema` is JSON Schema with its limits and default."""

    name: str
    schema: Schema
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that is no error. `schema` names a component, or is None where there is no body or only text."""

    status: int
    description: str
    schema: str | None = None
    media: str = JSON

    @property
    def has_body(self) -> bool:
        return self.status not in (204, 304)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A request that works as it stands. Values may hold variables (`$CALENDAR`), as a shell would: `keeps` says which
    member of the answer a later request finds under which variable; `text` is a body that is no JSON."""

    name: str = "default"
    summary: str = ""
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    text: str | None = None
    keeps: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`scope` is the least a key needs, None where no key is asked for. `request` is the model that checks the body;
    `accepts` names the component that describes one which others shape, and which may hold more; `takes` is the media
    type of one that is text. `raises` holds the
    codes that do not follow from the rest. `conditional` answers carry an ETag and 304; `guarded` writes heed
    If-Match. `welcomes_key`: no key is asked for, and one that comes along is heeded. `for_operators`: the deployment's
    own token is asked for instead. Without `has_effect` a POST changes nothing."""

    id: str
    method: Method
    path: str
    section: str
    summary: str
    description: str
    scope: Scope | None
    answers: tuple[Answer, ...]
    examples: tuple[Example, ...]
    query: tuple[Parameter, ...] = ()
    request: type[Body] | None = None
    accepts: str | None = None
    takes: str | None = None
    body_required: bool = True
    conditional: bool = False
    guarded: bool = False
    limited: bool = False
    welcomes_key: bool = False
    for_operators: bool = False
    checks_query: bool = True
    asks_database: bool = True
    has_effect: bool = True
    raises: tuple[str, ...] = ()

    @property
    def path_variables(self) -> tuple[str, ...]:
        return tuple(_VARIABLE.findall(self.path))

    @property
    def needs(self) -> str:
        """What key is asked for, in a sentence."""
        if self.scope is not None:
            return f"Needs a key of scope `{self.scope}`."
        if self.for_operators:
            return "Needs the operators' token."
        return "Answers with a key, and without." if self.welcomes_key else "Needs no key."

    @property
    def takes_key(self) -> bool:
        return self.scope is not None or self.welcomes_key

    @property
    def body(self) -> str | None:
        """The component that describes the body, if there is one."""
        return self.accepts if self.request is None else self.request.__name__

    @property
    def is_repeatable(self) -> bool:
        """Whether an Idempotency-Key makes it safe to send again."""
        return self.method == "POST" and self.scope is not None and self.has_effect

    @property
    def is_limited(self) -> bool:
        return self.limited or self.scope is not None

    @property
    def all_answers(self) -> tuple[Answer, ...]:
        fresh = Answer(304, "Unchanged: If-None-Match names the present ETag.")
        return (*self.answers, fresh) if self.conditional else self.answers

    @property
    def request_headers(self) -> tuple[str, ...]:
        """Names of components in `headers.REQUEST`."""
        named = {
            "Idempotency-Key": self.is_repeatable,
            "If-Match": self.guarded,
            "If-None-Match": self.conditional,
        }
        return tuple(name for name, sent in named.items() if sent)

    @property
    def error_codes(self) -> tuple[str, ...]:
        """Every code this operation can answer with, in the order of `CODES`."""
        found = {"misdirected_request", "internal", *self.raises}
        if self.asks_database:
            found.add("unavailable")
        if self.checks_query or self.query:
            found |= {"unknown_field", "invalid_field"}
        if self.path_variables:
            found.add("not_found")
        if self.takes_key:
            found |= {"unauthorized", "too_many_requests"}
        if self.scope in ("book", "full"):
            found.add("scope_missing")
        if self.is_limited:
            found.add("too_many_requests")
        if self.request is not None:
            found |= {"invalid_json", "unknown_field", "invalid_field", "body_too_large"}
            if any(member.is_required() for member in self.request.model_fields.values()):
                found.add("missing_field")
            if self.method == "PATCH":
                found.add("nothing_to_change")
        if self.takes is not None:
            found |= {"invalid_field", "body_too_large"}
        if self.accepts is not None:
            found |= {"invalid_json", "body_too_large"}
        if self.is_repeatable:
            found |= {"invalid_field", "idempotency_in_progress", "idempotency_mismatch"}
        if self.guarded:
            found.add("precondition_failed")
        return tuple(code for code in CODES if code in found)
