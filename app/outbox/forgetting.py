"""What is kept of deliveries, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from app.db.database import Database
from app.db.partitions import drop_months
from app.outbox.sql import sql

KEPT: Final = timedelta(days=30)  # contract: webhook-logs
_BITE: Final = 2_000  # rows deleted in one statement


async def forget_deliveries(db: Database, now: datetime) -> None:
    """Remove deliveries that ended and were made longer ago than they are kept: by whole months, so up to one more."""
    await drop_months(db, "deliveries", now - KEPT)
    while await db.run(sql.forget_deliveries, {"before": now - KEPT, "limit": _BITE}) == _BITE:
        pass
