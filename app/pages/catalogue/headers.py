"""The headers that requests may send and answers carry."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from app.http.writes import KEPT
from app.pages.catalogue.shape import Answer, Operation, Parameter, Schema

_HOURS: Final = KEPT // timedelta(hours=1)
_TEXT: Final[Schema] = {"type": "string"}

REQUEST: Final = {
    header.name: header
    for header in (
        Parameter(
            "Idempotency-Key",
            {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            "Makes the request safe to send again: the same key and body within "
            f"{_HOURS} hours give the first answer again, with Idempotent-Replayed. A random UUID serves well.",
        ),
        Parameter(
            "If-Match",
            _TEXT,
            "An ETag read before. When the state has changed since, nothing is written and the answer is 412 with the "
            "present state in `current`.",
        ),
        Parameter("If-None-Match", _TEXT, "An ETag read before. While it is the present one, the answer is 304."),
    )
}

ANSWER: Final = {
    header.name: header
    for header in (
        Parameter("X-Request-Id", _TEXT, "Names the request in the service's log.", required=True),
        Parameter("ETag", _TEXT, "The state answered with, for If-Match and If-None-Match.", required=True),
        Parameter("Last-Modified", _TEXT, "When the calendar changed last.", required=True),
        Parameter(
            "RateLimit-Policy", _TEXT, 'The limit that counts here: `"default";q=1000;w=60`, requests and seconds.'
        ),
        Parameter("RateLimit", _TEXT, 'What is left of it: `"default";r=998;t=12`, requests and seconds.'),
        Parameter(
            "Idempotent-Replayed", {"type": "string", "const": "true"}, "The answer is the first one, given again."
        ),
        Parameter("Retry-After", {"type": "integer", "minimum": 1}, "Seconds to wait before trying again."),
        Parameter("WWW-Authenticate", _TEXT, "Bearer: how to present a key.", required=True),
    )
}
WAITS: Final = {409: "idempotency_in_progress", 429: "too_many_requests", 503: "unavailable"}


def of_answer(operation: Operation, answer: Answer) -> tuple[str, ...]:
    """The headers of an answer that is no error."""
    names = ["X-Request-Id"]
    if answer.schema in ("Event", "WrittenEvent", "AnsweredEvent", "Calendar") or operation.conditional:
        names.append("ETag")
    if (answer.media == "text/calendar" and operation.scope is None) or (
        answer.status == 304 and not operation.is_limited and operation.query
    ):
        names.append("Last-Modified")
    if operation.is_limited:
        names += ["RateLimit-Policy", "RateLimit"]
    if operation.is_repeatable:
        names.append("Idempotent-Replayed")
    return tuple(names)


def of_error(operation: Operation, status: int) -> tuple[str, ...]:
    """The headers of an error."""
    names = ["X-Request-Id"]
    if status == 401:
        names.append("WWW-Authenticate")
    if status == 412:
        names.append("ETag")
    if WAITS.get(status) in operation.error_codes:
        names.append("Retry-After")
    if operation.is_limited and status != 421:
        names += ["RateLimit-Policy", "RateLimit"]
    return tuple(names)
