"""The scene of the deliveries: calendars with an address each, and their events, made over HTTP.

Only the moments are moved by SQL afterwards, to the instant at which they are wanted: making ten thousand events takes
longer than the minute in which they are to be due.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import psycopg

from app.net.client import HttpClient
from app.net.guard import Guard

AT_ONCE: Final = 16  # requests under way, as everywhere in the bench
_LATER: Final = timedelta(days=20)  # until the events that are made: nothing is due before it is moved
_SPACING: Final = timedelta(seconds=1)

_SHIFT: Final = """
with numbered as (
  select calendar_id, event_id, key, row_number() over (order by md5(event_id || key)) - 1 as number
  from occurrences where calendar_id = any(%(calendars)s)
)
update occurrences o set start_at = %(first)s + n.number * %(step)s, end_at = %(first)s + n.number * %(step)s + '45 min'
from numbered n where (o.calendar_id, o.event_id, o.key) = (n.calendar_id, n.event_id, n.key)
"""
_ARM: Final = """
update calendars set fired_through = %(now)s, next_fire_at = armed(agent_id, id, webhook_offsets, %(now)s)
where id = any(%(calendars)s)
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the outbox holds of a message: `owed_at` is the moment of a reminder, or when a change was written."""

    lane: str
    seq: int | None
    owed_at: float
    state: str


class Agent:
    """Somebody with a key, who sends requests as fast as they are answered."""

    def __init__(self, url: str, dsn: str) -> None:
        self._url, self._dsn = url, dsn
        made = asyncio.run(self._send("POST", [("/agents", {"name": "Bench"})], {}))
        self._headers = {"Authorization": f"Bearer {made[0]['api_key']}"}
        self.agent_id: str = made[0]["agent_id"]

    def send(self, method: str, requests: Sequence[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
        """The answers, in the order of the requests; 16 at a time are under way."""
        return asyncio.run(self._send(method, requests, self._headers))

    def make_calendars(self, addresses: Sequence[str]) -> list[str]:
        """A calendar for each address, whose reminders fall on the start of its events."""
        wanted = [
            ("/calendars", {"name": f"Calendar {n}", "webhook_url": address, "webhook_offsets": ["0"]})
            for n, address in enumerate(addresses)
        ]
        return [made["calendar_id"] for made in self.send("POST", wanted)]

    def make_events(self, calendars: Sequence[str]) -> None:
        """An event in each of these, of which one may be named many times."""
        start = datetime.now(UTC).replace(microsecond=0) + _LATER
        self.send(
            "POST", [(f"/calendars/{c}/events", _event(n, start + n * _SPACING)) for n, c in enumerate(calendars)]
        )

    def move(self, calendars: Sequence[str], first: datetime, step: timedelta) -> None:
        """Have the events of these calendars start one after the other, `step` apart, in no order."""
        params = {"calendars": list(calendars), "first": first, "step": step, "now": datetime.now(UTC)}
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            with connection.transaction():
                connection.execute(_SHIFT, params)
                connection.execute(_ARM, params)
            connection.execute("vacuum analyze occurrences, calendars, deliveries")

    def kept(self, ids: Sequence[str]) -> dict[str, Kept]:
        """The record of these messages, by id."""
        with psycopg.connect(self._dsn) as connection:
            rows = connection.execute(
                "select id, lane, seq, extract(epoch from coalesce(fires_at, created_at))::float8, state "
                "from deliveries where id = any(%s)",
                (list(ids),),
            ).fetchall()
        return {row[0]: Kept(*row[1:]) for row in rows}

    def open_deliveries(self) -> int:
        """How many are not on record as delivered."""
        with psycopg.connect(self._dsn) as connection:
            row = connection.execute("select count(*) from deliveries where state <> 'delivered'").fetchone()
        return int(row[0]) if row else 0

    async def _send(
        self, method: str, requests: Sequence[tuple[str, dict[str, Any]]], headers: dict[str, str]
    ) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = [{}] * len(requests)
        left = iter(enumerate(requests))

        async def send_in_turn(client: HttpClient) -> None:
            for place, (path, body) in left:
                reply = await client.fetch(
                    method,
                    self._url + path,
                    headers={**headers, "Content-Type": "application/json"},
                    body=msgspec.json.encode(body),
                )
                if reply.status not in (200, 201):
                    raise SystemExit(f"{method} {path} answered {reply.status}: {reply.body.decode()} {reply.detail}")
                answers[place] = msgspec.json.decode(reply.body)

        async with HttpClient(Guard.trusting(), user_agent="Kalends-Bench/1") as client:
            await asyncio.gather(*[send_in_turn(client) for _ in range(AT_ONCE)])
        return answers


def _event(number: int, start: datetime) -> dict[str, Any]:
    return {
        "title": f"Appointment {number}",
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=45)).isoformat(),
        "location": "Room 4",
        "description": "Agenda: what was decided, what is open, who takes it on. Notes go to the shared page.",
    }
