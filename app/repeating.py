"""Work that goes on without a request, again and again while a process lives."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_SUBMITTED
from apscheduler.schedulers.asyncio import AsyncIOScheduler

STOP_GRACE: Final = 2.0  # seconds that a cancelled run gets to let go of what it holds


@asynccontextmanager
async def repeating(
    job: Callable[[], Awaitable[None]],
    every: timedelta,
    *,
    first_after: timedelta = timedelta(0),
    jitter: timedelta = timedelta(0),
) -> AsyncIterator[None]:
    """Runs `job` `first_after` from now and then `every` so often while the block lasts, never twice at once. At the
    end of the block no run begins, and one that is under way is cancelled and has ended."""
    runs, is_stopping = set[asyncio.Task[None]](), False
    idle = asyncio.Event()
    idle.set()

    async def run() -> None:
        if is_stopping:
            return
        task = asyncio.ensure_future(_awaited(job))
        runs.add(task)
        await asyncio.wait(runs)
        runs.clear()
        if not task.cancelled():
            task.result()

    scheduler = AsyncIOScheduler(timezone="UTC")
    # The scheduler's own shutdown cancels its tasks and reports each as failed: so ours end before it is told.
    scheduler.add_listener(lambda _: idle.clear(), EVENT_JOB_SUBMITTED)
    scheduler.add_listener(lambda _: idle.set(), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    scheduler.add_job(
        run,
        "interval",
        seconds=every.total_seconds(),
        next_run_time=datetime.now(UTC) + first_after,
        jitter=int(jitter.total_seconds()) or None,
        misfire_grace_time=None,
        max_instances=1,
        coalesce=True,
    )
    scheduler.start()
    try:
        yield
    finally:
        is_stopping = True
        scheduler.pause()
        for task in runs:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_GRACE):
                await idle.wait()
        scheduler.shutdown(wait=False)


async def _awaited(job: Callable[[], Awaitable[None]]) -> None:
    await job()
