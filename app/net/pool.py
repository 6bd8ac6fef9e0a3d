"""Connections between requests: few, for a short time, and each with its origin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from app.net.connection import Connection

Origin = tuple[bool, str, int]  # TLS or not, host, port

IN_USE_MOST: Final = 512  # requests at a time: each may hold 64 KB of headers and a socket
PER_ORIGIN_MOST: Final = 64  # requests at a time to one origin, so that a slow one leaves room for others
IDLE_MOST: Final = 256  # connections without a request
IDLE_FOR: Final = 4.0  # seconds: below the 5 after which many servers close, so that it is us who do
SWEEP_EVERY: Final = 1.0  # seconds between looks for connections that were idle long enough


@dataclass(slots=True)
class _Gate:
    """The limit of one origin; there while somebody uses it."""

    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PER_ORIGIN_MOST))
    users: int = 0


class Pool:
    """Belongs to one event loop."""

    def __init__(self, *, idle_most: int = IDLE_MOST, idle_for: float = IDLE_FOR) -> None:
        self._idle_most = idle_most
        self._idle_for = idle_for
        self._places = asyncio.Semaphore(IN_USE_MOST)
        self._gates: dict[Origin, _Gate] = {}
        self._idle: dict[Connection, tuple[Origin, float]] = {}  # the one that has been idle longest first
        self._by_origin: dict[Origin, list[Connection]] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    @asynccontextmanager
    async def place(self, origin: Origin) -> AsyncIterator[None]:
        """One of the requests that may be under way; waits for it, in order."""
        gate = self._gates.setdefault(origin, _Gate())
        gate.users += 1
        try:
            async with gate.places, self._places:
                yield
        finally:
            gate.users -= 1
            if not gate.users:
                del self._gates[origin]

    def take(self, origin: Origin) -> Connection | None:
        """The living connection that was used last."""
        while siblings := self._by_origin.get(origin):
            connection = siblings[-1]
            self._forget(connection)
            if connection.is_reusable:
                return connection
            connection.abort()
        return None

    def give(self, origin: Origin, connection: Connection) -> None:
        """Keep the connection for the next request, where it can have one."""
        if self._closed or not connection.is_reusable:
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        if len(self._idle) >= self._idle_most:
            self._drop(next(iter(self._idle)))
        self._idle[connection] = (origin, loop.time())
        self._by_origin.setdefault(origin, []).append(connection)
        if self._sweeper is None:
            self._sweeper = loop.call_later(SWEEP_EVERY, self._sweep)

    def close(self) -> None:
        self._closed = True
        for connection in tuple(self._idle):
            self._drop(connection)
        if self._sweeper is not None:
            self._sweeper.cancel()

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        for connection, (_, since) in tuple(self._idle.items()):
            if loop.time() - since < self._idle_for:
                break
            self._drop(connection)
        self._sweeper = loop.call_later(SWEEP_EVERY, self._sweep) if self._idle else None

    def _drop(self, connection: Connection) -> None:
        self._forget(connection)
        connection.abort()

    def _forget(self, connection: Connection) -> None:
        origin, _ = self._idle.pop(connection)
        siblings = self._by_origin[origin]
        siblings.remove(connection)
        if not siblings:
            del self._by_origin[origin]
