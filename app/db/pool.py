"""Connections to Postgres, and what a caller is told when there is none."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from time import monotonic
from typing import Any, Final

from psycopg import AsyncConnection, InterfaceError, OperationalError
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import (
    DiskFull,
    IdleInTransactionSessionTimeout,
    LockNotAvailable,
    QueryCanceled,
    ReadOnlySqlTransaction,
    TransactionTimeout,
)
from psycopg.rows import TupleRow, tuple_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from app.errors import Problem
from app.settings import (
    CONNECT_TIMEOUT,
    IDLE_TRANSACTION_TIMEOUT,
    LOCK_TIMEOUT,
    POOL_TIMEOUT,
    RETRY_AFTER,
    STATEMENT_TIMEOUT,
)

SESSION: Final[Mapping[str, str]] = {
    "TimeZone": "UTC",
    "statement_timeout": f"{STATEMENT_TIMEOUT * 1000:.0f}",
    "lock_timeout": f"{LOCK_TIMEOUT * 1000:.0f}",
    "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_TIMEOUT * 1000:.0f}",
    # Every statement of ours is written for one plan: walk an index in order, stop early, look up the rest by key. Left
    # to guess from averages, the planner sorts a large calendar among small ones, or keeps a sequential scan it chose
    # while a table was empty.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "random_page_cost": "1.1",
    "jit": "off",
}
"""What every session of ours is set to. A connection brings it along; behind a pooler, which cannot be told, the role
has it (see `app.db.pooler`)."""
NETWORK: Final[Mapping[str, Any]] = {
    "keepalives_idle": 10,  # seconds of silence until the other side is asked whether it is there
    "keepalives_interval": 2,  # seconds between such questions
    "keepalives_count": 3,  # unanswered ones until the connection counts as lost
    "tcp_user_timeout": 5_000,  # milliseconds that what was sent may stay unacknowledged
}
"""How a connection over a network notices that the other side is gone without having said so."""
PREPARE_AFTER: Final = 1  # executions: a statement seen twice on a connection is prepared, and twice as fast
IDLE_LIMIT: Final = 300.0  # seconds before a connection above the minimum is closed again
LIFE_LIMIT: Final = 3600.0  # seconds: a connection is renewed now and then, so that Postgres frees its caches
RECONNECT_LIMIT: Final = 0.5  # seconds until the pool gives up a connection; the next request has it try again


class DatabaseAway(OperationalError):
    """Nothing was asked: it is known that the database does not answer."""


class Pool(AsyncConnectionPool[AsyncConnection[TupleRow]]):
    """A pool that lends no connection which died while it was idle, and that can be told what is known of the
    database: while `is_away`, whoever asks is refused at once with `DatabaseAway`."""

    is_away: bool = False

    def __init__(self, dsn: str, **options: Any) -> None:
        super().__init__(dsn, connection_class=AsyncConnection[TupleRow], **options)
        self._lent: set[AsyncConnection[TupleRow]] = set()

    @asynccontextmanager
    async def connection(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 (as the method it stands in for has it)
    ) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """A connection for the block. Raises `PoolTimeout` where none comes in time."""
        if self.is_away:
            raise DatabaseAway("the database does not answer")
        connection = await self._living(monotonic() + (self.timeout if timeout is None else timeout))
        self._lent.add(connection)
        try:
            yield connection
        finally:
            self._lent.discard(connection)
            await self.putconn(connection)

    def cut(self) -> None:
        """End all connections that are lent: whoever waits for an answer on one has an `OperationalError` at once. For
        when it is known that no answer will come."""
        for connection in self._lent:
            hang_up(connection)

    async def _living(self, deadline: float) -> AsyncConnection[TupleRow]:
        while True:
            connection = await self.getconn(timeout=deadline - monotonic())
            if not _has_ended(connection):
                return connection
            await connection.close()
            await self.putconn(connection)  # which replaces it


def open_pool(dsn: str, *, min_size: int, max_size: int, is_pooler: bool = False, prepares: bool = True) -> Pool:
    """A pool of autocommit connections in UTC that prepare what they run twice; start it with `open()`.

    A statement ends after `STATEMENT_TIMEOUT`, and waits `LOCK_TIMEOUT` for a lock. A request waits `POOL_TIMEOUT` for
    a connection; wrap its use in `unavailable()`, which turns an outage into a Problem.

    With `is_pooler` there is a pooler at the other end, for which each transaction may run in another session:
    `SESSION` is left to the role. Only some poolers know which session has which statement; for others, `prepares` is
    to be False.
    """
    return Pool(
        dsn,
        min_size=min(min_size, max_size),
        max_size=max_size,
        timeout=POOL_TIMEOUT,
        max_idle=IDLE_LIMIT,
        max_lifetime=LIFE_LIMIT,
        reconnect_timeout=RECONNECT_LIMIT,
        open=False,
        name="kalends",
        kwargs={
            **connection_arguments(dsn, is_pooler=is_pooler),
            "prepare_threshold": PREPARE_AFTER if prepares else None,
        },
    )


def connection_arguments(dsn: str, *, is_pooler: bool = False) -> dict[str, Any]:
    """How every connection of ours is made; behind a pooler `SESSION` is left to the role."""
    return {
        "autocommit": True,
        "row_factory": tuple_row,
        "application_name": "kalends",
        "client_encoding": "UTF8",
        "connect_timeout": CONNECT_TIMEOUT,
        **NETWORK,
        **({} if is_pooler else {"options": session_options(dsn)}),
    }


def session_options(dsn: str, settings: Mapping[str, str] = SESSION) -> str:
    """libpq's `options` for an address: those it has, which a hosted Postgres may need, and then the settings."""
    given = conninfo_to_dict(dsn).get("options") or ""
    return " ".join([str(given), *(f"-c {name}={value}" for name, value in settings.items())]).strip()


