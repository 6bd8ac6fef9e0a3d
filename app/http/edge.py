"""The outermost layer: request ids, the Host check, body limits, HEAD, every Problem's answer, the access log, and
the last net under faults.

Plain ASGI rather than framework middleware, because it runs on every request and must cost microseconds.
"""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Awaitable, Callable
from datetime import datetime
from time import perf_counter
from typing import Any, Final, Literal, NamedTuple

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from app.errors import Problem
from app.http.addresses import client_address
from app.http.answers import problem_body, problem_headers
from app.http.context import Context
from app.http.failures import Failure
from app.http.limits import Limit, Limiter, Standing
from app.http.protection import Protection
from app.http.requests import HEAD, PRESENTED, key_in, presented_key
from app.http.tally import Tally
from app.ids import new_id
from app.logs import log
from app.metrics import families

METRICS_PATH: Final = "/metrics"  # whose bearer token is an operator's, and no agent's key
BODY_LIMIT: Final = 512 * 1024  # bytes; JSON bodies (contract: Transport)
MAIL_LIMIT: Final = 35 * 1024 * 1024  # bytes; inbound mail (contract: Transport), which is Postmark's maximum
FILE_LIMIT: Final = 10 * 1024 * 1024  # bytes; an .ics file to import (contract: Transport)
MCP_PATH: Final = "/mcp"
PATH_LIMIT: Final = 1024  # bytes; the longest path served has under 200, and the router remembers what it has seen
_NEEDS_A_LIVING_KEY: Final = (400, 413)  # what is wrong with a request is told only to whom it is served

REQUEST_ID: Final = "kalends.request_id"  # in a scope: the id; a request within a request has that of the outer one

# HEAD is GET, whose body the server drops by the scope it made itself. OPTIONS is asked of the router as a method that
# nothing serves: its refusal names all methods of the path, where the framework's own answer names one handler's.
_STAND_INS: Final[dict[str, Literal["GET", "TRACE"]]] = {"HEAD": "GET", "OPTIONS": "TRACE"}

_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_UNROUTED: Final = "unrouted"  # refused before a route was looked for, or there is none

Admit = Callable[[bytes], Awaitable[object]]
"""Raises `unauthorized` unless a living key is behind that digest."""


class _Limited(NamedTuple):
    subject: bytes
    standing: Standing


