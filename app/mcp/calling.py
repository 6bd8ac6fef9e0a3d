"""How a tool call is performed: as a request to the HTTP interface, within this process or over the network.

There is no second way into the house. Whatever holds for HTTP - who may do what, limits, quotas, idempotency, errors,
the log - holds for tools because they are HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, cast
from urllib.parse import unquote

from litestar.types import ASGIApp, Receive, Scope, Send

from app.http.edge import REQUEST_ID

_AS_OUTSIDE: Final = ("type", "asgi", "http_version", "server", "client", "scheme", "root_path", REQUEST_ID)
_HANDED_ON: Final = frozenset({b"host", b"authorization", b"x-forwarded-for"})


@dataclass(frozen=True, slots=True)
class Request:
    """`target` is path and query as they stand in a request line; `headers` have lower-case names."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` have lower-case names."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @property
    def media(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Caller(Protocol):
    """Performs requests with one agent's key."""

    async def __call__(self, request: Request) -> Answer:
        """The answer, whatever its status."""
        ...


class InProcess:
    """Performs requests by the application itself, on behalf of an MCP request: with its key, Host, address and id."""

    def __init__(self, app: ASGIApp, outside: Scope) -> None:
        self._app = app
        self._outside = cast("Mapping[str, Any]", outside)

    async def __call__(self, request: Request) -> Answer:
        status, headers, body = 0, dict[str, str](), bytearray()
        is_read = False

        async def receive() -> Any:
            nonlocal is_read
            if is_read:
                await asyncio.Event().wait()  # whoever asks again asks whether the client is still there: it is
            is_read = True
            return {"type": "http.request", "body": request.body, "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers.update((name.decode(), value.decode("latin-1")) for name, value in message["headers"])
            else:
                body.extend(message.get("body", b""))

        await self._app(self._scope(request), cast("Receive", receive), cast("Send", send))
        return Answer(status, headers, bytes(body))

    def _scope(self, request: Request) -> Scope:
        path, _, query = request.target.partition("?")
        headers = [pair for pair in self._outside["headers"] if pair[0] in _HANDED_ON]
        headers += [(name.encode(), value.encode("latin-1")) for name, value in request.headers.items()]
        headers.append((b"content-length", str(len(request.body)).encode()))
        return cast(
            "Scope",
            {
                **{name: self._outside[name] for name in _AS_OUTSIDE if name in self._outside},
                "method": request.method,
                "path": unquote(path),
                "raw_path": path.encode(),
                "query_string": query.encode(),
                "headers": headers,
            },
        )
