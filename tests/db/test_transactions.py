"""A transaction is kept, or undone as if it had not been: whoever waits for commits hears only of those."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest

from app.db.database import Database, Transaction
from app.db.pool import open_pool

INSERT = "insert into agents (id, created_at, updated_at) values (%(id)s, now(), now())"
COUNT = "select count(*) from agents"


async def _write(tx: Transaction) -> None:
    await tx.one("select 1", {})
    tx.later(INSERT, {"id": "agt_aaaaaaaaaaaa"})
    tx.touched.add("cal_aaaaaaaaaaaa")
    tx.wakes_dispatchers = True


async def _preview_twice(db: Database) -> None:
    async with db.transaction(is_preview=True) as tx:
        await _write(tx)
        await _write(tx)


def _told_and_kept(dsn: str, *, is_preview: bool) -> tuple[list[Any], int]:
    told: list[Any] = []

    async def scene() -> int:
        async with open_pool(dsn, min_size=1, max_size=1) as pool:
            db = Database(pool, lambda calendars, wakes: told.append((calendars, wakes)))
            async with db.transaction(is_preview=is_preview) as tx:
                await _write(tx)
            row = await db.one(COUNT, {})
            assert row is not None
            return int(row[0])

    return told, asyncio.run(scene())


def test_a_commit_is_told(database: str) -> None:
    assert _told_and_kept(database, is_preview=False) == ([({"cal_aaaaaaaaaaaa"}, True)], 1)


def test_a_preview_is_undone_and_nobody_hears_of_it(database: str) -> None:
    assert _told_and_kept(database, is_preview=True) == ([], 0)


def test_a_preview_has_the_database_judge_what_is_left_to_send(database: str) -> None:
    async def scene() -> None:
        async with open_pool(database, min_size=1, max_size=1) as pool:
            db = Database(pool)
            with pytest.raises(psycopg.errors.UniqueViolation):
                await _preview_twice(db)
            assert await db.one(COUNT, {}) == (0,)  # the connection is in order again

    asyncio.run(scene())


def test_no_statement_of_a_preview_is_a_transaction_of_its_own(database: str) -> None:
    async def scene() -> None:
        async with open_pool(database, min_size=1, max_size=1) as pool:
            db = Database(pool)
            async with db.transaction(is_preview=True) as tx:
                assert not tx.is_fresh
                with pytest.raises(AssertionError):
                    await tx.alone(COUNT, {})
            async with db.transaction() as tx:
                assert tx.is_fresh

    asyncio.run(scene())
