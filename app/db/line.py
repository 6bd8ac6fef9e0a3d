"""A process' own line to Postgres: one session that hears notifications, and by which it is known, within a second and
a half, whether the database answers.

The line asks twice a second. Where an answer stays out, because the server is gone, or because the network swallows
what is sent and no connection ever breaks, the database counts as away: what waits for an answer is cut, and what would
be asked is refused at once, until the line is up again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any, Final

from psycopg import AsyncConnection, Error, sql
from psycopg.errors import ReadOnlySqlTransaction, TooManyConnections

from app.db.pool import NETWORK, Pool, hang_up
from app.logs import log
from app.settings import CONNECT_TIMEOUT, PULSE_EVERY, PULSE_PATIENCE

PAUSE: Final = 0.25  # seconds before a line that broke is tried again
PAUSE_WHERE_FULL: Final = 1.0  # seconds: a line is a comfort then, and would be in others' way
PARTS: Final = 4  # of the patience, counted one by one: a process that was halted itself has not been waiting
PULSE: Final = "show transaction_read_only"

Heard = Callable[[str], None]


class Line:
    """`heard` gets the payloads of `channel` as they come; what is sent while the line is down is lost. The `pools` are
    told whether the database is away."""

    def __init__(self, dsn: str, channel: str, heard: Heard, pools: Sequence[Pool]) -> None:
        self._dsn, self._channel, self._heard, self._pools = dsn, channel, heard, pools
        self._away_since: float | None = None
        self._is_read_only = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._hold()
            except TooManyConnections as error:  # an answer: whoever has a connection is served
                log("database.full", error=_first_line(error))
                await self._is_there()
                await asyncio.sleep(PAUSE_WHERE_FULL)
            except (Error, TimeoutError, OSError) as error:
                self._is_gone(_first_line(error) or "no answer")
                await asyncio.sleep(PAUSE)
            except Exception as fault:  # of ours; without a line nobody would know of an outage
                log("database.line_fault", error=repr(fault))
                await asyncio.sleep(PAUSE)

    async def _hold(self) -> None:
        """One connection, from its first answer until it breaks, which says nothing yet about the database: the next is
        tried at once. Raises where no answer comes."""
        connection = await self._connect()
        try:
            await self._pulse(connection)
            with suppress(ReadOnlySqlTransaction):  # a standby takes no LISTEN; waiters look once a second
                listen = sql.SQL("listen {}").format(sql.Identifier(self._channel))
                await self._answer(connection, connection.execute(listen))
            await self._is_there()
            try:
                while True:
                    async for notification in connection.notifies(timeout=PULSE_EVERY):
                        self._heard(notification.payload)
                    await self._pulse(connection)
            except (Error, OSError) as error:
                if isinstance(error, TimeoutError):
                    raise
                log("database.line_lost", error=_first_line(error))
        finally:
            hang_up(connection)  # else closing may wait for what never comes
            with suppress(Error):
                await connection.close()

    async def _connect(self) -> AsyncConnection[Any]:
        """Of several hosts in an address each gets its time, while it is known already that none answers."""
        connecting = asyncio.ensure_future(
            AsyncConnection.connect(
                self._dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT, application_name="kalends line", **NETWORK
            )
        )
        try:
            if not (await asyncio.wait([connecting], timeout=PULSE_PATIENCE))[0]:
                self._is_gone("no answer")
            return await connecting
        except BaseException:
            connecting.cancel()
            raise

    async def _pulse(self, connection: AsyncConnection[Any]) -> None:
        cursor = await self._answer(connection, connection.execute(PULSE))
        is_read_only = await cursor.fetchone() == ("on",)
        if is_read_only != self._is_read_only:
            self._is_read_only = is_read_only
            log("database.read_only" if is_read_only else "database.writable")

    async def _answer(self, connection: AsyncConnection[Any], asking: Any) -> Any:
        """What comes within the patience. Raises TimeoutError, the connection being hung up then. Whoever asked has let
        go of the connection in any case: one that is closed under somebody who waits on it brings the process down."""
        task = asyncio.ensure_future(asking)
        try:
            for _ in range(PARTS):
                await asyncio.wait([task], timeout=PULSE_PATIENCE / PARTS)
                if task.done():
                    return task.result()
        finally:
            if not task.done():
                hang_up(connection)
                task.add_done_callback(_forget)
                await asyncio.wait([task])
        raise TimeoutError

    async def _is_there(self) -> None:
        if self._away_since is None:
            return
        log("database.back", seconds=round(monotonic() - self._away_since, 2))
        self._away_since = None
        for pool in self._pools:
            pool.is_away = False
            await pool.drain()  # what is left of before may be dead without knowing it

    def _is_gone(self, why: str) -> None:
        if self._away_since is None:
            self._away_since = monotonic()
            log("database.away", error=why)
        for pool in self._pools:
            pool.is_away = True
            pool.cut()


def _forget(task: asyncio.Future[Any]) -> None:
    """Its failure was told as a time-out already."""
    if not task.cancelled():
        task.exception()


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0]
