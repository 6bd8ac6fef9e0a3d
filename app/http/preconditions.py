"""If-Match and If-None-Match (RFC 9110 13.1) on entity tags."""

from __future__ import annotations

import msgspec
from litestar import Response

from app.errors import Problem
from app.http.answers import json_text
from app.http.requests import AnyRequest
from app.http.writes import etag_of


def if_match(request: AnyRequest) -> str | None:
    return request.headers.get("if-match")


def check_match(condition: str | None, current: str) -> None:
    """Raises `precondition_failed` with the current representation unless `condition`, an If-Match header, names its
    tag. A tag may be given as the `etag` member has it, without quotes; a weak one never matches."""
    if condition is None or condition.strip() == "*":
        return
    tag = etag_of(current)
    given = [candidate.strip() for candidate in condition.split(",")]
    if tag in given or (tag or "").strip('"') in given:
        return
    raise Problem(
        "precondition_failed",
        "It was changed since you read it.",
        hint="Look at `current`, decide again, and send your change with If-Match set to its etag.",
        field="If-Match",
        headers={} if tag is None else {"ETag": tag},
        extra={"current": msgspec.Raw(current.encode())},
    )


def conditional(request: AnyRequest, text: str) -> Response[bytes]:
    """A representation with its ETag, or 304 when If-None-Match names it."""
    tag = etag_of(text)
    headers = {} if tag is None else {"ETag": tag}
    condition = request.headers.get("if-none-match")
    if condition is not None and tag is not None:
        given = [candidate.strip().removeprefix("W/") for candidate in condition.split(",")]
        if "*" in given or tag in given or tag.strip('"') in given:
            return json_text(b"", 304, headers)
    return json_text(text, 200, headers)
