"""What more of everything costs: bytes of an agent, a calendar, an event; what a hundred thousand calendars cost the
reads of one; what the nightly extension of a hundred thousand series takes, and costs others meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec
import psycopg
from psycopg import sql

from app.clock import SystemClock
from app.db.database import Database
from app.db.pool import open_pool
from app.events.materialise import HORIZON
from app.events.upkeep import extend_calendars
from tests.bench.histogram import Histogram
from tests.bench.inbound import answer, invitation, request
from tests.bench.scene import Scene, copy_rows, set_up
from tests.bench.service import Service

MANY: Final = 400  # things of a kind that are made to be weighed: whole pages of each index
SERIES: Final = 40
CROWDS: Final = (10, 1_000, 100_000)  # calendars in the database
NIGHT: Final = 100_000  # series that are a day short
EACH: Final = 20  # series of a calendar
READS: Final = 1_000
UNLIMITED: Final = {
    "KALENDS_RATE_LIMIT_NEW_AGENTS": "100000000",
    "KALENDS_RATE_LIMIT_INBOUND": "100000000",
    "KALENDS_DISPATCH": "off",
}
_TABLES: Final = {
    "agents": ("agents", "keys"),
    "calendars": ("calendars", "endpoints", "lanes"),
    "events": ("events",),
    "occurrences": ("occurrences",),
    "changes": ("changes",),
    "deliveries": ("deliveries",),
    "mails": ("mails", "threads"),
}


class Weight(msgspec.Struct, frozen=True):
    """Bytes on disk, indexes included, of one thing."""

    name: str
    size: float


class Crowd(msgspec.Struct, frozen=True):
    """Milliseconds of reads of one calendar among so many."""

    calendars: int
    list_p50: float
    upcoming_p50: float
    upcoming_p99: float


class Night(msgspec.Struct, frozen=True):
    """`alone` and `meanwhile` are the p99 in milliseconds of somebody's reads before it and during it."""

    series: int
    seconds: float
    alone: float
    meanwhile: float


class Scaling(msgspec.Struct, frozen=True):
    weights: list[Weight]
    crowds: list[Crowd]
    night: Night


Say = Callable[[str], None]


def scale(service: Service, say: Say, *, quick: bool = False) -> Scaling:
    """Of a service whose limits are `UNLIMITED`. `quick` does a hundredth."""
    say("Weighing what things take on disk.")
    weights = weigh(service)
    scene, crowds = set_up(service.url), []
    for calendars in CROWDS[:-1] if quick else CROWDS:
        say(f"Filling the database to {calendars:,} calendars and reading one.")
        crowd(service.dsn, scene, calendars)
        crowds.append(read_among(service, scene, calendars))
    series = NIGHT // 100 if quick else NIGHT
    say(f"Making {series:,} series a day short, and extending them.")
    return Scaling(weights, crowds, asyncio.run(night(service, scene, series)))


def weigh(service: Service) -> list[Weight]:
    client = httpx.Client(base_url=service.url, timeout=30)

    def made(path: str, **body: Any) -> dict[str, Any]:
        found = client.post(path, json=body)
        assert found.status_code in (200, 201), found.text
        result: dict[str, Any] = found.json()
        return result

    client.headers["Authorization"] = f"Bearer {made('/agents', name='Weight')['api_key']}"
    calendar = made("/calendars", name="Weight", webhook_url="http://127.0.0.1:9/")
    events = f"/calendars/{calendar['calendar_id']}/events"
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    single = {
        "title": "Call with the Lisbon office",
        "start": start.isoformat(),
        "duration": "PT45M",
        "location": "https://meet.example.com/kalends",
        "description": "What was decided, what is open.",
    }
    before = sizes(service.dsn)
    for _ in range(MANY):
        made(events, **single)
    singles = sizes(service.dsn)
    for _ in range(SERIES):
        made(events, **single, recurrence="FREQ=DAILY")
    series = sizes(service.dsn)
    for number in range(MANY):
        made("/calendars", name=f"Weight {number}")
    calendars = sizes(service.dsn)
    for _ in range(MANY):
        httpx.post(f"{service.url}/agents", timeout=30)
    agents = sizes(service.dsn)
    path = urlsplit(calendar["inbound_webhook_url"]).path
    asyncio.run(_post(service.port, [request(path, f"m{n}", invitation(f"u{n}", 2_000)) for n in range(MANY)]))
    mails = sizes(service.dsn)
    return [
        Weight("an agent with its key", (agents["agents"] - calendars["agents"]) / MANY),
        Weight("a calendar", (calendars["calendars"] - series["calendars"]) / MANY),
        Weight("a single event", (singles["events"] - before["events"]) / MANY),
        Weight("a series", (series["events"] - singles["events"]) / SERIES),
        Weight("a stored date", (series["occurrences"] - before["occurrences"]) / (MANY + 91 * SERIES)),
        Weight("a change in the log", (series["changes"] - before["changes"]) / (MANY + SERIES)),
        Weight("a delivery", (series["deliveries"] - before["deliveries"]) / (MANY + SERIES)),
        Weight("a mail of 2 KB and its thread", (mails["mails"] - agents["mails"]) / MANY),
    ]


