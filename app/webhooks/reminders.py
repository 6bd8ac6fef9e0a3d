"""Reminders: what falls due by the clock goes into the outbox, calendar by calendar, once."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.db.database import Database
from app.webhooks.sql import sql

CALENDARS_AT_ONCE: Final = 200  # fired in one statement: a few tens of milliseconds under their locks


class Reminders:
    """A tick of the dispatcher."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def __call__(self, now: datetime) -> tuple[int, datetime | None]:
        """Fires what is due; returns how many calendars that were, and the next moment of any."""
        row = await self._db.one(sql.next_moment, {})
        moment = row[0] if row else None
        if moment is None or moment > now:
            return 0, moment
        fired = await self._db.one(sql.fire_due, {"now": now, "limit": CALENDARS_AT_ONCE})
        return (int(fired[0]) if fired else 0), None
