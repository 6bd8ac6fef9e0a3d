from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import pytest

from app.repeating import STOP_GRACE, repeating

OFTEN = timedelta(milliseconds=5)


@pytest.mark.parametrize("turns", range(12))
def test_a_run_that_is_under_way_at_the_end_is_ended_and_reported_to_nobody(
    turns: int, caplog: pytest.LogCaptureFixture
) -> None:
    begun = ended = 0

    async def job() -> None:
        nonlocal begun, ended
        begun += 1
        try:
            await asyncio.sleep(60)
        finally:
            ended += 1

    async def live() -> None:
        async with asyncio.timeout(STOP_GRACE), repeating(job, OFTEN):
            for _ in range(turns):  # ends when the run is not submitted yet, is submitted, has just begun, is under way
                await asyncio.sleep(0)
        assert begun == ended
        assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    with caplog.at_level(logging.WARNING):
        asyncio.run(live())
    assert not caplog.records


def test_a_run_that_failed_is_reported_and_the_next_one_comes(caplog: pytest.LogCaptureFixture) -> None:
    runs, third = 0, asyncio.Event()

    async def job() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise RuntimeError("the first one fails")
        if runs == 3:
            third.set()

    async def live() -> None:
        async with repeating(job, OFTEN):
            await third.wait()

    asyncio.run(asyncio.wait_for(live(), 10))
    assert "the first one fails" in caplog.text


def test_no_two_runs_at_once_and_none_after_the_end() -> None:
    under_way, runs, third = 0, 0, asyncio.Event()

    async def job() -> None:
        nonlocal under_way, runs
        under_way += 1
        assert under_way == 1
        await asyncio.sleep(0.02)  # longer than the time between two
        under_way -= 1
        runs += 1
        if runs == 3:
            third.set()

    async def live() -> None:
        async with repeating(job, OFTEN):
            await third.wait()
        at_the_end = runs
        await asyncio.sleep(0.05)
        assert runs == at_the_end

    asyncio.run(asyncio.wait_for(live(), 10))
