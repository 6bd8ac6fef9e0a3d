"""The numbers of a process that serves nothing else: `kalends worker` with KALENDS_METRICS_PORT."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from app.errors import Problem
from app.http.answers import JSON, problem_body, problem_headers
from app.ids import new_id
from app.metrics.exposition import MEDIA_TYPE
from app.monitoring.access import check_reader
from app.monitoring.monitor import Monitor
from app.monitoring.routes import PATH
from app.settings import Settings


@asynccontextmanager
async def serving_metrics(settings: Settings, monitor: Monitor, listener: socket.socket) -> AsyncIterator[None]:
    """Answers GET /metrics, and 404 to all else, while the block lasts."""
    config = uvicorn.Config(
        metrics_app(settings, monitor), lifespan="off", ws="none", proxy_headers=False, access_log=False,
        server_header=False, log_config=None, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They are the worker's."""
        yield


def metrics_app(settings: Settings, monitor: Monitor) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == ScopeType.HTTP
        status, headers = 200, {"Content-Type": f"{MEDIA_TYPE}; charset=utf-8"}
        try:
            if scope["path"] != PATH or scope["method"] not in ("GET", "HEAD"):
                raise Problem("not_found", "Only GET /metrics is served here.", hint="This is a worker's port.")
            check_reader(settings, list(scope["headers"]))
            body = await monitor.exposition()
        except Problem as problem:
            status, headers = problem.status, problem_headers(problem) | {"Content-Type": JSON}
            body = problem_body(problem, new_id("req"))
        headers |= {"Content-Length": str(len(body)), "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        given = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": given})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return app