class Edge:
    """Wraps the application. `allowed_hosts` is None where any Host may be asked for, else lower-case names.
    `begin_stop` is for whoever runs it to call when the process is told to end."""

    def __init__(
        self,
        app: ASGIApp,
        context: Context,
        allowed_hosts: frozenset[str] | None,
        admit: Admit,
        limiter: Limiter,
        key_usage: Tally[bytes, datetime],
        begin_stop: Callable[[], None],
    ) -> None:
        self.context = context
        self.begin_stop = begin_stop
        self._app = app
        self._allowed_hosts = allowed_hosts
        self._admit = admit
        self._limiter = limiter
        self._key_usage = key_usage
        settings = context.settings
        self._per_key = Limit("default", settings.rate_limit_per_key, 60)
        self._new_agents = Limit("agents", settings.rate_limit_new_agents, 3600)
        self._protection = Protection(is_https=settings.url.startswith("https:"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        request_id = _named(scope)
        status = 0
        limited: _Limited | None = None
        key_hash = None if scope["path"].rstrip("/") == METRICS_PATH else presented_key(scope)
        scope[PRESENTED] = key_hash  # type: ignore[typeddict-unknown-key]

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    *self._protection(message["headers"]),
                    *(limited.standing.headers if limited is not None else ()),
                ]
            await send(message)

        inner = scope
        families.UNDER_WAY.add(1)
        try:
            self._check_host(scope)
            _check_path(scope)
            limited = await self._limit(scope, key_hash)
            if (stand_in := _STAND_INS.get(scope["method"])) is not None:
                inner = {**scope, "method": stand_in}
                inner[HEAD] = scope["method"] == "HEAD"  # type: ignore[typeddict-unknown-key]
            await self._app(inner, _limited(scope, receive), send_with_id)
        except Exception as fault:
            problem = await self._problem_of(fault, inner, request_id)
            if status:  # too late for another answer: the connection is cut
                raise
            self._note(inner, scope["method"], problem, request_id, key_hash)
            await (_allow if scope["method"] == "OPTIONS" else _answer)(problem, request_id, send_with_id)
        finally:
            if key_hash is not None and key_in(inner) is not None and status != 401:  # a living key, then
                self._key_usage.note(key_hash, self.context.clock.now())
                if limited is not None:
                    self._limiter.confirm(limited.subject, limited.standing.limit)
            seconds = perf_counter() - started
            families.UNDER_WAY.add(-1)
            families.REQUESTS.observe(seconds, *_kind_of(scope, inner), str(status))
            log(
                "request.done",
                request_id=request_id,
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round(seconds * 1000, 2),
            )

    def _note(self, scope: HTTPScope, method: str, problem: Problem, request_id: str, key_hash: bytes | None) -> None:
        """Leaves a failure for the agent to look up. What reached a route that asks for no key is nobody's: a path
        there may hold a secret."""
        is_proven, route = key_in(scope) is not None, scope.get("path_template")
        reached_another = route is not None and not is_proven
        is_mere_question = method == "OPTIONS" and problem.code == "method_not_allowed"
        if key_hash is None or problem.status == 401 or reached_another or is_mere_question:
            return
        now, path = self.context.clock.now(), scope["path"]
        failure = Failure.of(problem, request_id=request_id, method=method, route=route, path=path, at=now)
        self.context.failures.note(key_hash, failure, is_proven=is_proven)

    async def _limit(self, scope: HTTPScope, key_hash: bytes | None) -> _Limited | None:
        """Counts the request against its key, a new agent against its address. A message of MCP counts by the one
        request that it becomes."""
        path = scope["path"].strip("/")  # in every spelling that is routed
        if not self.context.settings.rate_limits or path == MCP_PATH.strip("/"):
            return None
        if path == "agents" and scope["method"] == "POST":
            address = client_address(scope, self.context.settings.trusted_proxies)
            subject, limit = hashlib.sha256(address.encode()).digest(), self._new_agents
        elif key_hash is not None:
            subject, limit = key_hash, self._per_key
        else:
            return None
        return _Limited(subject, await self._limiter.admit(subject, limit, self.context.clock.now().timestamp()))

    def _check_host(self, scope: HTTPScope) -> None:
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

    async def _problem_of(self, fault: Exception, scope: HTTPScope, request_id: str) -> Problem:
        """What to answer with. Bodies and queries are read before the database is asked for the key, so that a
        request which succeeds costs one statement; one that fails looks the key up here."""
        try:
            if not isinstance(fault, Problem):
                raise fault
            key_hash = key_in(scope)
            if fault.status in _NEEDS_A_LIVING_KEY and key_hash is not None:
                await self._admit(key_hash)
        except Problem as instead:
            return _told(instead, request_id)
        except Exception as unexpected:
            log("request.fault", request_id=request_id, error=repr(unexpected), trace=traceback.format_exc())
            return _internal()
        return _told(fault, request_id)


def _told(problem: Problem, request_id: str) -> Problem:
    """What it was that we cannot be reached for goes into the log; it is expected, and needs no trace."""
    if problem.status == 503:
        log("request.unavailable", request_id=request_id, error=problem.message, cause=type(problem.__cause__).__name__)
    return problem


def _named(scope: HTTPScope) -> str:
    """The request's id, drawn unless it is one within another."""
    if REQUEST_ID not in scope:
        scope[REQUEST_ID] = new_id("req")  # type: ignore[typeddict-unknown-key]
    found: str = scope[REQUEST_ID]  # type: ignore[typeddict-item]
    return found


def _kind_of(scope: HTTPScope, routed: Scope) -> tuple[str, str]:
    """Method and route as metrics name them: never what the client chose, or there were no end of them."""
    method = scope["method"] if scope["method"] in _METHODS else "other"
    route = str(routed.get("path_template") or _UNROUTED)
    return method, f"{route}?wait" if b"wait=" in scope["query_string"] and route.endswith("/changes") else route


def _internal() -> Problem:
    return Problem(
        "internal",
        "Something went wrong on our side; nothing was changed.",
        hint="Try again; if it happens twice, report the request_id.",
    )


def _check_path(scope: HTTPScope) -> None:
    """An encoded slash must not become a path of other segments, and no id holds a character that cannot be stored."""
    raw = scope["raw_path"]
    if len(raw) > PATH_LIMIT or (b"%" in raw and (b"%2f" in raw.lower() or not scope["path"].isprintable())):
        raise Problem("not_found", "There is nothing at this path.", hint="Check the path and its ids.")


def _limited(scope: HTTPScope, receive: Receive) -> Receive:
    """`receive`, refusing a body beyond the limit by its declared length, or while it arrives in chunks."""
    most = _body_limit(scope["path"])
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), None)
    if declared is not None and (len(declared) > 12 or not declared.isdigit() or int(declared) > most):
        raise _too_large(most)
    seen = 0

    async def counting() -> Any:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > most:
                raise _too_large(most)
        else:
            raise Problem("invalid_json", "The connection was closed before the body was complete.")
        return message

    return counting


def _body_limit(path: str) -> int:
    match path.strip("/").split("/"):
        case ["inbound"] | ["inbound", _]:
            return MAIL_LIMIT
        case ["calendars", _, "import"]:
            return FILE_LIMIT
        case _:
            return BODY_LIMIT


def _too_large(most: int) -> Problem:
    return Problem(
        "body_too_large",
        f"The body is larger than {most // 1024} KB.",
        hint="Send less in one request.",
        headers={"Connection": "close"},
    )


async def _allow(problem: Problem, request_id: str, send: Send) -> None:
    if problem.code != "method_not_allowed":
        await _answer(problem, request_id, send)
        return
    headers = [(b"allow", problem.headers["Allow"].encode())]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _answer(problem: Problem, request_id: str, send: Send) -> None:
    body = problem_body(problem, request_id)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in problem_headers(problem).items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
