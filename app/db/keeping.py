"""Whoever serves keeps its embedded Postgres running: where it died, by whatever hand, it is started again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final

from app.db.embedded import EmbeddedPostgres
from app.logs import log

LOOK_EVERY: Final = 0.25  # seconds
FIRST_PAUSE: Final = 1.0  # seconds before a start is tried again that failed, doubled each time
LONGEST_PAUSE: Final = 15.0  # seconds: soon after a full disk has room again


@contextmanager
def kept_running(server: EmbeddedPostgres) -> Iterator[None]:
    """Starts the server again wherever it is gone while the block lasts; of several processes that hold it one does,
    and the others find it there."""
    is_over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(server, is_over), name="kalends-keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        is_over.set()
        keeper.join()


def _keep(server: EmbeddedPostgres, is_over: threading.Event) -> None:
    pause = LOOK_EVERY
    while not is_over.wait(pause):
        pause = LOOK_EVERY if server.pid is not None or _started_again(server) else _longer(pause)


def _started_again(server: EmbeddedPostgres) -> bool:
    began = monotonic()
    try:
        server.ensure_running()
    except Exception as fault:  # whatever it is, it may pass
        log("postgres.not_started", error=str(fault))
        return False
    log("postgres.runs_again", pid=server.pid, seconds=round(monotonic() - began, 2))
    return True


def _longer(pause: float) -> float:
    return max(FIRST_PAUSE, min(LONGEST_PAUSE, 2 * pause))
