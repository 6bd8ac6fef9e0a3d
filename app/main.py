"""The application: the only place that knows every room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NoReturn
from urllib.parse import urlsplit

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from app.agents import routes as agents
from app.agents.access import Caller
from app.agents.service import caller_of
from app.assets import routes as assets
from app.calendars import routes as calendars
from app.clock import Clock
from app.engine import make_engine
from app.errors import Problem
from app.events import routes as events
from app.failures import routes as failures
from app.feeds import routes as feeds
from app.http.edge import Edge
from app.inbound import routes as inbound
from app.inbound.door import Door
from app.mail import routes as mail
from app.mcp.late import LateTransport
from app.mcp.manual import told
from app.mcp.routes import mcp
from app.metrics.sharing import Place
from app.monitoring import routes as monitoring
from app.pages import routes as pages
from app.pages.manual import routes as manual
from app.settings import Settings
from app.transfer import routes as transfer
from app.transfer.gate import Gate
from app.viewer import routes as viewer
from app.webhooks import routes as webhooks


def create_app(settings: Settings, dsn: str, clock: Clock | None = None, place: Place | None = None) -> Edge:
    """The ASGI application of one web process. Its lifespan opens the pool, runs the daily jobs and, unless settings
    leave that to others, sends what is owed."""
    engine = make_engine(settings, dsn, clock, dispatches=settings.dispatch, place=place)
    context = engine.context

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with engine.running(), transport.running():
            yield

    app = Litestar(
        route_handlers=[
            pages.router,
            manual.router,
            monitoring.router,
            agents.router,
            calendars.router,
            events.router,
            feeds.router,
            transfer.router,
            inbound.router,
            webhooks.router,
            mail.router,
            failures.router,
            mcp,
            viewer.router,
            assets.router,
        ],
        lifespan=[lifespan],
        state=State({"context": context, "door": Door(), "gate": Gate(), "tools": told, "monitor": engine.monitor}),
        exception_handlers={HTTPException: _framework, Exception: _pass_on},
        openapi_config=None,
        request_max_body_size=None,  # Edge counts
        logging_config=None,
    )

    async def admit(key_hash: bytes) -> Caller:
        return await caller_of(context.db, key_hash, context.clock.now())

    edge = Edge(app, context, _hosts(settings), admit, context.limiter, engine.key_usage, engine.begin_stop)
    transport = app.state.mcp = LateTransport(edge, context.public_url)
    return edge


def _hosts(settings: Settings) -> frozenset[str] | None:
    """The names a loopback start answers to, against pages that rebind their name to this machine."""
    if not settings.is_loopback:
        return None
    names = {"localhost", "127.0.0.1", "::1", settings.host, urlsplit(settings.url).hostname or ""}
    return frozenset(f"[{name}]" if ":" in name else name for name in names)


def _pass_on(_: Request[Any, Any, Any], fault: Exception) -> NoReturn:
    """Problems and faults leave the framework as they are: Edge answers them all, in one place."""
    raise fault


def _framework(request: Request[Any, Any, Any], error: HTTPException) -> NoReturn:
    """What the router itself refuses, as Problems."""
    if isinstance(error, NotFoundException):
        raise Problem("not_found", "There is nothing at this path.", hint="Check the path and its ids.")
    if isinstance(error, MethodNotAllowedException):
        served = {name for name in (error.headers or {}).get("allow", "").split(", ") if name}
        allowed = ", ".join(sorted(served | ({"HEAD"} if "GET" in served else set())))
        raise Problem(
            "method_not_allowed",
            f"{request.method} is not served at this path.",
            hint=f"Served here: {allowed}.",
            headers={"Allow": allowed},
        )
    if error.status_code < 500:
        raise Problem("invalid_field", f"The request cannot be read: {error.detail}")
    raise error
