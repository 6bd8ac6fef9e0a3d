"""Addresses of a name, asked of the system in threads of our own.

The event loop's own executor has a few threads that everything else shares; one slow name server would hold them
all. Here a name holds one thread however many wait for it, and one that failed slowly is not asked again for a while.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final, TypeVar

T = TypeVar("T")
Lookup = Callable[[str], Awaitable[Sequence[str]]]

THREADS_MOST: Final = 32  # names asked for at once: a slow one holds its thread for some 10 to 20 s
LOOKUP_TIMEOUT: Final = 5.0  # seconds that anybody waits for a name
KEPT_FOR: Final = 10.0  # seconds that an answer serves: spares busy receivers' names, and follows a move soon
SLOW_FOR: Final = 30.0  # seconds during which a name whose server did not answer in time is not asked for again
NAMES_MOST: Final = 1_000  # names kept, and names asked for or waiting: some 100 KB


class LookupFailed(OSError):
    """A name without addresses; its text is a sentence for a person."""


def ask_system(host: str) -> Sequence[str]:
    """The addresses of `host` in the order in which they are to be tried (RFC 6724). Blocks; raises `OSError`, and
    `UnicodeError` for what cannot be a name."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class SystemLookup:
    """Asks `ask` in daemon threads, so that a stop does not wait for a name server. Belongs to one event loop."""

    def __init__(self, ask: Callable[[str], Sequence[str]] = ask_system, *, patience: float = LOOKUP_TIMEOUT) -> None:
        """`patience` in seconds."""
        self._ask = ask
        self._patience = patience
        self._threads = asyncio.Semaphore(THREADS_MOST)
        self._kept: dict[str, tuple[float, Sequence[str]]] = {}
        self._slow: dict[str, float] = {}
        self._running: dict[str, asyncio.Task[Sequence[str]]] = {}

    async def __call__(self, host: str) -> Sequence[str]:
        """Raises `LookupFailed`, after the time of patience at the latest."""
        now = asyncio.get_running_loop().time()
        until, addresses = self._kept.get(host, (0.0, ()))
        if now < until:
            return addresses
        if now < self._slow.get(host, 0.0):
            raise LookupFailed(f"The name server of {host} is too slow.")
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.shield(self._task(host))
        except TimeoutError:
            raise LookupFailed(f"No addresses of {host} came within {self._patience:g} seconds.") from None

    def _task(self, host: str) -> asyncio.Task[Sequence[str]]:
        if host in self._running:
            return self._running[host]
        if len(self._running) >= NAMES_MOST:
            raise LookupFailed("Too many names are being looked up at the moment.")
        task = asyncio.get_running_loop().create_task(self._look_up(host))
        self._running[host] = task
        task.add_done_callback(lambda done: self._finished(host, done))
        return task

    def _finished(self, host: str, task: asyncio.Task[Sequence[str]]) -> None:
        del self._running[host]
        if not task.cancelled() and task.exception() is None:
            now = asyncio.get_running_loop().time()
            _remember(self._kept, host, (now + KEPT_FOR, task.result()))

    async def _look_up(self, host: str) -> Sequence[str]:
        async with self._threads:
            loop = asyncio.get_running_loop()
            begun = loop.time()
            try:
                return await _in_a_thread(self._ask, host)
            except (OSError, UnicodeError, RuntimeError):  # the last where the system gives us no more threads
                if loop.time() - begun > self._patience:
                    _remember(self._slow, host, loop.time() + SLOW_FOR)
                raise LookupFailed(f"The name {host} has no address.") from None


async def _in_a_thread(ask: Callable[[str], Sequence[str]], host: str) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Sequence[str]] = loop.create_future()

    def settle(addresses: Sequence[str], error: Exception | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(addresses)
        else:
            answer.set_exception(error)

    def run() -> None:
        addresses: Sequence[str] = ()
        failure: Exception | None = None
        try:
            addresses = ask(host)
        except Exception as error:
            failure = error
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(settle, addresses, failure)

    threading.Thread(target=run, name="lookup", daemon=True).start()
    return await answer


def _remember(kept: dict[str, T], host: str, value: T) -> None:
    kept.pop(host, None)
    if len(kept) >= NAMES_MOST:
        del kept[next(iter(kept))]
    kept[host] = value
