"""What a request asks of Postgres, heard at the driver: the statements whose cost is the floor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, redirect_stderr
from contextvars import ContextVar
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final, NamedTuple

import httpx
from litestar.types import ASGIApp
from psycopg import AsyncCursor

from app.main import create_app
from app.settings import Settings


class Statement(NamedTuple):
    text: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request's statements, and the answer it got."""

    statements: list[Statement]
    status: int
    body: bytes


_heard: Final[ContextVar[list[Statement] | None]] = ContextVar("heard", default=None)


async def record(dsn: str, requests: list[httpx.Request]) -> list[Exchange]:
    """Put requests to an application of our own on the same database. Each is sent twice, and the second is told of:
    the first may have filled a cache."""
    app = create_app(Settings(secret_keys=("k" * 32,), rate_limits=False), dsn)
    exchanges = []
    async with _lifespan(app):
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            for request in requests:
                with redirect_stderr(StringIO()), _listening() as statements:  # without the access log
                    await client.send(request)
                    statements.clear()
                    answer = await client.send(request)
                if answer.status_code >= 400:
                    raise SystemExit(
                        f"{request.method} {request.url.path} answered {answer.status_code}: {answer.text}"
                    )
                exchanges.append(Exchange(statements, answer.status_code, answer.content))
    return exchanges


@contextmanager
def _listening() -> Iterator[list[Statement]]:
    """What this task executes meanwhile; background jobs of the application are not heard."""
    statements: list[Statement] = []
    execute = AsyncCursor.execute

    async def heard(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        if (hearing := _heard.get()) is not None:
            hearing.append(Statement(str(query), dict(params) if isinstance(params, Mapping) else {}))
        return await execute(self, query, params, **options)

    token = _heard.set(statements)
    AsyncCursor.execute = heard  # type: ignore[method-assign]
    try:
        yield statements
    finally:
        AsyncCursor.execute = execute  # type: ignore[method-assign]
        _heard.reset(token)


@asynccontextmanager
async def _lifespan(app: ASGIApp) -> AsyncIterator[None]:
    """Start and stop an application as a server does."""
    to_app: asyncio.Queue[Any] = asyncio.Queue()
    from_app: asyncio.Queue[Any] = asyncio.Queue()
    task = asyncio.ensure_future(app({"type": "lifespan"}, to_app.get, from_app.put))  # type: ignore[arg-type]
    for wish in ("startup", "shutdown"):
        await to_app.put({"type": f"lifespan.{wish}"})
        answer = await from_app.get()
        if answer["type"] != f"lifespan.{wish}.complete":
            raise SystemExit(f"The application's {wish} failed: {answer.get('message')}")
        if wish == "startup":
            yield
    await task
