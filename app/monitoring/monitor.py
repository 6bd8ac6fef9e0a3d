"""The numbers of a process and its deployment, put together when somebody asks for them."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import Final

from app.clock import Clock
from app.core.times import TZDATA_VERSION
from app.db.database import Database
from app.db.pool import Pool
from app.metrics import families
from app.metrics.exposition import exposed
from app.metrics.instruments import INSTRUMENTS
from app.metrics.process import read_process
from app.metrics.sharing import Place
from app.monitoring.database import DatabaseGauges, Seen

LAG_EVERY: Final = 0.5  # seconds between looks at how late the event loop is
PUBLISH_EVERY: Final = 4  # looks between files for the other processes
BUILD: Final = "kalends_build_info"
BUILD_MEANING: Final = "Versions of what runs; always 1."


class Monitor:
    """`pools` are watched by their names; `readings` bring gauges up to date whose values others hold."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        pools: Mapping[str, Pool],
        readings: Sequence[Callable[[], None]],
        place: Place,
    ) -> None:
        self._gauges = DatabaseGauges(db, clock)
        self._pools, self._readings, self._place = pools, readings, place

    async def exposition(self) -> bytes:
        """All of it in Prometheus' text format. Never raises."""
        seen = await self._gauges.seen()
        self._publish()
        lines = [*_build(seen), *seen.lines()]
        for name, (labels, series) in self._place.picture().items():
            lines += exposed(INSTRUMENTS[name], series, labels)
        return ("\n".join(lines) + "\n").encode()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watches the event loop while the block lasts, and lets other processes see what stands here."""
        self._place.take()
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            self._publish()

    async def _watch(self) -> None:
        look = 0
        while True:
            began = perf_counter()
            await asyncio.sleep(LAG_EVERY)
            families.LAG.observe(max(0.0, perf_counter() - began - LAG_EVERY))
            look += 1
            if look % PUBLISH_EVERY == 0:
                self._publish()

    def _publish(self) -> None:
        read_process()
        for name, pool in self._pools.items():
            _read_pool(name, pool)
        for reading in self._readings:
            reading()
        self._place.publish()


def _read_pool(name: str, pool: Pool) -> None:
    told = pool.get_stats()
    families.POOL_SIZE.set(told["pool_size"], name)
    families.POOL_MOST.set(told["pool_max"], name)
    families.POOL_IN_USE.set(told["pool_size"] - told["pool_available"], name)
    families.POOL_WAITING.set(told["requests_waiting"], name)
    families.POOL_USES.set(told.get("requests_num", 0), name)
    families.POOL_QUEUED.set(told.get("requests_queued", 0), name)
    families.POOL_WAITED.set(told.get("requests_wait_ms", 0) / 1000, name)
    families.POOL_TIMEOUTS.set(told.get("requests_errors", 0), name)
    families.POOL_LOST.set(told.get("connections_lost", 0), name)


def _build(seen: Seen) -> Iterator[str]:
    known = {
        "version": _version(),
        "tzdata": TZDATA_VERSION,
        "python": platform.python_version(),
        "postgres": seen.postgres,
        "schema": seen.schema,
    }
    labels = ",".join(f'{name}="{value}"' for name, value in known.items() if value is not None)
    yield f"# HELP {BUILD} {BUILD_MEANING}"
    yield f"# TYPE {BUILD} gauge"
    yield f"{BUILD}{{{labels}}} 1"


def _version() -> str:
    try:
        return version("kalends")
    except PackageNotFoundError:
        return "checkout"
