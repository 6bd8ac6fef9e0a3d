"""Waking those who wait for changes in a calendar, in every process, without a thread or a connection for each.

After a commit the process wakes its own waiters at once and tells the others by one coalesced NOTIFY, sent outside any
write: a NOTIFY inside one would make all commits of the cluster queue for a lock. A look once a second is the net under
a notification that was lost, because its process died or its connection was cut.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final, TypeVar

from app.db.database import Database
from app.db.queries import load
from app.errors import Problem
from app.logs import log
from app.metrics import families

sql: Final = load(__file__)
CHANNEL: Final = "kalends_changes"
COALESCE: Final = 0.005  # seconds in which writes share one NOTIFY
LOOK_EVERY: Final = 1.0  # seconds between looks at the calendars waited for
LOOKS_AT_ONCE: Final = 4
PAYLOAD_MOST: Final = 7_000  # bytes; Postgres takes 8,000
EVERY_CALENDAR: Final = "*"  # payload when the names of the changed calendars do not fit
TO_SEND: Final = "!"  # before the names: there is something new to send

T = TypeVar("T")
Changed = Callable[[float], Awaitable[bool]]
"""Waits up to so many seconds; True when the calendar may have changed since it was last asked. A wake-up can be about
a change that was seen already: look again."""


class Waiters:
    def __init__(self, on_to_send: Callable[[], None], *, sends_here: bool) -> None:
        """`on_to_send` is called when there is something new to send; with `sends_here`, what this process writes it
        sends itself, and the others are not woken for it."""
        self._on_to_send = on_to_send
        self._sends_here = sends_here
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._to_tell: set[str] = set()
        self._is_to_send = False
        self._telling = asyncio.Event()
        self._is_stopping = False
        self._turns = asyncio.Semaphore(LOOKS_AT_ONCE)
        self._looks: dict[Hashable, asyncio.Task[Any]] = {}

    def read(self) -> None:
        """Bring the gauge of it up to date."""
        families.WAITERS.set(sum(len(waiting) for waiting in self._waiting.values()))

    @contextmanager
    def listening(self, calendar_id: str) -> Iterator[Changed]:
        """Begin to listen before looking, so that no change falls between the look and the wait."""
        event = asyncio.Event()
        self._waiting[calendar_id].add(event)

        async def changed(seconds: float) -> bool:
            if self._is_stopping or seconds <= 0:
                return False
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await event.wait()
            woken = event.is_set()
            event.clear()  # before whoever was woken looks, so that a change during the look wakes again
            return woken

        try:
            yield changed
        finally:
            waiting = self._waiting[calendar_id]
            waiting.discard(event)
            if not waiting:
                del self._waiting[calendar_id]

    async def look(self, what: Hashable, look: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `look` finds, asked once for all who ask for the same at the same time, and a few at a time at most: a
        crowd woken at once leaves the database to other requests."""

        async def in_turn() -> T:
            async with self._turns:
                return await look()

        task = self._looks.get(what)
        if task is None:
            task = self._looks[what] = asyncio.create_task(in_turn())
            task.add_done_callback(lambda _: self._looks.pop(what, None))
        found: T = await asyncio.shield(task)
        return found

    def committed(self, calendar_ids: set[str], wakes_dispatchers: bool) -> None:
        """Changes in these calendars were committed by this process."""
        self._wake(calendar_ids)
        if wakes_dispatchers and self._sends_here:
            self._on_to_send()
        self._is_to_send |= wakes_dispatchers and not self._sends_here
        self._to_tell |= calendar_ids
        self._telling.set()

    def heard(self, payload: str) -> None:
        """A notification on `CHANNEL` came, from this process or another."""
        names = payload.removeprefix(TO_SEND)
        if names != payload:
            self._on_to_send()
        self._wake(set(self._waiting) if names == EVERY_CALENDAR else set(names.split(",")))

    def stop(self) -> None:
        """Let everybody go: the process is about to end."""
        self._is_stopping = True
        self._wake(set(self._waiting))

    @asynccontextmanager
    async def running(self, db: Database) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(work) for work in (self._tell(db), self._look(db))]
        try:
            yield
        finally:
            self.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _wake(self, calendar_ids: set[str]) -> None:
        for calendar_id in calendar_ids:
            for event in self._waiting.get(calendar_id, ()):
                event.set()

    async def _tell(self, db: Database) -> None:
        while True:
            await self._telling.wait()
            await asyncio.sleep(COALESCE)
            self._telling.clear()
            told, self._to_tell = self._to_tell, set()
            mark, self._is_to_send = TO_SEND if self._is_to_send else "", False
            names = ",".join(told)
            try:
                await db.run(sql.tell, {"payload": mark + (names if len(names) <= PAYLOAD_MOST else EVERY_CALENDAR)})
            except Problem as problem:
                log("waiters.untold", error=str(problem))

    async def _look(self, db: Database) -> None:
        """Wake the waiters of calendars whose seq moved since the last look. A calendar that was not looked at before
        is only remembered: who began to wait since then looked for itself."""
        seen: dict[str, int] = {}
        while True:
            await asyncio.sleep(LOOK_EVERY)
            wanted = list(self._waiting)
            if not wanted:
                seen.clear()
                continue
            try:
                found: dict[str, int] = {row[0]: row[1] for row in await db.all(sql.seqs, {"calendar_ids": wanted})}
            except Problem:
                continue
            self._wake({calendar for calendar, seq in found.items() if seq != seen.get(calendar, seq)})
            seen = found
