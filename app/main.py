"""The application: the only place that knows every room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.types import ASGIApp

from app.agents import routes as agents
from app.calendars import routes as calendars
from app.clock import Clock, SystemClock
from app.db.database import Database
from app.db.pool import open_pool
from app.errors import Problem
from app.events import routes as events
from app.events.rezone import rezone
from app.events.upkeep import upkeep
from app.feeds import routes as feeds
from app.http.answers import problem_answer
from app.http.context import Context
from app.http.edge import Edge, internal
from app.logs import log
from app.pages import routes as pages
from app.seal import Sealer
from app.settings import Settings

POOL_MIN: Final = 2  # connections kept warm per process


def create_app(settings: Settings, dsn: str, clock: Clock | None = None) -> ASGIApp:
    """The ASGI application of one web process. Its lifespan opens the pool and runs the daily jobs."""
    pool = open_pool(dsn, min_size=POOL_MIN, max_size=settings.pool_size)
    context = Context(
        settings=settings,
        db=Database(pool),
        clock=clock or SystemClock(),
        sealer=Sealer(settings.secret_keys),
        rezone=rezone,
    )

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with pool, upkeep(context):
            yield

    app = Litestar(
        route_handlers=[pages.router, agents.router, calendars.router, events.router, feeds.router],
        lifespan=[lifespan],
        state=State({"context": context}),
        exception_handlers={Problem: _problem, HTTPException: _framework, Exception: _fault},
        openapi_config=None,
        request_max_body_size=None,  # Edge counts
        logging_config=None,
    )
    return Edge(app, context, _hosts(settings))


def _hosts(settings: Settings) -> frozenset[str] | None:
    """The names a loopback start answers to, against pages that rebind their name to this machine."""
    if not settings.is_loopback:
        return None
    own = {"localhost", "127.0.0.1", "[::1]", settings.host}
    if settings.public_url:
        own.add(urlsplit(settings.public_url).hostname or "")
    return frozenset(own)


def _request_id(request: Request[Any, Any, Any]) -> str:
    return str(request.scope["request_id"])  # type: ignore[typeddict-item]


def _problem(request: Request[Any, Any, Any], problem: Problem) -> Response[bytes]:
    return problem_answer(problem, _request_id(request))


def _framework(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the router itself refuses."""
    if isinstance(error, MethodNotAllowedException):
        allowed = sorted(set(request.route_handler.http_methods)) if "route_handler" in request.scope else []
        problem = Problem(
            "method_not_allowed",
            f"{request.method} is not served at this path.",
            headers={"Allow": (error.headers or {}).get("Allow", ", ".join(allowed))},
        )
    elif isinstance(error, NotFoundException):
        problem = Problem("not_found", "There is nothing at this path.", hint="Check the path and its ids.")
    elif error.status_code < 500:
        problem = Problem("invalid_field", f"The request cannot be read: {error.detail}")
    else:
        return _fault(request, error)
    return problem_answer(problem, _request_id(request))


def _fault(request: Request[Any, Any, Any], fault: Exception) -> Response[bytes]:
    import traceback

    trace = "".join(traceback.format_exception(fault))
    log("request.fault", request_id=_request_id(request), error=repr(fault), trace=trace)
    return problem_answer(internal(), _request_id(request))
