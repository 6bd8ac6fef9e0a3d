"""`/mcp`: Streamable HTTP, each request by itself. No session, so any process may answer any of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, cast
from urllib.parse import urlsplit

from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send
from mcp import types
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from app.errors import Problem
from app.http.answers import JSON, encode
from app.http.edge import BODY_LIMIT
from app.mcp.calling import Answer, Caller, InProcess, Request
from app.mcp.message import Message, Writer, read
from app.mcp.results import call
from app.mcp.server import Context, make_server
from app.mcp.table import TOOLS

WHOSE: Final = Request("GET", "/agents/me")  # the cheapest request that tells whether a key lives
_CALLER: Final = "kalends.mcp_caller"  # where a scope keeps who performs its requests
_PASSED_ON: Final = ("content-type", "www-authenticate", "retry-after", "ratelimit", "ratelimit-policy")
_ACCEPT: Final = (b"accept", b"application/json, text/event-stream")


class Transport:
    """`app` is the whole application, edge included; `url` what clients know this deployment by."""

    def __init__(self, app: ASGIApp, url: str) -> None:
        self._app = app
        self._origin = _origin(url)
        server = make_server(_caller_of)
        # Its own guard of Host and Origin stays off: Edge has checked the one, and the other is checked below.
        self._library = StreamableHTTPSessionManager(
            server, json_response=True, stateless=True, max_request_body_size=BODY_LIMIT
        )
        self._writer = Writer(server)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self._library.run():
            yield

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Every request must come with a living key, also those that only begin to talk: what is asked for does not
        decide who may ask. Each costs its key one request of its rate limit."""
        if scope["method"] != "POST":
            raise Problem(
                "method_not_allowed",
                "MCP is spoken here by POST: there is no stream to open and no session to end.",
                hint="Served here: POST. GET /docs describes the HTTP interface.",
                headers={"Allow": "POST"},
            )
        if (origin := _header(scope, b"origin")) and not self._is_ours(scope, origin):
            await _send_json(send, 403, _error("Web pages of other origins are not served here."))
            return
        caller = InProcess(self._app, scope)
        body = await _body(receive)
        message = read(body, list(scope["headers"])) if _speaks_json(scope) else None
        if message is not None and message.name in TOOLS:
            await self._call(message, caller, send)
        elif (refusal := await _refusal(caller)) is not None:
            await _pass_on(send, refusal)
        elif message is not None and message.name is None:
            await _send_json(send, 200, self._writer.tools(message))
        else:
            await self._leave_to_library(scope, body, caller, send)

    async def _call(self, message: Message, caller: Caller, send: Send) -> None:
        result = await call(TOOLS[cast("str", message.name)], message.arguments, caller)
        refusal = result.refusal
        if result.is_error and refusal is None:  # nothing was asked yet, and so not whose key it is
            refusal = await _refusal(caller)
        if refusal is not None and refusal.status == 401:
            await _pass_on(send, refusal)
        else:
            await _send_json(send, 200, self._writer.result(message, result))

    async def _leave_to_library(self, scope: HTTPScope, body: bytes, caller: Caller, send: Send) -> None:
        headers = list(scope["headers"])
        if _header(scope, b"accept") is None:
            headers.append(_ACCEPT)  # who names nothing takes anything (RFC 9110 12.5.1)
        inner = {**scope, "headers": headers, _CALLER: caller}
        is_read = False

        async def receive() -> Any:
            nonlocal is_read
            if is_read:
                return {"type": "http.disconnect"}
            is_read = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._library.handle_request(cast("Any", inner), receive, cast("Any", send))

    def _is_ours(self, scope: HTTPScope, origin: str) -> bool:
        """Whether a page of this very deployment asks. Edge has seen to it that a start on loopback is asked under no
        name but its own."""
        asked = origin.lower()
        return asked == self._origin or asked.partition("://")[2] == (_header(scope, b"host") or "/").lower()


def _caller_of(context: Context) -> Caller:
    assert context.request is not None
    return cast("Caller", context.request.scope[_CALLER])


async def _refusal(caller: Caller) -> Answer | None:
    """The answer that the key gets, unless it is good."""
    answer = await caller(WHOSE)
    return answer if answer.status != 200 else None


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = cast("dict[str, Any]", await receive())
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _speaks_json(scope: HTTPScope) -> bool:
    kind, accept = _header(scope, b"content-type") or "", _header(scope, b"accept")
    is_taken = accept is None or JSON in accept or "*/*" in accept
    return is_taken and kind.partition(";")[0].strip().lower() == JSON


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _error(sentence: str) -> bytes:
    return encode({"jsonrpc": "2.0", "id": None, "error": {"code": types.INVALID_REQUEST, "message": sentence}})


async def _pass_on(send: Send, answer: Answer) -> None:
    headers = [(name.encode(), answer.headers[name].encode("latin-1")) for name in _PASSED_ON if name in answer.headers]
    await _send(send, answer.status, answer.body, headers)


async def _send_json(send: Send, status: int, body: bytes) -> None:
    await _send(send, status, body, [(b"content-type", JSON.encode())])


async def _send(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
