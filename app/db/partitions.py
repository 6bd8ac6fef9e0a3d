"""Tables that are kept by month: `changes`, `deliveries` and `mails`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from app.db.database import Database
from app.db.queries import load
from app.logs import log

sql: Final = load(Path(__file__).with_name("partitions.sql"))
PARTITIONED: Final = ("changes", "deliveries", "mails")
AHEAD: Final = 1  # months that are there before they are needed: the job runs every day


async def make_months(db: Database, now: datetime) -> None:
    """Make the present month of each table and the next, where they are not there. A month that cannot be made, since
    rows of it are in the default partition, is told of and done without: its rows are as good there."""
    for parent in PARTITIONED:
        try:
            await db.run(sql.make_month, {"parent": parent, "now": now, "ahead": AHEAD})
        except Exception as fault:
            log("partition.not_made", table=parent, error=repr(fault))


async def drop_months(db: Database, parent: str, before: datetime) -> None:
    """Drop the months of a table that were over by `before`. Where the table is in use all the time, the next day is
    another chance."""
    try:
        row = await db.one(sql.drop_months, {"parent": parent, "before": before})
    except Exception as fault:
        log("partition.not_dropped", table=parent, error=repr(fault))
        return
    if row is not None and row[0]:
        log("partition.dropped", table=parent, months=row[0])
