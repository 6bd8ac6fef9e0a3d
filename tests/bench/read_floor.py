"""The floor under a read: a bare ASGI application that executes the same statement and sends the bytes.

The same web server with the same settings, the same kind of pool, the same text and parameters; no routing, no
checks, no limits, no log. `python -m tests.bench.read_floor` reads pickled `(dsn, {path: Reply})`, prints its port,
and serves until it is told to stop.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import uvicorn

from app.db.pool import Pool, open_pool
from app.engine import POOL_MIN
from app.serve import listen, serve_here
from app.settings import POOL_MAX, Settings
from tests.bench.recording import Statement


class Reply(NamedTuple):
    """One statement, if any, and what is sent then: the longest column of its row, or `body` where one is given."""

    statement: Statement | None
    status: int
    body: bytes | None


class BareApp:
    def __init__(self, dsn: str, replies: Mapping[str, Reply]) -> None:
        self._pool: Pool = open_pool(dsn, min_size=POOL_MIN, max_size=POOL_MAX)
        self._replies = replies
        self._columns: dict[str, int] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path = scope["path"]
        statement, status, body = self._replies[path]
        if statement is not None:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(statement.text, statement.params)
                row = await cursor.fetchone()
            assert row is not None
            if body is None:
                if (column := self._columns.get(path)) is None:
                    column = self._columns[path] = max(range(len(row)), key=lambda i: len(str(row[i])))
                body = row[column].encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body or b"")).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body or b""})

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        async with self._pool:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


class Floor(NamedTuple):
    port: int
    pid: int


@contextmanager
def floor(dsn: str, replies: dict[str, Reply]) -> Iterator[Floor]:
    """A process that serves `replies`, until the block is left."""
    command = [sys.executable, "-m", "tests.bench.read_floor"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            pickle.dump((dsn, replies), process.stdin)
            process.stdin.close()
            yield Floor(int(process.stdout.readline()), process.pid)
        finally:
            process.terminate()


def main() -> None:
    dsn, replies = pickle.load(sys.stdin.buffer)
    configure = uvicorn.Config

    def swapped(_app: Any, **settings: Any) -> uvicorn.Config:
        return configure(BareApp(dsn, replies), **settings)

    # serve_here itself, with another application: so the floor's web server can never be set up differently.
    uvicorn.Config = swapped  # type: ignore[assignment, misc]
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        serve_here(Settings(secret_keys=("k" * 32,)), dsn, listener, lambda: print(port, flush=True))


if __name__ == "__main__":
    main()
