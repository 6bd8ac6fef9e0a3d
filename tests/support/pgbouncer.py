"""pgbouncer in transaction mode before a Postgres of the tests', where this machine has it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

PROGRAM: Final = os.environ.get("KALENDS_TEST_PGBOUNCER") or shutil.which(
    "pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin"
)
POOL: Final = 4  # sessions that all clients share: fewer than any one process would like


class Pgbouncer:
    """`url` leads through it to the database of an address that names a Unix socket."""

    def __init__(self, directory: Path, dsn: str) -> None:
        assert PROGRAM is not None
        self._directory = directory
        there = conninfo_to_dict(dsn)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"postgresql://{there['user']}@127.0.0.1:{port}{urlsplit(dsn).path}"
        (directory / "users.txt").write_text(f'"{there["user"]}" ""\n')
        (directory / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={there['host']} port={there['port']} user={there['user']}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = any\nauth_file = {directory}/users.txt\n"
            f"pool_mode = transaction\ndefault_pool_size = {POOL}\nmax_client_conn = 200\nserver_login_retry = 1\n"
            + ("max_prepared_statements = 200\n" if self.knows_prepared_statements else "")
        )
        # It refuses to run as root, and has to get at the socket: so it is the user that Postgres runs as.
        self._uid = Path(str(there["host"])).stat().st_uid if os.geteuid() == 0 else None
        os.chmod(directory, 0o755)
        self.start()

    @property
    def knows_prepared_statements(self) -> bool:
        """Whether it follows which session has which of a client's statements."""
        return version() >= (1, 22)

    def start(self) -> None:
        assert PROGRAM is not None
        with (self._directory / "pgbouncer.log").open("a") as log:
            self._process = subprocess.Popen(
                [PROGRAM, str(self._directory / "pgbouncer.ini")], user=self._uid, stdout=log, stderr=log, cwd="/"
            )
        port = urlsplit(self.url).port
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port or 0)).close()
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.02)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(how)
        self._process.wait(10)

    def log(self) -> str:
        return (self._directory / "pgbouncer.log").read_text()


def version() -> tuple[int, ...]:
    assert PROGRAM is not None
    answer = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in answer.split()[1].split("."))


@contextmanager
def pooling(dsn: str) -> Iterator[Pgbouncer]:
    directory = Path(tempfile.mkdtemp(prefix="kalends-pgbouncer-"))
    pgbouncer = Pgbouncer(directory, dsn)
    try:
        yield pgbouncer
    finally:
        pgbouncer.stop()
        shutil.rmtree(directory, ignore_errors=True)
