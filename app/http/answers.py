"""How answers leave: JSON text as it stands, and Problems as the error object every client can read."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response
from litestar.enums import MediaType

from app.errors import Problem
from app.settings import RETRY_AFTER

encode = msgspec.json.Encoder().encode


def json_text(text: str | bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response[bytes]:
    """An answer whose JSON is ready."""
    body = text.encode() if isinstance(text, str) else text
    return Response(body, status_code=status, media_type=MediaType.JSON, headers=headers)


def json_of(value: Any) -> str:
    """`value` as JSON text."""
    return encode(value).decode()


def json_value(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response[bytes]:
    return json_text(encode(value), status, headers)


def no_content() -> Response[None]:
    return Response(None, status_code=204, media_type=MediaType.TEXT)


def problem_body(problem: Problem, request_id: str) -> bytes:
    """`{"error": sentence, "code": …, "hint"?, "field"?, "request_id": …}`"""
    body: dict[str, Any] = {"error": problem.message, "code": problem.code}
    if problem.hint is not None:
        body["hint"] = problem.hint
    if problem.field is not None:
        body["field"] = problem.field
    body.update(problem.extra)
    body["request_id"] = request_id
    return encode(body)


def problem_headers(problem: Problem) -> dict[str, str]:
    """The headers that go with the body: the problem's own, and those its status calls for (RFC 9110 11.6.1,
    10.2.3)."""
    headers = dict(problem.headers)
    if problem.status == 401:
        headers.setdefault("WWW-Authenticate", "Bearer")
    if problem.status == 503:
        headers.setdefault("Retry-After", str(RETRY_AFTER))
    return headers
