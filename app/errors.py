"""One family of errors for every floor of the house.

A `Problem` is what a caller may read: a sentence, a code from `CODES`, the field at fault and the next step.
Nothing here knows a web framework; `app.http.answers` turns a Problem into an HTTP answer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Code:
    """What a code stands for: its HTTP status and its meaning, as `docs/errors.md` prints them."""

    status: int
    meaning: str


CODES: Final[Mapping[str, Code]] = MappingProxyType(
    {
        "invalid_json": Code(400, "The body is not one well-formed JSON object in UTF-8."),
        "missing_field": Code(400, "A required field is absent or null."),
        "unknown_field": Code(400, "The body or the query names something this request does not take."),
        "invalid_field": Code(400, "A field or parameter has the wrong type, size or value."),
        "nothing_to_change": Code(400, "The request changes nothing: no field was given."),
        "invalid_time": Code(400, "A date, time or duration cannot be read, or is out of range."),
        "invalid_timezone": Code(400, "The zone is not an IANA time zone; the hint names the nearest ones."),
        "offset_mismatch": Code(400, "The offset in a time contradicts the time zone named beside it."),
        "end_before_start": Code(400, "An event ends before it starts."),
        "invalid_recurrence": Code(400, "The recurrence rule breaks RFC 5545 or is not served here."),
        "recurrence_too_costly": Code(400, "The rule makes too many dates, or takes too long to find them."),
        "recurrence_without_dates": Code(400, "The rule produces no date at all."),
        "not_a_date_of_the_series": Code(400, "An exception names a date that the series does not have."),
        "mode_required": Code(400, "Deleting a series needs ?mode=all."),
        "confirmation_required": Code(400, "A removal that cannot be undone needs its confirm parameter."),
        "unauthorized": Code(401, "The key is missing, unknown, expired or revoked."),
        "scope_missing": Code(403, "The key's scope does not allow this."),
        "quota_exceeded": Code(403, "The agent has as much of this as it may have; the message gives the figure."),
        "not_found": Code(
            404, "Nothing is there for this key: the id or path is wrong, or it belongs to another agent."
        ),
        "method_not_allowed": Code(405, "The path exists, the method does not; see Allow."),
        "conflict": Code(409, "The state does not allow this; the message says why."),
        "expectation_failed": Code(409, "What `expect` says of the start is not so; `actual` says what is."),
        "idempotency_in_progress": Code(409, "The first request under this Idempotency-Key is still running."),
        "gone": Code(410, "What was asked for is no longer kept."),
        "precondition_failed": Code(412, "If-Match names a state that is no longer the present one."),
        "body_too_large": Code(413, "The body exceeds the limit for this path."),
        "misdirected_request": Code(421, "This server does not answer for that Host."),
        "idempotency_mismatch": Code(422, "The Idempotency-Key was used with another body."),
        "too_many_requests": Code(429, "A rate limit's window is used up; see Retry-After."),
        "internal": Code(500, "A fault of ours. Send the request_id along when you report it."),
        "unavailable": Code(503, "The database cannot be reached just now; try again after Retry-After."),
    }
)


@dataclass(eq=False)
class Problem(Exception):
    """A failure the caller can act on.

    `message` is one sentence; `hint` the next step, with the nearest valid value where there is one; `field` the
    field, parameter or header at fault. The status follows from `code`, which must be in `CODES`.
    """

    code: str
    message: str
    hint: str | None = None
    field: str | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.code in CODES, f"undocumented code {self.code}"
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message

    @property
    def status(self) -> int:
        return CODES[self.code].status

    def at(self, field_name: str) -> Problem:
        """The same problem, naming the field it was found in, unless it already names one."""
        if self.field is None:
            self.field = field_name
        return self
