"""A process that sends and serves nothing: for deployments whose web processes leave that to others."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Final

import uvloop

from app.engine import make_engine
from app.settings import Settings

_STOP: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def work(settings: Settings, dsn: str, on_ready: Callable[[], None]) -> None:
    """Send what is owed until told to stop; attempts under way get a few seconds then."""
    uvloop.run(_work(settings, dsn, on_ready))


async def _work(settings: Settings, dsn: str, on_ready: Callable[[], None]) -> None:
    engine = make_engine(settings, dsn, dispatches=True)
    told = asyncio.Event()
    for number in _STOP:
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with engine.running():
        on_ready()
        await told.wait()
        engine.begin_stop()
