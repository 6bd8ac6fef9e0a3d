"""A process that sends, and serves nothing but its numbers: for deployments whose web processes leave sending to it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

import uvloop

from app.engine import make_engine
from app.logs import take_library_logs
from app.metrics.sharing import Place
from app.monitoring.server import serving_metrics
from app.serve import listen
from app.settings import Settings

_STOP: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def work(settings: Settings, dsn: str, on_ready: Callable[[], None]) -> None:
    """Send what is owed until told to stop; attempts under way get a few seconds then."""
    take_library_logs()
    uvloop.run(_work(settings, dsn, on_ready))


async def _work(settings: Settings, dsn: str, on_ready: Callable[[], None]) -> None:
    engine = make_engine(settings, dsn, dispatches=True, place=Place("worker"))
    told = asyncio.Event()
    for number in _STOP:
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with engine.running(), AsyncExitStack() as stack:
        if settings.metrics_port is not None:
            listener = stack.enter_context(listen(settings.host, settings.metrics_port))
            await stack.enter_async_context(serving_metrics(settings, engine.monitor, listener))
        on_ready()
        await told.wait()
        engine.begin_stop()
