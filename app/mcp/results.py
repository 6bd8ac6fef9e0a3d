"""Results of tools, from answers of the HTTP interface: the JSON as it is, and a short text beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from app.errors import Problem
from app.http.answers import encode
from app.mcp.calling import Answer, Caller
from app.mcp.telling import UNTRUSTED, Telling, short
from app.mcp.tool import Tool
from app.pages.catalogue.shape import JSON

UNTRUSTED_META: Final = "kalends/untrusted"
_MARK: Final = b'"untrusted":true'  # as the renderer of events writes it
_STRANGERS_WORDS: Final = frozenset({"list_inbound"})  # operations whose answers hold them without that mark
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Result:
    """`structured` is one JSON object as it goes out, or None. `refusal` is the HTTP answer that is behind an error,
    None where the arguments could not even be sent."""

    text: str
    structured: bytes | None = None
    is_error: bool = False
    is_untrusted: bool = False
    refusal: Answer | None = None

    @property
    def meta(self) -> dict[str, Any]:
        return {UNTRUSTED_META: UNTRUSTED} if self.is_untrusted else {}


async def call(tool: Tool, arguments: Mapping[str, Any], caller: Caller) -> Result:
    """Perform a call. What is refused is a result too: a model can mend what it is told of."""
    try:
        request = tool.request(arguments)
    except Problem as problem:
        return _refused(_unsent(problem), None)
    answer = await caller(request)
    if answer.status >= 400:
        return _refused(answer.body, answer)
    return result_of(tool, answer)


def result_of(tool: Tool, answer: Answer) -> Result:
    """The result of an answer that is no error."""
    to = Telling()
    if answer.media == JSON:
        tool.says(_decode(answer.body), to)
        is_untrusted = _MARK in answer.body or tool.operation_id in _STRANGERS_WORDS
        return Result(to.text(), answer.body, is_untrusted=is_untrusted)
    text = answer.body.decode("utf-8", "replace") if answer.body else None
    tool.says(text, to)
    return Result(to.text())


def _refused(body: bytes, answer: Answer | None) -> Result:
    error = _error_in(body)
    if error is None:  # nothing of ours stands between: a proxy, or another server altogether
        status = answer.status if answer is not None else 0
        error = {"error": f"The server answered {status}, in words that are not of Kalends.", "code": "unavailable"}
        body = encode(error)
    told = [" ".join(part for part in (short(error["error"]), error.get("hint")) if part)]
    about = [f"{name}: {error[name]}" for name in ("code", "field", "request_id") if error.get(name)]
    return Result("\n".join([*told, ", ".join(about)]), body, is_error=True, refusal=answer)


def _unsent(problem: Problem) -> bytes:
    """The error object of a request that was never made, and so has no id."""
    members = {"error": problem.message, "code": problem.code, "hint": problem.hint, "field": problem.field}
    return encode({name: value for name, value in members.items() if value is not None})


def _error_in(body: bytes) -> dict[str, Any] | None:
    try:
        found = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("error"), str) else None
