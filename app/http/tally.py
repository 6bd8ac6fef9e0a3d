"""Counting without writing: what requests leave behind is kept in memory and stored at most once a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Final, Generic, TypeVar

from app.logs import log

FLUSH_EVERY: Final = 1.0  # seconds
KEPT_MOST: Final = 100_000  # entries held while the database is away; later ones are dropped, they are only hints

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@asynccontextmanager
async def flushing(flush: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Calls `flush` every second while the block lasts, and once more at its end. It must not raise."""

    async def run() -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY)
            await flush()

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        await flush()


class Tally(Generic[K, V]):
    """The latest value of each key since the last flush. `store` writes them all in one statement."""

    def __init__(self, name: str, store: Callable[[dict[K, V]], Awaitable[None]]) -> None:
        self._name, self._store = name, store
        self._latest: dict[K, V] = {}

    def note(self, key: K, value: V) -> None:
        if len(self._latest) < KEPT_MOST or key in self._latest:
            self._latest[key] = value

    async def flush(self) -> None:
        """Store what was noted. After a fault it is kept for the next time."""
        if not self._latest:
            return
        taken, self._latest = self._latest, {}
        try:
            await self._store(taken)
        except Exception as fault:
            log("tally.fault", tally=self._name, error=repr(fault))
            self._latest = taken | self._latest

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Flushes every second while the block lasts, and once more at its end."""
        async with flushing(self.flush):
            yield
