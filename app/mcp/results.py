"""Results of tools, from answers of the HTTP interface: the JSON as it is, and a short text beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from app.errors import Problem
from app.http.answers import encode
from app.mcp.calling import Answer, Caller
from app.mcp.telling import TEXT_MOST, UNTRUSTED, Telling, short
from app.mcp.tool import Tool
from app.pages.catalogue.shape import JSON

UNTRUSTED_META: Final = "kalends/untrusted"
REPLAYED_META: Final = "kalends/replayed"
_MARK: Final = b'"untrusted":true'  # as the renderer of events writes it
DONE: Final = b'{"done":true}'  # where HTTP answers with no body: clients miss a result that the schema announces
# Operations whose answers hold words of others without that mark: mails, and what servers answered.
_STRANGERS_WORDS: Final = frozenset({"list_inbound", "list_email_logs", "list_webhook_logs"})
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Result:
    """`structured` is one JSON object as it goes out, or None. `refusal` is the HTTP answer that is behind an error,
    None where the arguments could not even be sent."""

    text: str
    structured: bytes | None = None
    is_error: bool = False
    is_untrusted: bool = False
    is_replayed: bool = False
    refusal: Answer | None = None

    @property
    def meta(self) -> dict[str, Any]:
        untrusted = {UNTRUSTED_META: UNTRUSTED} if self.is_untrusted else {}
        return {**untrusted, REPLAYED_META: True} if self.is_replayed else untrusted


async def call(tool: Tool, arguments: Mapping[str, Any], caller: Caller) -> Result:
    """Perform a call. What is refused is a result too: a model can mend what it is told of."""
    try:
        request = tool.request(arguments)
    except Problem as problem:
        return _refused(_unsent(problem), None)
    answer = await caller(request)
    if answer.status >= 400:
        return _refused(answer.body, answer)
    return _done(tool, answer)


def _done(tool: Tool, answer: Answer) -> Result:
    is_json = answer.media == JSON
    value: Any = _decode(answer.body) if is_json else answer.body.decode("utf-8", "replace") or None
    to = Telling(is_preview=is_json and isinstance(value, dict) and value.get("preview") is True)
    is_replayed = "idempotent-replayed" in answer.headers
    if is_replayed:
        to.line("This is the first answer under this idempotency_key, given again: nothing new was done.")
    if to.is_preview:
        to.line("A preview: nothing was changed. What follows is what would be.")
    tool.says(value, to)
    is_untrusted = _MARK in answer.body or tool.operation_id in _STRANGERS_WORDS
    structured = answer.body if is_json else DONE if not answer.body else None
    return Result(to.text(), structured, is_untrusted=is_untrusted, is_replayed=is_replayed)


def _refused(body: bytes, answer: Answer | None) -> Result:
    error = _error_in(body)
    if error is None:  # nothing of ours stands between: a proxy, or another server altogether
        status = answer.status if answer is not None else 0
        error = {"error": f"The server answered {status}, in words that are not of Kalends.", "code": "unavailable"}
        body = encode(error)
    told = [" ".join(short(str(error[name]), TEXT_MOST) for name in ("error", "hint") if error.get(name))]
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
