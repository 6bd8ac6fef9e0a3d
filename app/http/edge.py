"""The outermost layer: request ids, the Host check, body limits, the access log, and the last net under faults.

Plain ASGI rather than framework middleware, because it runs on every request and must cost microseconds.
"""

from __future__ import annotations

import traceback
from time import perf_counter
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import Problem
from app.http.answers import problem_body
from app.http.context import Context
from app.ids import new_id
from app.logs import log

BODY_LIMIT: Final = 512 * 1024  # bytes; JSON bodies (contract: Transport)


class Edge:
    """Wraps the application. `allowed_hosts` is None where any Host may be asked for, else lower-case names."""

    def __init__(self, app: ASGIApp, context: Context, allowed_hosts: frozenset[str] | None) -> None:
        self.context = context
        self._app = app
        self._allowed_hosts = allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        request_id = new_id("req")
        scope["request_id"] = request_id  # type: ignore[typeddict-unknown-key]
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            self._check_host(scope)
            await self._app(scope, _limited(scope, receive), send_with_id)
        except Problem as problem:
            await _answer(problem, request_id, send_with_id)
        except Exception as fault:
            log("request.fault", request_id=request_id, error=repr(fault), trace=traceback.format_exc())
            if status:
                raise
            await _answer(internal(), request_id, send_with_id)
        finally:
            log(
                "request.done",
                request_id=request_id,
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round((perf_counter() - started) * 1000, 2),
            )

    def _check_host(self, scope: Scope) -> None:
        if self._allowed_hosts is None:
            return
        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if name.lower() not in self._allowed_hosts:
            raise Problem(
                "misdirected_request",
                "This server listens on loopback and does not answer for that Host.",
                hint="Ask for localhost, or set KALENDS_PUBLIC_URL to the address clients use.",
            )


def internal() -> Problem:
    return Problem(
        "internal",
        "Something went wrong on our side; nothing was changed.",
        hint="Try again; if it happens twice, report the request_id.",
    )


def _limited(scope: Scope, receive: Receive) -> Receive:
    """`receive`, refusing a body beyond the limit by its declared length, or while it arrives in chunks."""
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), None)
    if declared is not None:
        if not declared.isdigit() or int(declared) > BODY_LIMIT:
            raise _too_large()
        return receive
    seen = 0

    async def counting() -> Any:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > BODY_LIMIT:
                raise _too_large()
        return message

    return counting


def _too_large() -> Problem:
    return Problem(
        "body_too_large",
        f"The body is larger than {BODY_LIMIT // 1024} KB.",
        hint="Send less in one request.",
        headers={"Connection": "close"},
    )


async def _answer(problem: Problem, request_id: str, send: Send) -> None:
    body = problem_body(problem, request_id)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
