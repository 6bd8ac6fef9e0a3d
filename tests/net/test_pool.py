"""Connections are kept between requests in a bounded number, and not for long."""

from __future__ import annotations

import asyncio

from app.net.answer import AnswerReader
from app.net.connection import Connection
from app.net.pool import SWEEP_EVERY, Origin, Pool
from tests.net.servers import OK, Receiver, answering, run, serving

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def _origin(number: int) -> Origin:
    return False, f"host{number}", 80


async def _used(receiver: Receiver) -> Connection:
    """A connection after its first answer."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, receiver.host, receiver.port)
    await connection.exchange(REQUEST, AnswerReader(100, 100, must_be_whole=True))
    return connection


def test_the_connection_that_was_used_last_is_used_next() -> None:
    async def scene() -> None:
        pool = Pool()
        older, newer, other = [await _used(receiver) for _ in range(3)]
        for number, connection in ((1, older), (1, newer), (2, other)):
            pool.give(_origin(number), connection)
        assert [pool.take(_origin(1)) for _ in range(3)] == [newer, older, None]
        assert pool.take(_origin(2)) is other
        assert pool.take(_origin(3)) is None

    with serving(answering(OK)) as receiver:
        run(scene())


def test_the_one_that_was_idle_longest_makes_room() -> None:
    async def scene() -> None:
        pool = Pool(idle_most=3)
        connections = [await _used(receiver) for _ in range(5)]
        for number, connection in enumerate(connections):
            pool.give(_origin(number), connection)
        assert [connection.is_reusable for connection in connections] == [False, False, True, True, True]
        assert [pool.take(_origin(number)) for number in range(5)] == [None, None, *connections[2:]]

    with serving(answering(OK)) as receiver:
        run(scene())


def test_a_connection_is_closed_after_a_while() -> None:
    async def scene() -> None:
        pool = Pool(idle_for=0.0)
        connection = await _used(receiver)
        pool.give(_origin(1), connection)
        assert connection.is_reusable
        await asyncio.sleep(SWEEP_EVERY + 0.2)
        assert not connection.is_reusable
        assert pool.take(_origin(1)) is None

    with serving(answering(OK)) as receiver:
        run(scene())


def test_a_closed_pool_keeps_nothing() -> None:
    async def scene() -> None:
        pool = Pool()
        before, after = [await _used(receiver) for _ in range(2)]
        pool.give(_origin(1), before)
        pool.close()
        pool.give(_origin(1), after)
        assert not before.is_reusable
        assert not after.is_reusable

    with serving(answering(OK)) as receiver:
        run(scene())
