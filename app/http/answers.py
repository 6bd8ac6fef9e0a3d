"""How answers leave: JSON text as it stands, and Problems as the error object every client can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import Response
from litestar.enums import MediaType
from litestar.types import ASGIApp, Receive, Scope, Send

from app.errors import Problem
from app.settings import RETRY_AFTER

encode = msgspec.json.Encoder().encode
JSON: Final = "application/json"
_WITHOUT_BODY: Final = (204, 304)  # RFC 9110 8.6: no Content-Length of a body that is not sent


class Ready(Response[bytes]):
    """An answer whose bytes stand: it goes out as it is, without the framework's rendering and header bookkeeping,
    which cost a hot read more than the work of ours in it."""

    def __init__(self, body: bytes, status: int, content_type: str, headers: Mapping[str, str] | None) -> None:
        super().__init__(body, status_code=status)
        self._body = body
        self._status = status
        self._headers = [(b"content-type", content_type.encode())]
        if status not in _WITHOUT_BODY:
            self._headers.append((b"content-length", str(len(body)).encode()))
        if headers:
            self._headers += [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIApp:  # type: ignore[override]
        return self._send

    async def _send(self, _: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})


def json_text(text: str | bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    """An answer whose JSON is ready."""
    return Ready(text.encode() if isinstance(text, str) else text, status, JSON, headers)


def plain_text(
    text: str | bytes, status: int = 200, headers: Mapping[str, str] | None = None, kind: str = "text/plain"
) -> Response[bytes]:
    """An answer of text in UTF-8; `kind` is its media type."""
    body = text.encode() if isinstance(text, str) else text
    return Ready(body, status, f"{kind}; charset=utf-8", headers)


def json_of(value: Any) -> str:
    """`value` as JSON text."""
    return encode(value).decode()


def json_value(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response[bytes]:
    return json_text(encode(value), status, headers)


def no_content() -> Response[None]:
    return Response(None, status_code=204, media_type=MediaType.TEXT)


def problem_body(problem: Problem, request_id: str) -> bytes:
    """`{"error": sentence, "code": …, "hint"?, "field"?, "request_id": …}`"""
    return encode({**problem_members(problem), "request_id": request_id})


def problem_members(problem: Problem) -> dict[str, Any]:
    """What a problem says of itself, wherever in an answer it stands."""
    members: dict[str, Any] = {"error": problem.message, "code": problem.code}
    if problem.hint is not None:
        members["hint"] = problem.hint
    if problem.field is not None:
        members["field"] = problem.field
    return {**members, **problem.extra}


def problem_headers(problem: Problem) -> dict[str, str]:
    """The headers that go with the body: the problem's own, and those its status calls for (RFC 9110 11.6.1,
    10.2.3)."""
    headers = dict(problem.headers)
    if problem.status == 401:
        headers.setdefault("WWW-Authenticate", "Bearer")
    if problem.status == 503:
        headers.setdefault("Retry-After", str(RETRY_AFTER))
    return headers
