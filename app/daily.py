"""Jobs of the service's own, once a day: forgetting, mostly."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from app.clock import Clock
from app.db.database import Database
from app.logs import log

INTERVAL: Final = timedelta(days=1)
FIRST_AFTER: Final = timedelta(minutes=5)  # a start has other things to do, and a process may not live for a day

Job = Callable[[Database, datetime], Awaitable[None]]
"""Any number of processes may run one at once. A fault is logged, and tomorrow is another day."""


@asynccontextmanager
async def daily(db: Database, clock: Clock, jobs: Sequence[Job]) -> AsyncIterator[None]:
    """Runs the jobs, one after the other, soon and then every day while the block lasts."""

    async def run() -> None:
        for job in jobs:
            try:
                await job(db, clock.now())
            except Exception as fault:
                log("daily.fault", job=getattr(job, "__name__", repr(job)), error=repr(fault))

    scheduler = AsyncIOScheduler(timezone="UTC")
    scheduler.add_job(
        run,
        "interval",
        seconds=INTERVAL.total_seconds(),
        next_run_time=datetime.now(UTC) + FIRST_AFTER,
        jitter=300,
        max_instances=1,
        coalesce=True,
    )
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)
