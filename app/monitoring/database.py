"""What the database knows of the deployment: how much waits, for how long, and how far ahead dates are stored.

It is asked at most every few seconds, by one process that is asked for it, and holds up nobody: neither the numbers of
the process, when the database is away, nor other requests, when it is slow.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final

from app.clock import Clock
from app.core.times import TZDATA_VERSION
from app.db.database import Database, Row
from app.db.queries import load
from app.errors import Problem
from app.events.upkeep import EXTEND_WHEN_SHORT
from app.metrics.exposition import exposed_gauge
from app.outbox.dispatcher import DEAD_AFTER

KEPT_FOR: Final = 5.0  # seconds that an answer serves: no scrape needs a newer one
PATIENCE: Final = 1.0  # seconds until the database counts as away; scrapers commonly give a target ten
COUNTED_MOST: Final = 10_000  # rows of a kind: above it the answer is that there are many
TABLES: Final = ("agents", "calendars", "changes", "deliveries", "events", "mails", "occurrences")
sql: Final = load(__file__)

Values = list[tuple[str, float]]

UP: Final = "kalends_database_up"
DATABASE_GAUGES: Final[Mapping[str, tuple[str | None, str]]] = {
    UP: (None, "1 when the database answered this scrape, or one a few seconds ago."),
    "kalends_deliveries_due": (
        "kind", f"Deliveries that could be sent now. The first {COUNTED_MOST} that wait are looked at."
    ),
    "kalends_deliveries_waiting": ("kind", "Deliveries that are tried again later, among those."),
    "kalends_deliveries_oldest_due_seconds": ("kind", "Age of the oldest delivery that could be sent now."),
    "kalends_reminders_overdue_seconds": (None, "How long ago the next reminder was due; 0 while it is to come."),
    "kalends_calendars_short": (
        None, f"Calendars whose dates are not stored as far ahead as they should be, counted to {COUNTED_MOST}."
    ),
    "kalends_horizon_seconds": (None, "How far ahead the shortest calendar with series is stored; absent without any."),
    "kalends_calendars_with_other_zone_rules": (
        None, f"Calendars whose times were computed with other zone rules, counted to {COUNTED_MOST}."
    ),
    "kalends_inbound_mails_waiting": (None, f"Mails that are not settled, counted to {COUNTED_MOST}."),
    "kalends_inbound_mails_overdue_seconds": (None, "How long ago the next of them was due; 0 while it is to come."),
    "kalends_dispatchers": (None, "Processes that send and are alive."),
    "kalends_database_connections": ("state", "Connections to this database, of whomever, by what they do."),
    "kalends_database_connections_max": (None, "Connections that the server takes, of whomever."),
    "kalends_rows": ("table", "Rows of a table, as Postgres last estimated them."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """What the database said. Versions are None where it was not reached."""

    values: Mapping[str, Values]
    postgres: int | None = None
    schema: int | None = None

    def lines(self) -> Iterator[str]:
        for name, values in self.values.items():
            label, meaning = DATABASE_GAUGES[name]
            yield from exposed_gauge(name, meaning, label, values)


class DatabaseGauges:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._asking: asyncio.Task[Seen] | None = None
        self._asked_at = -KEPT_FOR

    async def seen(self) -> Seen:
        """Never raises, and never takes longer than `PATIENCE`; whoever asks meanwhile gets the same answer."""
        if self._asking is None or (self._asking.done() and monotonic() - self._asked_at >= KEPT_FOR):
            self._asked_at = monotonic()
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> Seen:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._read()
        except (Problem, TimeoutError):
            return Seen({UP: [("", 0)]})

    async def _read(self) -> Seen:
        now = self._clock.now()
        row = await self._db.one(
            sql.gauges,
            {
                "now": now,
                "most": COUNTED_MOST,
                "short": now + EXTEND_WHEN_SHORT,
                "tzdata": TZDATA_VERSION,
                "dead_after": DEAD_AFTER,
            },
        )
        assert row is not None
        sizes = await self._db.all(sql.sizes, {"tables": list(TABLES)})
        values = _values(row, now) | {"kalends_rows": sorted((name, rows) for name, rows in sizes)}
        return Seen(values, postgres=row[10], schema=row[11])


def _values(row: Row, now: datetime) -> dict[str, Values]:
    queues = {kind: rest for kind, *rest in json.loads(row[0])}
    due, later, oldest = ([(kind, _of(queues, kind)[place]) for kind in ("mail", "webhook")] for place in range(3))
    values: dict[str, Values] = {
        UP: [("", 1)],
        "kalends_deliveries_due": due,
        "kalends_deliveries_waiting": later,
        "kalends_deliveries_oldest_due_seconds": oldest,
        "kalends_reminders_overdue_seconds": [("", _since(row[1], now))],
        "kalends_calendars_short": [("", row[2])],
        "kalends_calendars_with_other_zone_rules": [("", row[4])],
        "kalends_inbound_mails_waiting": [("", row[5])],
        "kalends_inbound_mails_overdue_seconds": [("", _since(row[6], now))],
        "kalends_dispatchers": [("", row[7])],
        "kalends_database_connections": sorted(json.loads(row[8] or "{}").items()),
        "kalends_database_connections_max": [("", row[9])],
    }
    if row[3] is not None:
        values["kalends_horizon_seconds"] = [("", (row[3] - now) / timedelta(seconds=1))]
    return values


def _of(queues: Mapping[str, list[Any]], kind: str) -> list[float]:
    return [value or 0 for value in queues.get(kind, [0, 0, 0])]


def _since(moment: datetime | None, now: datetime) -> float:
    return 0 if moment is None else max(0.0, (now - moment) / timedelta(seconds=1))
