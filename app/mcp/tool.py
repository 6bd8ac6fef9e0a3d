"""What a tool is, as data, and how its arguments become a request of the HTTP interface."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

from app.errors import Problem
from app.http.answers import encode
from app.mcp.calling import Request
from app.mcp.telling import Telling
from app.pages.catalogue import OPERATIONS
from app.pages.catalogue.shape import JSON, Operation

Effect = Literal["reads", "adds", "changes", "removes"]
Say = Callable[[Any, Telling], None]
"""Tells in a few lines what an answer says: its JSON, its text, or None where it has no body."""

HEADER_ARGUMENTS: Final[Mapping[str, str]] = {"Idempotency-Key": "idempotency_key", "If-Match": "if_match"}
_VISIBLE: Final = re.compile(r"[\x20-\x7e]*")
_BY_ID: Final = {operation.id: operation for operation in OPERATIONS}


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One tool: an operation of the catalogue under a name that an agent chooses by.

    `description` says when to use it. `says` writes the short text that goes with an answer. `reaches_out` is for what
    makes others hear of it, by mail or HTTP, or holds what they wrote. `hides` are parameters and fields that stay out
    of the input schema; they are still understood. `always` are parameters that every call sends. `text` is the name of
    the argument whose text is the body, sent as `text_media`, of an operation that does not take JSON.
    """

    name: str
    title: str
    description: str
    operation_id: str
    effect: Effect
    says: Say
    reaches_out: bool = False
    repeats: bool | None = None
    hides: tuple[str, ...] = ()
    always: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    text_media: str = "text/calendar"

    @cached_property
    def operation(self) -> Operation:
        return _BY_ID[self.operation_id]

    @cached_property
    def query_names(self) -> frozenset[str]:
        return frozenset(parameter.name for parameter in self.operation.query)

    @cached_property
    def header_arguments(self) -> Mapping[str, str]:
        """Headers by the argument that sets them."""
        return {HEADER_ARGUMENTS[name]: name for name in self.operation.request_headers if name in HEADER_ARGUMENTS}

    @property
    def is_idempotent(self) -> bool:
        """Whether calling it again with the same arguments changes nothing more. It follows from the effect, unless
        `repeats` says otherwise."""
        return self.effect != "adds" if self.repeats is None else self.repeats

    @property
    def annotations(self) -> Mapping[str, bool]:
        """Hints of the protocol, all four of them: their defaults assume the worst."""
        return {
            "readOnlyHint": self.effect == "reads",
            "destructiveHint": self.effect in ("changes", "removes"),
            "idempotentHint": self.is_idempotent,
            "openWorldHint": self.reaches_out,
        }

    def request(self, arguments: Mapping[str, Any]) -> Request:
        """The request that a call is. What no place is known for goes into the body, or without one into the query,
        for the HTTP interface to refuse by name; so does everything of a wrong type or size.

        Raises `missing_field` or `invalid_field` for what cannot be put into a request at all.
        """
        left = {**arguments, **self.always}
        path = self.operation.path
        for name in self.operation.path_variables:
            path = path.replace(f"{{{name}}}", _segment(name, left.pop(name, None)))
        headers = {
            header.lower(): _header(argument, value)
            for argument, header in self.header_arguments.items()
            if (value := left.pop(argument, None)) is not None
        }
        body, media = b"", ""
        if self.text is not None:
            body, media = _text(self.text, left.pop(self.text, None)), self.text_media
        takes_json = self.text is None and self.operation.body is not None
        query = {name: left.pop(name) for name in list(left) if not takes_json or name in self.query_names}
        if takes_json:
            body, media = _json(left), JSON
        pairs = [(name, _value(name, value)) for name, value in query.items() if value is not None]
        if media:
            headers["content-type"] = media
        target = f"{path}?{urlencode(pairs)}" if pairs else path
        return Request(self.operation.method, target, headers, body)


def _segment(name: str, value: Any) -> str:
    if value is None or value == "":
        raise Problem("missing_field", f"{name} is required.", hint=f"Add {name} to the arguments.", field=name)
    if not isinstance(value, str):
        raise Problem("invalid_field", f"{name} must be text.", field=name)
    # Nothing but dots would be another path to whoever tidies paths up.
    return quote(_utf8(name, value), safe="") if value.strip(".") else "%2E" * len(value)


def _header(name: str, value: Any) -> str:
    if not isinstance(value, str) or not _VISIBLE.fullmatch(value):
        raise Problem("invalid_field", f"{name} must be text of visible ASCII characters.", field=name)
    return value


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float):
        return _utf8(name, str(value))
    raise Problem("invalid_field", f"{name} must be a single value.", field=name)


def _text(name: str, value: Any) -> bytes:
    if not isinstance(value, str) or not value:
        raise Problem("missing_field", f"{name} is required.", hint=f"Give the text itself as {name}.", field=name)
    return _utf8(name, value).encode()


def _json(value: Mapping[str, Any]) -> bytes:
    try:
        return encode(value)
    except (UnicodeEncodeError, OverflowError, RecursionError, ValueError):
        raise Problem("invalid_json", "The arguments cannot be written as JSON.") from None


def _utf8(name: str, value: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Problem("invalid_field", f"{name} holds characters that cannot be read.", field=name) from None
    return value
