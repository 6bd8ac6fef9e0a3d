"""What is not kept for ever: mail, and threads that never became an event."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from app.db.database import Database
from app.db.partitions import drop_months
from app.inbound.sql import sql

MAILS_KEPT: Final = timedelta(days=30)
THREADS_KEPT: Final = timedelta(days=90)  # without an event; after that a late cancellation finds nothing to cancel
_MAILS_A_BITE: Final = 200  # rows of up to some megabytes
_THREADS_A_BITE: Final = 2_000  # keys walked in one statement


async def forget_mails(db: Database, now: datetime) -> None:
    """Remove mails that are older than they are kept: by whole months, so up to one more."""
    await drop_months(db, "mails", now - MAILS_KEPT)
    params = {"before": now - MAILS_KEPT, "limit": _MAILS_A_BITE}
    while await db.run(sql.forget_mails, params) == _MAILS_A_BITE:
        pass


async def forget_threads(db: Database, now: datetime) -> None:
    after = ("", "")
    while True:
        row = await db.one(
            sql.forget_threads,
            {
                "before": now - THREADS_KEPT,
                "after_calendar": after[0],
                "after_uid": after[1],
                "limit": _THREADS_A_BITE,
            },
        )
        if row is None or row[2] < _THREADS_A_BITE:
            return
        after = (row[0], row[1])
