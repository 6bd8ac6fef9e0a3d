"""Jobs of the service's own, once a day: forgetting, mostly."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from app.clock import Clock
from app.db.database import Database
from app.logs import log
from app.metrics.jobs import job_run
from app.repeating import repeating

INTERVAL: Final = timedelta(days=1)
JITTER: Final = timedelta(minutes=5)  # so that processes that began together part
FIRST_AFTER: Final = timedelta(minutes=5)  # a start has other things to do, and a process may not live for a day

Job = Callable[[Database, datetime], Awaitable[None]]
"""Any number of processes may run one at once. A fault is logged, and tomorrow is another day."""


@asynccontextmanager
async def daily(db: Database, clock: Clock, jobs: Sequence[Job]) -> AsyncIterator[None]:
    """Runs the jobs, one after the other, soon and then every day while the block lasts."""

    async def run() -> None:
        for job in jobs:
            name = getattr(job, "__name__", type(job).__name__)
            try:
                with job_run(name):
                    await job(db, clock.now())
            except Exception as fault:
                log("daily.fault", job=name, error=repr(fault))

    async with repeating(run, INTERVAL, first_after=FIRST_AFTER, jitter=JITTER):
        yield