def sizes(dsn: str) -> dict[str, int]:
    """Bytes on disk of the tables of each kind, with their partitions and indexes."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = {}
        for kind, tables in _TABLES.items():
            row = connection.execute(
                "select sum(pg_total_relation_size(p.relid)) from unnest(%s::text[]) t,"
                " pg_partition_tree(t::regclass) p",
                (list(tables),),
            ).fetchone()
            plain = connection.execute(
                "select coalesce(sum(pg_total_relation_size(t::regclass)), 0) from unnest(%s::text[]) t"
                " where not exists (select from pg_partition_tree(t::regclass))",
                (list(tables),),
            ).fetchone()
            assert row is not None
            assert plain is not None
            found[kind] = int(row[0] or 0) + int(plain[0])
    return found


def crowd(dsn: str, scene: Scene, calendars: int) -> None:
    """Other agents' calendars of one event each, by SQL, until there are so many."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("insert into agents select 'agt_crowd', 'Crowd', null, now(), now() on conflict do nothing")
        (have,) = connection.execute("select count(*) from calendars where agent_id = 'agt_crowd'").fetchone() or (0,)
        numbers = sql.SQL("generate_series({}, {}) n").format(sql.Literal(have), sql.Literal(calendars - 1))
        columns = _columns(connection, "calendars")
        own = {
            "id": sql.SQL("'cal_c' || n"),
            "agent_id": sql.SQL("'agt_crowd'"),
            "feed_hash": sql.SQL("sha256(convert_to('f' || n, 'UTF8'))"),
            "inbound_hash": sql.SQL("sha256(convert_to('i' || n, 'UTF8'))"),
            "events": sql.SQL("0"),
            "occurrences": sql.SQL("0"),
        }
        _copy(connection, "calendars", columns, own, numbers, f"t.id = '{scene.calendar_id}'")
        one = connection.execute(
            "select id from events where calendar_id = %s and key = '' and rule is null limit 1", (scene.calendar_id,)
        ).fetchone()
        assert one is not None
        mine = {"calendar_id": sql.SQL("'cal_c' || n")}
        for table, column in (("events", "id"), ("occurrences", "event_id")):
            where = f"t.calendar_id = '{scene.calendar_id}' and t.{column} = '{one[0]}'"
            _copy(connection, table, _columns(connection, table), mine, numbers, where)
        connection.execute("vacuum analyze events, occurrences, calendars")


def _columns(connection: psycopg.Connection[Any], table: str) -> list[str]:
    rows = connection.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped "
        "order by attnum",
        (table,),
    )
    return [row[0] for row in rows]


def _copy(
    connection: psycopg.Connection[Any],
    table: str,
    columns: list[str],
    own: dict[str, sql.SQL],
    numbers: sql.Composed,
    where: str,
) -> None:
    values = [own.get(name, sql.SQL("t.{}").format(sql.Identifier(name))) for name in columns]
    connection.execute(
        sql.SQL("insert into {table} ({names}) select {values} from {table} t, {numbers} where {where}").format(
            table=sql.Identifier(table),
            names=sql.SQL(", ").join(map(sql.Identifier, columns)),
            values=sql.SQL(", ").join(values),
            numbers=numbers,
            where=sql.SQL(where),
        )
    )


