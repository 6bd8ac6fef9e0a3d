"""What the processes take while they run: memory, descriptors, connections to the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

import psycopg

EVERY: Final = 0.5  # seconds
WARM_UP: Final = 0.25  # of the time: caches fill, connections are made
_PAGE: Final = 4096


@dataclass(frozen=True)
class Sample:
    at: float
    rss: int  # bytes, of the web process that lives throughout
    files: int  # open descriptors of it
    connections: int | None  # of all processes to the database; None while it is away


@dataclass
class Sampler:
    """Looks at a process and at the database until it is told to end."""

    pid: int
    dsn: Callable[[], str]
    samples: list[Sample] = field(default_factory=list)

    def run(self, is_over: threading.Event) -> None:
        while not is_over.wait(EVERY):
            self.look()

    def look(self) -> None:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        files = len(list(Path(f"/proc/{self.pid}/fd").iterdir()))
        self.samples.append(Sample(time.monotonic(), pages * _PAGE, files, self._connections()))

    def _connections(self) -> int | None:
        query = "select count(*) from pg_stat_activity where application_name like 'kalends%'"
        try:
            with psycopg.connect(self.dsn(), connect_timeout=2) as database:
                row = database.execute(query).fetchone()
        except psycopg.OperationalError:
            return None
        return row[0] if row else None

    @property
    def growth(self) -> float:
        """MB that memory grew by between the first and the last third of the time after the warm-up."""
        warm = self.samples[int(len(self.samples) * WARM_UP) :]
        third = max(1, len(warm) // 3)
        before, after = (median(each.rss for each in part) for part in (warm[:third], warm[-third:]))
        return (after - before) / 2**20

    @property
    def rss(self) -> float:
        """MB at the end."""
        return self.samples[-1].rss / 2**20

    @property
    def most_files(self) -> int:
        return max(each.files for each in self.samples)

    @property
    def most_connections(self) -> int:
        return max(each.connections or 0 for each in self.samples)
