"""When a feed was last fetched, and at which state: so that an agent knows what its subscribers have seen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.agents.access import admitted
from app.calendars.writing import no_such_calendar
from app.core.times import format_instant
from app.db.database import Database
from app.feeds.sql import sql

Fetches = dict[str, tuple[datetime, int]]


async def store_fetches(db: Database, fetches: Fetches) -> None:
    """Keep the latest fetch of each calendar. A calendar that was removed meanwhile is passed over."""
    await db.run(
        sql.store_fetches,
        {
            "calendar_ids": list(fetches),
            "times": [at for at, _ in fetches.values()],
            "seqs": [seq for _, seq in fetches.values()],
        },
    )


async def get_insight(db: Database, key_hash: bytes, calendar_id: str, now: datetime) -> dict[str, Any]:
    """What subscribers have seen: `is_current` once the latest change was fetched."""
    row = await db.one(sql.get_insight, {"key_hash": key_hash, "now": now, "calendar_id": calendar_id})
    admitted(row)
    assert row is not None
    found, last_seq, fetched_at, fetched_seq = row[3:7]
    if found is None:
        raise no_such_calendar(calendar_id)
    return {
        "calendar_id": found,
        "last_fetched_at": None if fetched_at is None else format_instant(fetched_at),
        "last_fetched_seq": fetched_seq,
        "last_seq": last_seq,
        "is_current": fetched_seq is not None and fetched_seq >= last_seq,
    }