def read_among(service: Service, scene: Scene, calendars: int) -> Crowd:
    listed = read(service.port, _get(scene, "events?limit=50"), READS)
    upcoming = read(service.port, _get(scene, "upcoming"), READS)
    return Crowd(calendars, listed.quantile(0.5), upcoming.quantile(0.5), upcoming.quantile(0.99))


def read(port: int, raw: bytes, times: int) -> Histogram:
    """One request after the other on one connection."""
    return asyncio.run(_read(port, raw, times, None))


async def _read(port: int, raw: bytes, times: int | None, is_over: threading.Event | None) -> Histogram:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took: list[int] = []
    while (is_over is None or not is_over.is_set()) and (times is None or len(took) < times):
        began = perf_counter()
        writer.write(raw)
        await answer(reader)
        took.append(int((perf_counter() - began) * 1e9))
        await asyncio.sleep(0.002 if is_over is not None else 0)
    writer.close()
    return Histogram.of(took)


async def _post(port: int, requests: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for raw in requests:
        writer.write(raw)
        await answer(reader)
    writer.close()


def _get(scene: Scene, path: str) -> bytes:
    lines = [f"GET /calendars/{scene.calendar_id}/{path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in scene.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def night(service: Service, scene: Scene, series: int) -> Night:
    """The extension runs in this process, on a connection of its own, while another reads as users do."""
    make_short(service.dsn, scene, series)
    raw = _get(scene, "upcoming")
    alone = await asyncio.to_thread(read, service.port, raw, READS)
    is_over = threading.Event()
    others = asyncio.create_task(asyncio.to_thread(lambda: asyncio.run(_read(service.port, raw, None, is_over))))
    async with open_pool(service.dsn, min_size=1, max_size=1) as pool:
        db, began = Database(pool), perf_counter()
        extended = await extend_calendars(db, SystemClock().now())
        seconds = perf_counter() - began
    is_over.set()
    meanwhile = await others
    assert extended >= series, extended
    return Night(extended, seconds, alone.quantile(0.99), meanwhile.quantile(0.99))


def make_short(dsn: str, scene: Scene, series: int) -> None:
    """Calendars of daily series whose last day is missing, by SQL."""
    until = datetime.now(UTC) + HORIZON - timedelta(days=2)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("insert into agents select 'agt_night', 'Night', null, now(), now() on conflict do nothing")
        for number in range(series // EACH):
            calendar = f"cal_night{number:06}"
            own = {
                "id": calendar,
                "agent_id": "agt_night",
                "feed_hash": b"F" + calendar.encode().rjust(31),
                "inbound_hash": b"I" + calendar.encode().rjust(31),
                "events": 10_000,
                "occurrences": 10_000,
                "stored_through": until,
                "next_fire_at": None,
            }
            copy_rows(connection, "calendars", "id", scene.calendar_id, own)
            if number == 0:
                short = sql.SQL("case when stored_through is not null then {}::timestamptz end").format(
                    sql.Literal(until)
                )
                mine = {"calendar_id": calendar, "stored_through": short}
                copy_rows(connection, "events", "calendar_id", scene.calendar_id, mine)
                connection.execute("delete from events where calendar_id = %s and rule is null", (calendar,))
                connection.execute(  # a few of the last dates are all that the extension looks at
                    "insert into occurrences select %s, event_id, key, start_at, end_at, first_day_end, cancelled,"
                    " is_exception, orphaned, version, own_json, moment from occurrences where calendar_id = %s"
                    " and key <> '' and start_at between %s and %s",
                    (calendar, scene.calendar_id, until - timedelta(days=3), until),
                )
            else:
                for table in ("events", "occurrences"):
                    copy_rows(connection, table, "calendar_id", "cal_night000000", {"calendar_id": calendar})
        connection.execute("vacuum analyze events, occurrences, calendars")
