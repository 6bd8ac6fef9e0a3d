"""What receivers got and what the log says, in words that tests compare."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import psycopg

from app.webhooks.reminders import Reminders
from tests.support.receiver import Call
from tests.support.service import Calendar, Service

Logs = list[dict[str, Any]]


def reminders(calls: list[Call]) -> list[tuple[str, str, str]]:
    """(title, offset, moment to the minute) of each reminder that arrived, by moment."""
    found = [call.json for call in calls if call.type == "event.upcoming"]
    told = [(c["event"]["title"], c["offset"], c["fires_at"][:16]) for c in found]
    return sorted(told, key=lambda each: (each[2], each[0], each[1]))


def moments(logs: Logs) -> list[str]:
    """When the reminders in the log were due, to the minute, whether or not they were still sent."""
    return sorted(log["fires_at"][:16] for log in logs if log["type"] == "event.upcoming")


def settled(service: Service, calendar: Calendar, within: float = 10.0) -> Logs:
    """The calendar's deliveries once everything that is due by the clock has been attempted, the oldest first."""
    deadline = time.monotonic() + within
    now = service.clock.now()
    while _is_behind(service, now):  # the dispatcher may be at it, too
        service.run(Reminders(service.context.db)(now))
    while True:
        service.loop.call_soon_threadsafe(service.context.waiters.committed, set(), True)
        logs: Logs = calendar.api.got(f"{calendar.path}/webhook-logs", limit=200)["logs"]
        due = [log for log in logs if log["status"] == "pending" and log["next_attempt_at"][:23] <= _stamp(now)]
        if not due:
            return logs[::-1]
        assert time.monotonic() < deadline, f"still waiting: {due}"
        time.sleep(0.01)


def _is_behind(service: Service, now: datetime) -> bool:
    with psycopg.connect(service.dsn) as database:
        row = database.execute("select exists (select from calendars where next_fire_at <= %s)", (now,)).fetchone()
    return row is not None and bool(row[0])


def _stamp(now: Any) -> str:
    return str(now.strftime("%Y-%m-%dT%H:%M:%S.%f"))[:23]
