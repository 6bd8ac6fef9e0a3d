"""Kalends as its users start it: `python -m app serve`, one web process, an embedded Postgres of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.cli import DATABASE_NAME
from app.db.embedded import EmbeddedPostgres

STOP_TIMEOUT: Final = 30.0  # seconds, Postgres' last checkpoint included
# Limits stay on: they are only too high to be met.
SETTINGS: Final = {
    "KALENDS_PORT": "0",
    "KALENDS_RATE_LIMIT_PER_KEY": "100000000",
    "KALENDS_QUOTA_CALENDARS": "1000000",
    "KALENDS_QUOTA_EVENTS": "100000000",
    "KALENDS_QUOTA_OCCURRENCES": "900000000",
}


@dataclass(frozen=True, slots=True)
class Service:
    port: int
    pid: int
    postgres_pid: int
    dsn: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def kalends(directory: Path, **settings: str) -> Iterator[Service]:
    """A server with its data and its log in `directory`, until the block is left; `settings` are added to ours."""
    inherited = {n: v for n, v in os.environ.items() if not n.startswith("KALENDS_") and n != "DATABASE_URL"}
    environment = {**inherited, **SETTINGS, **settings, "KALENDS_DATA_DIR": str(directory)}
    with (directory / "log").open("wb") as log:
        command = [sys.executable, "-m", "app", "serve"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log)
        try:
            assert process.stdout is not None
            greeting = process.stdout.readline().decode()
            found = re.search(r"http://127\.0\.0\.1:(\d+)", greeting)
            if found is None:
                raise SystemExit("Kalends did not start:\n" + (directory / "log").read_text())
            with EmbeddedPostgres(directory / "postgres") as postgres:
                assert postgres.pid is not None
                dsn = postgres.ensure_database(DATABASE_NAME)
                yield Service(int(found[1]), process.pid, postgres.pid, dsn)
                process.terminate()
                process.wait(STOP_TIMEOUT)
        finally:
            process.terminate()
            process.wait(STOP_TIMEOUT)