def hang_up(connection: AsyncConnection[Any]) -> None:
    """End the connection under whoever waits for an answer on it, as if the other side had: unlike a cancellation, this
    asks nobody and takes no time."""
    with suppress(OSError, OperationalError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


@contextmanager
def unavailable() -> Iterator[None]:
    """Turns the loss of the database into `Problem("unavailable")` with Retry-After; all else passes through.

    A statement cancelled for its length, one that lost against another writer, and a write where only reads are
    possible are told the same way: trying again may help.
    """
    try:
        yield
    except (
        PoolTimeout,
        PoolClosed,
        TooManyRequests,
        InterfaceError,
        OperationalError,
        ReadOnlySqlTransaction,
        IdleInTransactionSessionTimeout,
        TransactionTimeout,
    ) as error:
        raise Problem(
            "unavailable",
            f"The database {_what_happened(error)} just now.",
            hint=f"Send the same request again in {RETRY_AFTER} seconds.",
            headers={"Retry-After": str(RETRY_AFTER)},
        ) from error


def _what_happened(error: Exception) -> str:
    state = getattr(error, "sqlstate", None) or ""
    if isinstance(error, QueryCanceled | IdleInTransactionSessionTimeout | TransactionTimeout):
        return "took too long to answer"
    if state.startswith("40") or isinstance(error, LockNotAvailable):
        return "is busy with other writes"
    if isinstance(error, ReadOnlySqlTransaction):
        return "can be read only, and takes no writes"
    if isinstance(error, DiskFull):
        return "has no room left"
    return "cannot be reached"


def _has_ended(connection: AsyncConnection[TupleRow]) -> bool:
    """Whether an idle connection was ended from the other side: it has nothing else to say."""
    try:
        look = select.poll()
        look.register(connection.fileno(), select.POLLIN)
        return bool(look.poll(0))
    except (OSError, OperationalError):
        return True
