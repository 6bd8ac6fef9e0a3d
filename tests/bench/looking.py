"""What a look of the dispatcher costs while the database fills with what is not due: reminders, and deliveries that
wait for another attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter_ns
from typing import Final

import msgspec
import psycopg
from psycopg import sql

from app.clock import SystemClock
from app.db.database import Database
from app.db.pool import open_pool
from app.outbox.dispatcher import Dispatcher
from app.webhooks.reminders import Reminders
from tests.bench.appointments import Agent
from tests.bench.histogram import Histogram
from tests.bench.scene import copy_rows
from tests.bench.service import Service

EACH: Final = 1_000  # events of a calendar
LOOKS: Final = 200
FIRINGS: Final = 50
AIM: Final = 20.0  # milliseconds


class Look(msgspec.Struct, frozen=True):
    """Milliseconds: of a look that finds nothing due, one that walks past an endpoint in each calendar that waits for a
    retry, and the firing of one reminder."""

    occurrences: int
    p50: float
    p99: float
    waiting_p50: float
    waiting_p99: float
    firing_p50: float
    firing_p99: float

    @property
    def met(self) -> bool:
        return max(self.p99, self.waiting_p99) < AIM


class Looking:
    """A database that grows; nobody but the bench sends from it."""

    def __init__(self, service: Service) -> None:
        self._dsn = service.dsn
        agent = Agent(service.url, service.dsn)
        (self._calendar,) = agent.make_calendars(["http://127.0.0.1:9/"])
        agent.make_events([self._calendar] * EACH)
        self._agent_id = agent.agent_id
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute("update deliveries set state = 'delivered', ended_at = now()")

    def at(self, occurrences: int) -> Look:
        """Fill the database so far, all of it in the future, and look."""
        stored = self._fill(occurrences // EACH)
        idle, firing = asyncio.run(self._measure())
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(
                "insert into deliveries (lane, agent_id, calendar_id, type, due_at, created_at) "
                "select id, agent_id, calendar_id, 'test', now() + '1 day', now() from endpoints"
            )
            connection.execute("vacuum analyze deliveries")
            waiting, _ = asyncio.run(self._measure())
            connection.execute("delete from deliveries where type = 'test'")
            connection.execute("vacuum analyze deliveries")
        shares = [each.quantile(share) for each in (idle, waiting, firing) for share in (0.50, 0.99)]
        return Look(stored, *shares)

    def _fill(self, calendars: int) -> int:
        """By SQL; every calendar has an endpoint and a lane of its own, and moments of its own."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            have = connection.execute("select count(*) from calendars").fetchone() or (0,)
            for number in range(have[0], calendars):
                with connection.transaction():
                    self._copy(connection, number)
            connection.execute("vacuum analyze events, occurrences, calendars, endpoints, lanes, deliveries")
            stored = connection.execute("select count(*) from occurrences where start_at > now()").fetchone()
        return int(stored[0]) if stored else 0

    def _copy(self, connection: psycopg.Connection[tuple[object, ...]], number: int) -> None:
        copy, endpoint = f"cal_copy{number:08}", f"whe_copy{number:08}"
        shift = sql.SQL("interval {}").format(sql.Literal(f"{number} ms"))
        later = {name: sql.SQL("{} + {}").format(sql.Identifier(name), shift) for name in ("start_at", "end_at")}
        own = {
            "id": copy,
            "feed_hash": b"f" + copy.encode().rjust(31),
            "inbound_hash": b"i" + copy.encode().rjust(31),
            "next_fire_at": sql.SQL("next_fire_at + {}").format(shift),
        }
        of = self._calendar
        copy_rows(connection, "calendars", "id", of, own)
        copy_rows(connection, "events", "calendar_id", of, {"calendar_id": copy})
        copy_rows(connection, "occurrences", "calendar_id", of, {"calendar_id": copy, **later})
        copy_rows(connection, "endpoints", "calendar_id", of, {"calendar_id": copy, "id": endpoint})
        connection.execute("insert into lanes values (%s, 'webhook', %s)", (endpoint, self._agent_id))

    async def _measure(self) -> tuple[Histogram, Histogram]:
        """Looks that find nothing, and firings of whatever reminder is next."""
        async with open_pool(self._dsn, min_size=1, max_size=1) as pool:
            db, clock = Database(pool), SystemClock()
            reminders = Reminders(db)
            dispatcher = Dispatcher(db, clock, {}, [reminders])

            async def fire_the_next() -> None:
                _, moment = await reminders(clock.now())
                assert moment is not None
                await reminders(moment)

            idle = await _timed(dispatcher.look, LOOKS)
            firing = await _timed(fire_the_next, FIRINGS)
        return idle, firing


async def _timed(work: Callable[[], Awaitable[object]], times: int) -> Histogram:
    nanoseconds = []
    for _ in range(3):  # statements are prepared then
        await work()
    for _ in range(times):
        began = perf_counter_ns()
        await work()
        nanoseconds.append(perf_counter_ns() - began)
    return Histogram.of(nanoseconds)
