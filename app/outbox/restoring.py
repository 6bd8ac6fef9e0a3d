"""What is owed in a database that was restored from a backup: nobody can tell what of it was sent after the backup was
made, and a message sent twice is worse than one that is asked for again."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.db.database import Database
from app.outbox.sql import sql

_DELIVERIES_A_BITE: Final = 2_000  # rows changed in one statement, well within its time limit
_CALENDARS_A_BITE: Final = 500


async def hold_back(db: Database, now: datetime) -> int:
    """Give up all that waits, as failed with the reason `restored`: by hand it can still be sent. Reminders whose
    moment has passed are not owed any more. Returns how many deliveries that were. For a database that nobody works
    on."""
    held = 0
    while bite := await db.run(sql.give_up_waiting, {"now": now, "limit": _DELIVERIES_A_BITE}):
        held += bite
    after: str | None = ""
    while after is not None:
        row = await db.one(sql.pass_moments, {"now": now, "after": after, "limit": _CALENDARS_A_BITE})
        after = row[0] if row else None
    return held
