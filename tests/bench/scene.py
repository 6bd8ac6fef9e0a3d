"""What is measured on: one agent, a calendar of 1,000 single events and 20 daily series, and 16 calendars to write
to. Made over HTTP, like everything else of a client's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import psycopg
from psycopg import sql

SINGLES: Final = 1000
SERIES: Final = 20
OTHERS: Final = 16
_SPREAD: Final = timedelta(minutes=130)  # between two singles: 1,000 of them reach from a month ago for 90 days
_SUBJECTS: Final = ("Stand-up", "Design review", "Call with the Lisbon office", "Dentist", "Sprint planning", "Lunch")
_PLACES: Final = ("Room 4", "https://meet.example.com/kalends", "Rua Augusta 24, Lisboa", "Kitchen")


@dataclass(frozen=True, slots=True)
class Scene:
    headers: dict[str, str]
    calendar_id: str
    series_id: str
    feed_path: str
    others: tuple[str, ...]
    now: datetime

    def single(self, number: int) -> dict[str, Any]:
        """The body of a single event; each number another time."""
        start = self.now - timedelta(days=30) + number * _SPREAD
        return self._event(number, start)

    def series(self, number: int) -> dict[str, Any]:
        """The body of a daily series, which is stored 90 days ahead."""
        start = self.now + timedelta(minutes=17 * number)
        return self._event(number, start) | {"recurrence": "FREQ=DAILY"}

    def _event(self, number: int, start: datetime) -> dict[str, Any]:
        return {
            "title": f"{_SUBJECTS[number % len(_SUBJECTS)]} {number}",
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=45)).isoformat(),
            "location": _PLACES[number % len(_PLACES)],
            "description": "Agenda: what was decided, what is open, who takes it on. Notes go to the shared page.",
        }


def set_up(url: str) -> Scene:
    """Makes the scene on a new server; takes a few seconds."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with httpx.Client(base_url=url, timeout=30) as client:
        key = _made(client, "/agents", {"name": "Bench"})["api_key"]
        client.headers["Authorization"] = f"Bearer {key}"
        calendar = _made(client, "/calendars", {"name": "Bench", "timezone": "Europe/Lisbon"})
        others = [_made(client, "/calendars", {"name": f"Other {n}"})["calendar_id"] for n in range(OTHERS)]
        events = f"/calendars/{calendar['calendar_id']}/events"
        scene = Scene(
            headers={"Authorization": f"Bearer {key}"},
            calendar_id=calendar["calendar_id"],
            series_id="",
            feed_path=httpx.URL(calendar["ical_feed_url"]).raw_path.decode(),
            others=tuple(others),
            now=now,
        )
        for number in range(SINGLES):
            _made(client, events, scene.single(number))
        made = [_made(client, events, scene.series(number)) for number in range(SERIES)]
    return replace(scene, series_id=made[0]["id"])


def multiply(dsn: str, calendar_id: str, occurrences: int) -> int:
    """Give other calendars copies of this one's contents until so many occurrences are stored; returns how many are.

    By SQL, since nobody waits for a million requests; indexes and statistics end as they would.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        have, each, copies = connection.execute(
            "select count(*), count(*) filter (where calendar_id = %(id)s), "
            "(select count(*) from calendars where name = 'Copy') from occurrences",
            {"id": calendar_id},
        ).fetchone() or (0, 0, 0)
        wanted = max(0, (occurrences - have) // each)
        connection.execute(
            "insert into agents select 'agt_copies', 'Copies', null, now(), now() on conflict do nothing"
        )
        for number in range(copies, copies + wanted):
            copy = f"cal_copy{number:06}"
            own = {
                "id": copy,
                "agent_id": "agt_copies",
                "name": "Copy",
                "feed_hash": b"f" + copy.encode().rjust(31),
                "inbound_hash": b"i" + copy.encode().rjust(31),
                "events": 0,
                "occurrences": 0,
            }
            copy_rows(connection, "calendars", "id", calendar_id, own)
            for table in ("events", "occurrences"):
                copy_rows(connection, table, "calendar_id", calendar_id, {"calendar_id": copy})
        connection.execute("vacuum analyze events, occurrences, calendars")
        stored = connection.execute("select count(*) from occurrences").fetchone()
    return int(stored[0]) if stored else 0


def copy_rows(
    connection: psycopg.Connection[Any], table: str, column: str, of: str, replaced: dict[str, object]
) -> None:
    """Insert the rows again whose `column` is `of`, with other values, or SQL that makes them, in some columns."""
    names = [
        row[0]
        for row in connection.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped "
            "and attgenerated = '' order by attnum",
            (table,),
        )
    ]
    values = [_expression(replaced[name]) if name in replaced else sql.Identifier(name) for name in names]
    statement = sql.SQL("insert into {table} ({names}) select {values} from {table} where {column} = {of}").format(
        table=sql.Identifier(table),
        names=sql.SQL(", ").join(map(sql.Identifier, names)),
        values=sql.SQL(", ").join(values),
        column=sql.Identifier(column),
        of=sql.Literal(of),
    )
    connection.execute(statement)


def _expression(value: object) -> sql.Composable:
    return value if isinstance(value, sql.Composable) else sql.Literal(value)


def _made(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, json=body)
    if answer.status_code != 201:
        raise SystemExit(f"POST {path} answered {answer.status_code}: {answer.text}")
    made: dict[str, Any] = answer.json()
    return made
