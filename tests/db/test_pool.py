from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress

import psycopg
import pytest

from app.db.database import Database
from app.db.pool import open_pool, unavailable
from app.errors import Problem
from app.settings import POOL_TIMEOUT


def test_connections_speak_utc_and_utf8_and_commit_by_themselves(empty_database: str) -> None:
    async def scene() -> None:
        async with (
            open_pool(empty_database, min_size=1, max_size=2) as pool,
            pool.connection() as connection,
        ):
            assert connection.autocommit
            cursor = await connection.execute(
                "select current_setting('TimeZone'), current_setting('client_encoding'),"
                " current_setting('application_name'), current_setting('statement_timeout'),"
                " current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')"
            )
            assert await cursor.fetchone() == ("UTC", "UTF8", "kalends", "10s", "1600ms", "10s")

    asyncio.run(scene())


def test_options_in_the_address_are_kept(empty_database: str) -> None:
    async def scene() -> None:
        dsn = f"{empty_database}&options=-c%20geqo%3Doff"
        async with open_pool(dsn, min_size=1, max_size=1) as pool, pool.connection() as connection:
            cursor = await connection.execute("select current_setting('geqo'), current_setting('TimeZone')")
            assert await cursor.fetchone() == ("off", "UTC")

    asyncio.run(scene())


def test_a_statement_seen_twice_is_prepared(empty_database: str) -> None:
    async def scene() -> None:
        async with (
            open_pool(empty_database, min_size=1, max_size=1) as pool,
            pool.connection() as connection,
        ):
            for number in range(3):
                await connection.execute("select %(number)s::int", {"number": number})
            cursor = await connection.execute("select statement from pg_prepared_statements")
            assert await cursor.fetchall() == [("select $1::int",)]

    asyncio.run(scene())


def test_a_database_that_is_away_is_told_within_the_pool_timeout() -> None:
    async def scene() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
            port = taken.getsockname()[1]
            pool = open_pool(f"postgresql://nobody@127.0.0.1:{port}/nothing", min_size=1, max_size=1)
            await pool.open(wait=False)
            try:
                began = time.monotonic()
                with pytest.raises(Problem) as caught, unavailable():
                    async with pool.connection():
                        pass
                assert time.monotonic() - began < POOL_TIMEOUT + 1
                assert (caught.value.code, caught.value.status) == ("unavailable", 503)
                assert int(caught.value.headers["Retry-After"]) > 0
                assert "cannot be reached" in caught.value.message
            finally:
                await pool.close(timeout=1)

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (psycopg.errors.AdminShutdown("terminating connection"), "cannot be reached"),
        (psycopg.errors.QueryCanceled("canceling statement"), "took too long"),
        (psycopg.errors.DeadlockDetected("deadlock detected"), "busy with other writes"),
        (psycopg.InterfaceError("the connection is closed"), "cannot be reached"),
        (psycopg.errors.LockNotAvailable("canceling statement"), "busy with other writes"),
        (psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT"), "takes no writes"),
        (psycopg.errors.DiskFull("could not extend file"), "has no room left"),
        (psycopg.errors.IdleInTransactionSessionTimeout("terminating connection"), "took too long"),
    ],
)
def test_what_kept_a_statement_from_finishing_is_told_apart(error: psycopg.Error, words: str) -> None:
    with pytest.raises(Problem, match=words), unavailable():
        raise error


def test_a_fault_of_ours_is_not_taken_for_an_outage() -> None:
    with pytest.raises(psycopg.errors.UniqueViolation), unavailable():
        raise psycopg.errors.UniqueViolation("duplicate key")


def test_a_statement_that_was_never_prepared_since_its_pipeline_failed_is_not_taken_for_prepared(
    empty_database: str,
) -> None:
    async def scene() -> None:
        async with open_pool(empty_database, min_size=1, max_size=1) as pool:
            db = Database(pool)
            for divisor in (0, 1, 0, 1):  # the third is to prepare what the second made known, and fails
                with suppress(psycopg.errors.DivisionByZero):
                    async with db.transaction() as tx:
                        tx.later("select 1 / %(divisor)s::int", {"divisor": divisor})
                        assert await tx.one("select %(number)s::int", {"number": 7}) == (7,)

    asyncio.run(scene())


def test_a_connection_that_ended_while_it_was_idle_is_not_lent(empty_database: str) -> None:
    async def scene() -> None:
        async with open_pool(empty_database, min_size=2, max_size=2) as pool:
            await pool.wait()
            with psycopg.connect(empty_database, autocommit=True) as witness:
                ended = (
                    "select pg_terminate_backend(pid) from pg_stat_activity where "
                    "datname = current_database() and application_name = 'kalends'"
                )
                assert len(witness.execute(ended).fetchall()) == 2
            await asyncio.sleep(0.2)
            for _ in range(4):
                assert await Database(pool).one("select 1", {}) == (1,)

    asyncio.run(scene())


def test_whoever_waits_for_an_answer_that_will_not_come_is_let_go(empty_database: str) -> None:
    async def scene() -> None:
        async with open_pool(empty_database, min_size=1, max_size=1) as pool:
            db = Database(pool)
            waiting = asyncio.create_task(db.one("select pg_sleep(20)", {}))
            await asyncio.sleep(0.2)
            began = time.monotonic()
            pool.is_away = True
            pool.cut()
            with pytest.raises(Problem, match="cannot be reached"):
                await waiting
            with pytest.raises(Problem, match="cannot be reached"):
                await db.one("select 1", {})
            assert time.monotonic() - began < 1
            pool.is_away = False
            assert await db.one("select 1", {}) == (1,)

    asyncio.run(scene())
