"""The database as the rooms see it: one statement, or one transaction. Outages become `unavailable` Problems."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from time import monotonic
from typing import Any, Final, LiteralString, Protocol

from psycopg import AsyncConnection, AsyncCursor, Error
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from app.db.pool import unavailable
from app.settings import LOCK_TIMEOUT, WAIT_MOST

Row = tuple[Any, ...]
Params = Mapping[str, Any]
_NONE: Final[Params] = {}
_WAIT: Final = "select set_config('lock_timeout', %(milliseconds)s, true)"
LEAST_WAIT: Final = 0.1  # seconds for a lock, however long the wait for a connection was


def _literal(statement: str) -> LiteralString:
    """Statements come from named .sql files alone, which the type checker cannot see."""
    return statement


def _ignore(_: set[str], __: bool) -> None:
    return None


class Reader(Protocol):
    """What can answer a statement: the database, or a transaction under way."""

    async def one(self, statement: str, params: Params) -> Row | None: ...


class Transaction:
    """Statements that are committed together, or not at all.

    What is given to `later` travels in one pipeline with the next statement that has an answer, or with the commit:
    a write of many statements costs two or three round trips.
    """

    def __init__(self, connection: AsyncConnection[TupleRow], *, is_preview: bool = False) -> None:
        self._connection = connection
        self.is_preview = is_preview
        """Whether all of it is undone at its end, and nobody hears of it."""
        self._pending: list[tuple[str, Params]] = [("begin", _NONE)]
        self.touched: set[str] = set()
        """The calendars written to, for those who wait for changes in them."""
        self.wakes_dispatchers = False
        """Whether there may be something new to send, or something to send earlier than was known."""
        self.asked_at: datetime | None = None
        """When it was asked for: it may have waited for a connection, or for a lock, since."""

    @property
    def is_fresh(self) -> bool:
        """Whether nothing was asked yet, so that a statement may still be a transaction of its own; never in a preview,
        which could not undo it."""
        return not self.is_preview and self._pending == [("begin", _NONE)]

    async def alone(self, statement: str, params: Params) -> Row | None:
        """One statement committed by itself, before the transaction begins."""
        assert self.is_fresh
        return await (await self._connection.execute(_literal(statement), params)).fetchone()

    def later(self, statement: str, params: Params) -> None:
        """Execute a statement whose answer nobody needs, in order, before whatever comes next."""
        self._pending.append((statement, params))

    def wait_no_longer(self, seconds: float) -> None:
        """Wait so long for locks, instead of `LOCK_TIMEOUT`."""
        self.later(_WAIT, {"milliseconds": f"{max(seconds, LEAST_WAIT) * 1000:.0f}"})

    async def one(self, statement: str, params: Params) -> Row | None:
        return await (await self.send(statement, params)).fetchone()

    async def all(self, statement: str, params: Params) -> list[Row]:
        return await (await self.send(statement, params)).fetchall()

    async def several(self, *statements: tuple[str, Params]) -> list[list[Row]]:
        """The rows of several statements, none of which needs the answer to another, in one round trip."""
        pending, self._pending = self._pending, []
        with _nothing_half_prepared(self._connection):
            async with self._connection.pipeline():
                for statement, params in pending:
                    await self._connection.execute(_literal(statement), params)
                cursors = [
                    await self._connection.execute(_literal(statement), params) for statement, params in statements
                ]
        return [await cursor.fetchall() for cursor in cursors]

    async def flush(self) -> None:
        """Send what was given to `later` now, so that a long write holds no more than a part of itself."""
        if len(self._pending) == 1:  # one statement needs no pipeline
            ((statement, params),) = self._pending
            self._pending = []
            await self._connection.execute(_literal(statement), params)
        elif self._pending:
            statement, params = self._pending.pop()
            await self.send(statement, params)

    async def commit(self) -> None:
        if len(self._pending) > 1 or self._pending[:1] != [("begin", _NONE)]:
            await self.send("commit", _NONE)

    async def undo(self) -> None:
        """Execute what is left, so that the database has judged all of it, and undo everything."""
        if self._pending != [("begin", _NONE)]:
            await self.send("rollback", _NONE)

    async def rollback(self) -> None:
        if self._connection.info.transaction_status != TransactionStatus.IDLE:
            await self._connection.execute("rollback")

    async def send(self, statement: str, params: Params) -> AsyncCursor[TupleRow]:
        pending, self._pending = self._pending, []
        if not pending:
            return await self._connection.execute(_literal(statement), params)
        with _nothing_half_prepared(self._connection):
            async with self._connection.pipeline():
                for earlier, earlier_params in pending:
                    await self._connection.execute(_literal(earlier), earlier_params)
                return await self._connection.execute(_literal(statement), params)


class Database:
    def __init__(
        self,
        pool: AsyncConnectionPool[AsyncConnection[TupleRow]],
        on_commit: Callable[[set[str], bool], None] = _ignore,
    ) -> None:
        """`on_commit` is told, after each commit, which calendars were written to, and whether dispatchers are to be
        woken."""
        self._pool = pool
        self._on_commit = on_commit

    async def one(self, statement: str, params: Params) -> Row | None:
        """One statement of its own, its first row. Raises `unavailable` when the database cannot be reached."""
        began = monotonic()
        with unavailable():
            async with self._pool.connection() as connection:
                cursor = await _execute(connection, began, statement, params)
                return await cursor.fetchone()

    async def all(self, statement: str, params: Params) -> list[Row]:
        began = monotonic()
        with unavailable():
            async with self._pool.connection() as connection:
                cursor = await _execute(connection, began, statement, params)
                return await cursor.fetchall()

    async def bites(self, statement: str, params: Params, size: int) -> AsyncIterator[list[Row]]:
        """The rows of one statement, and so of one snapshot, at most `size` at a time, by a cursor of the server's:
        taking very many in at once, and turning them into Python, would hold up the event loop."""
        with unavailable():
            async with (
                self._pool.connection() as connection,
                connection.transaction(),
                connection.cursor(name="bites") as cursor,
            ):
                await cursor.execute(_literal(statement), params)
                while rows := await cursor.fetchmany(size):
                    yield rows

    async def run(self, statement: str, params: Params) -> int:
        """One statement of its own without an answer; returns the number of rows it touched."""
        began = monotonic()
        with unavailable():
            async with self._pool.connection() as connection:
                cursor = await _execute(connection, began, statement, params)
                return cursor.rowcount

    @asynccontextmanager
    async def transaction(
        self, asked_at: datetime | None = None, *, is_preview: bool = False
    ) -> AsyncIterator[Transaction]:
        """Commits when the block ends, rolls back when it raises. With `is_preview` it does all that a transaction
        does, and is rolled back in any case."""
        began = monotonic()
        with unavailable():
            async with self._pool.connection() as connection:
                transaction = Transaction(connection, is_preview=is_preview)
                transaction.asked_at = asked_at
                if (left := WAIT_MOST - (monotonic() - began)) < LOCK_TIMEOUT:
                    transaction.wait_no_longer(left)
                try:
                    yield transaction
                    await (transaction.undo() if is_preview else transaction.commit())
                except BaseException:
                    await transaction.rollback()
                    raise
        if not is_preview and (transaction.touched or transaction.wakes_dispatchers):
            self._on_commit(transaction.touched, transaction.wakes_dispatchers)


@contextmanager
def _nothing_half_prepared(connection: AsyncConnection[TupleRow]) -> Iterator[None]:
    """Of a pipeline that fails, psycopg 3.3 takes for prepared what was to be prepared behind the fault, and never was:
    every later use would fail. So it forgets all that it prepared, as it does after DEALLOCATE ALL."""
    try:
        yield
    except Error:
        connection._prepared.clear()
        raise


async def _execute(
    connection: AsyncConnection[TupleRow], began: float, statement: str, params: Params
) -> AsyncCursor[TupleRow]:
    """A statement asked for at `began`. Where it had to wait for its connection, it waits the less for locks."""
    if (left := WAIT_MOST - (monotonic() - began)) >= LOCK_TIMEOUT:
        return await connection.execute(_literal(statement), params)
    transaction = Transaction(connection)
    transaction.wait_no_longer(left)
    try:
        cursor = await transaction.send(statement, params)
        await transaction.commit()
    except BaseException:
        await transaction.rollback()
        raise
    return cursor
