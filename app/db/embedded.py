"""A Postgres server of our own, for whoever has none: one per data directory, shared by those who use it.

What a directory holds:

    data/          the cluster, owned by the user the server runs as
    socket/        the only way in (0700, no TCP), unless the path would be too long for a socket
    start.lock     held while a server is started or stopped, so that one process at a time decides
    users.lock     held shared by every process that uses the server; the last one out stops it
    postgres.log   what the server has to say

The kernel drops a lock with the process that held it, so a killed process counts as gone. The server it
leaves behind goes on and is adopted by the next start.
"""

from __future__ import annotations

import fcntl
import math
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
from psycopg import sql

from app.db.binaries import Account, Binaries, account_for, can_reach, find, readable_copy
from app.refusal import Refusal

SUPERUSER: Final = "kalends"
MAX_CONNECTIONS: Final = 200  # connections: the pools of all processes (see app.db.pool) and room for psql
SOCKET_PATH_LIMIT: Final = 100  # bytes: sun_path holds 104 on macOS and 108 on Linux, ending in NUL
READY_TIMEOUT: Final = 120.0  # seconds: a crash recovery replays at most max_wal_size, far below this
STOP_TIMEOUT: Final = 20.0  # seconds for a fast shutdown with its checkpoint, before the server is told to drop all
SAY_AFTER: Final = 1.5  # seconds: a wait longer than this is explained to whoever watches
POLL: Final = 0.01  # seconds between looks at postmaster.pid
LOG_LIMIT: Final = 16 * 1024 * 1024  # bytes of postgres.log kept over a start

_PORT: Final = "5432"
_SOCKET: Final = f".s.PGSQL.{_PORT}"
_SOCKET_DIRECTORY_PREFIX: Final = "kalends-socket-"

Say = Callable[[str], None]


def _silent(_sentence: str) -> None:
    return


@dataclass(frozen=True, slots=True)
class _Postmaster:
    """What postmaster.pid says."""

    pid: int
    socket_directory: Path | None
    ready: bool


class EmbeddedPostgres:
    """A hold on the server of one directory; starts it where none runs.

    With `durable=False` nothing is flushed to disk: for tests, whose data may be lost. `say` hears a sentence
    whenever something takes long. All failures are `Refusal`s.
    """

    def __init__(self, directory: Path, *, durable: bool = True, say: Say = _silent) -> None:
        self._directory = directory.absolute()
        self._durable = durable
        self._say = say
        self._users: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_directory: Path | None = None

    @property
    def data(self) -> Path:
        return self._directory / "data"

    @property
    def pid(self) -> int | None:
        """The process id of the server, where one runs."""
        found = self._running()
        return found.pid if found else None

    def start(self) -> None:
        """Take a hold on the server, started now if none runs; returns when it accepts connections."""
        self._make_directory()
        with self._deciding():
            if self._users is None:
                self._users = _lock(self._directory / "users.lock", fcntl.LOCK_SH)
            try:
                self._ensure()
            except BaseException:
                self._let_go()
                self._stop_unless_used()
                raise

    def ensure_running(self) -> None:
        """Start the server again, at the same address, where it died under us."""
        with self._deciding():
            self._ensure()

    def release(self) -> bool:
        """Give up the hold; the last one out stops the server. Says whether that was us."""
        if self._users is None:
            return False
        with self._deciding():
            self._let_go()
            return self._stop_unless_used()

    def dsn(self, database: str = "postgres") -> str:
        """The address of a database on this server, for libpq."""
        assert self._socket_directory is not None, "start() comes first"
        directory = quote(str(self._socket_directory), safe="")
        return f"postgresql://{SUPERUSER}@/{quote(database, safe='')}?host={directory}&port={_PORT}"

    def ensure_database(self, name: str) -> str:
        """The address of the database `name`, made where it does not exist."""
        with self._deciding(), psycopg.connect(self.dsn(), autocommit=True) as connection:
            if not connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return self.dsn(name)

    def __enter__(self) -> EmbeddedPostgres:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.release()

    # Deciding, one process at a time

    def _make_directory(self) -> None:
        try:
            self._directory.mkdir(mode=0o755, parents=True, exist_ok=True)
            # A probe, since access() says yes to root even on a read-only file system.
            os.close(os.open(self._directory / "start.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644))
        except OSError as error:
            raise Refusal(
                f"The data directory {self._directory} cannot be written ({error.strerror}): "
                "set KALENDS_DATA_DIR to a directory of your own, for example ~/kalends-data.",
                exit_code=2,
            ) from error

    @contextmanager
    def _deciding(self) -> Iterator[None]:
        descriptor = _lock(self._directory / "start.lock", fcntl.LOCK_EX, self._say)
        try:
            yield
        finally:
            os.close(descriptor)

    def _let_go(self) -> None:
        if self._users is not None:
            os.close(self._users)
            self._users = None

    def _stop_unless_used(self) -> bool:
        try:
            sole = _lock(self._directory / "users.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        try:
            self._stop()
        finally:
            os.close(sole)
        return True

    # The server

    def _ensure(self) -> None:
        found = self._running()
        if found and not _accepts(found):  # starting up or shutting down; neither lasts
            self._wait_for_ready_or_gone(found)
            found = self._running()
        if found is None:
            self._launch()
            found = self._running()
        if found is None or found.socket_directory is None:
            raise Refusal(f"Postgres started and was gone at once. {self._last_words()}")
        self._socket_directory = found.socket_directory

    def _launch(self) -> None:
        account = account_for(self.data)
        binaries = readable_copy(find(self._major_of_data()), account)
        if not self.data.exists():
            self._make_cluster(binaries, account)
        if not os.access(self.data, os.R_OK | os.X_OK):
            raise Refusal(
                f"The data in {self.data} belongs to another user: start Kalends as that user or as root, "
                "or set KALENDS_DATA_DIR to a directory of your own.",
                exit_code=2,
            )
        self._drop_stale_pid_file()
        socket_directory = self._make_socket_directory(account)
        for _attempt in range(20):
            self._spawn(binaries, account, socket_directory)
            if self._wait_until_ready():
                return
            # The processes of a server killed a moment ago end by themselves, but not at once.
            if "shared memory block" not in self._last_words():
                break
            time.sleep(0.25)
        raise Refusal(f"Postgres did not start. {self._last_words()}")

    def _spawn(self, binaries: Binaries, account: Account, socket_directory: Path) -> None:
        settings = {
            "listen_addresses": "",
            "port": _PORT,  # of no network: it is part of the socket's name
            "unix_socket_directories": str(socket_directory),
            "unix_socket_permissions": "0700",
            "max_connections": str(MAX_CONNECTIONS),
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",  # our statements are short: compiling them costs more than it saves
        }
        if _has_trusty_syncfs():
            settings["recovery_init_sync_method"] = "syncfs"  # a tenth of the time that file by file takes after a kill
        if not self._durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        arguments = [f"--{name}={value}" for name, value in settings.items()]
        self._process = self._run(binaries.postgres, arguments, account, self.data)

    def _make_cluster(self, binaries: Binaries, account: Account) -> None:
        """A cluster that appears whole or not at all: made beside its place, then moved there."""
        self._say("Making the database; this happens once.")
        for left in self._directory.glob("data.unfinished-*"):
            shutil.rmtree(left, ignore_errors=True)
        # A name of its own: the initdb of a start that was killed may still be writing to the last one.
        unfinished = Path(tempfile.mkdtemp(prefix="data.unfinished-", dir=self._directory))
        if account.switch:
            os.chown(unfinished, account.uid, account.gid)
        arguments = [
            "--encoding=UTF8",
            "--locale=C",
            f"--username={SUPERUSER}",
            "--auth=trust",
            "--auth-host=reject",
        ]
        if not self._durable:
            arguments.append("--no-sync")
        process = self._run(binaries.initdb, arguments, account, unfinished)
        try:
            code = process.wait()
        except BaseException:  # Ctrl-C does not reach it by itself
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        if code != 0:
            raise Refusal(f"The database could not be made. {self._last_words()}")
        unfinished.rename(self.data)

    def _run(self, program: Path, arguments: list[str], account: Account, data: Path) -> subprocess.Popen[bytes]:
        # Root's home is closed to the user that the server runs as. A directory that a process was given
        # open is not: it is reached without a walk through those above it.
        through_descriptor = sys.platform.startswith("linux") and not can_reach(account, data)
        descriptor = os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        log = self._open_log()
        try:
            return subprocess.Popen(
                [program, "-D", f"/proc/self/fd/{descriptor}" if through_descriptor else data, *arguments],
                cwd="/",
                env=_environment(),
                pass_fds=[descriptor] if through_descriptor else [],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=account.uid if account.switch else None,
                group=account.gid if account.switch else None,
                extra_groups=[] if account.switch else None,
                start_new_session=True,  # Ctrl-C in the terminal is for us; we stop the server when done
                umask=0o077,
            )
        finally:
            os.close(log)
            os.close(descriptor)

    def _wait_until_ready(self) -> bool:
        """Wait for the server just spawned; False where it ended instead."""
        assert self._process is not None
        deadline, explain_at = time.monotonic() + READY_TIMEOUT, time.monotonic() + SAY_AFTER
        while time.monotonic() < deadline:
            if (found := self._running()) and found.pid == self._process.pid and found.ready:
                return True
            if self._process.poll() is not None:
                return False
            if time.monotonic() > explain_at:
                self._say("Waiting for Postgres, which is still starting; after a crash it repairs itself first.")
                explain_at = deadline
            time.sleep(POLL)
        self._stop()
        raise Refusal(f"Postgres was not ready after {READY_TIMEOUT:.0f} seconds. {self._last_words()}")

    def _wait_for_ready_or_gone(self, found: _Postmaster) -> None:
        self._say("A Postgres server left by an earlier start is still busy; waiting for it.")
        deadline = time.monotonic() + READY_TIMEOUT
        while time.monotonic() < deadline:
            current = self._running()
            if current is None or current.pid != found.pid or _accepts(current):
                return
            time.sleep(POLL)
        raise Refusal(
            f"The Postgres server with process id {found.pid} neither works nor ends: stop it with "
            f"`kill -QUIT {found.pid}`, then start again."
        )

    def _stop(self) -> None:
        found = self._running()
        ours = self._process.pid if self._process and self._process.poll() is None else None
        if pid := found.pid if found else ours:
            for how, patience in (
                (signal.SIGINT, STOP_TIMEOUT),
                (signal.SIGQUIT, 5.0),
                (signal.SIGKILL, 5.0),
            ):
                with suppress(ProcessLookupError):
                    os.kill(pid, how)
                if self._gone_within(pid, patience):
                    break
        if self._process is not None:
            self._process.wait()
            self._process = None
        directory = found.socket_directory if found else self._socket_directory
        if directory and directory.name.startswith(_SOCKET_DIRECTORY_PREFIX):
            for left in (_SOCKET, f"{_SOCKET}.lock"):
                (directory / left).unlink(missing_ok=True)
            with suppress(OSError):
                directory.rmdir()
        self._socket_directory = None

    def _gone_within(self, pid: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._process is not None:
                self._process.poll()  # reaps it where it is our child
            if not _alive(pid):
                return True
            time.sleep(POLL)
        return False

    # What lies in the directory

    def _running(self) -> _Postmaster | None:
        """The server that postmaster.pid names, if it is alive and a Postgres."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
        except (OSError, ValueError, IndexError):
            return None
        if not _alive(pid) or not _is_postgres(pid):
            return None
        directory = Path(lines[4]) if len(lines) > 4 and lines[4] else None
        return _Postmaster(pid, directory, ready=len(lines) > 7 and lines[7].strip() == "ready")

    def _drop_stale_pid_file(self) -> None:
        # After a reboot, or in a container started anew, the old number may belong to some other process;
        # Postgres would then refuse to start for fear of it.
        if self._running() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _make_socket_directory(self, account: Account) -> Path:
        again = self._socket_directory  # whoever holds our address keeps a valid one over a restart
        own = self._directory / "socket"
        fits = len(os.fsencode(own / _SOCKET)) < SOCKET_PATH_LIMIT
        if again and again.exists():
            directory = again
        elif fits and can_reach(account, self._directory):
            directory = own
            directory.mkdir(mode=0o700, exist_ok=True)
        else:
            directory = Path(tempfile.mkdtemp(prefix=_SOCKET_DIRECTORY_PREFIX, dir=_short_temporary_directory()))
        if account.switch:
            os.chown(directory, account.uid, account.gid)
        return directory

    def _major_of_data(self) -> int | None:
        try:
            return int((self.data / "PG_VERSION").read_text())
        except (OSError, ValueError):
            return None

    def _open_log(self) -> int:
        path = self._directory / "postgres.log"
        with suppress(FileNotFoundError):
            if path.stat().st_size > LOG_LIMIT:
                path.unlink()
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def _last_words(self) -> str:
        path = self._directory / "postgres.log"
        try:
            lines = path.read_text(errors="replace").splitlines()[-4:]
        except OSError:
            return ""
        return f"The end of {path}: " + " / ".join(line.strip() for line in lines)


def stop_if_unused(directory: Path) -> bool:
    """Stop the server of a directory that nobody uses any more; False where somebody does."""
    server = EmbeddedPostgres(directory)
    with server._deciding():
        return server._stop_unless_used()


def _lock(path: Path, how: int, say: Say = _silent) -> int:
    """A descriptor that holds the lock until it is closed. Children do not inherit it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    explain_at = time.monotonic() + SAY_AFTER
    while True:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if how & fcntl.LOCK_NB:
                os.close(descriptor)
                raise
        else:
            return descriptor
        if time.monotonic() > explain_at:
            say("Another start of Kalends is busy with the database; waiting for it.")
            explain_at = math.inf
        time.sleep(POLL)


def _accepts(server: _Postmaster) -> bool:
    if not server.ready or server.socket_directory is None:
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(str(server.socket_directory / _SOCKET))
        except OSError:
            return False
    return True


def _alive(pid: int) -> bool:
    """Whether the process runs; a dead one that nobody has reaped yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return not Path("/proc/self").exists()
    return state not in ("Z", "X")


def _is_postgres(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() == "postgres"
    except OSError:
        return not Path("/proc/self").exists()


def _environment() -> dict[str, str]:
    """What the server needs of our environment, and none of the secrets and PG… variables in it."""
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C", "TZ": "UTC"}


def _has_trusty_syncfs() -> bool:
    """Whether a file system can be told as one to write down what it holds, and says so where it cannot: Linux 5.8."""
    release = re.match(r"(\d+)\.(\d+)", platform.release())
    return sys.platform == "linux" and release is not None and (int(release[1]), int(release[2])) >= (5, 8)


def _short_temporary_directory() -> str:
    preferred = tempfile.gettempdir()
    return preferred if len(os.fsencode(preferred)) < SOCKET_PATH_LIMIT - 40 else "/tmp"  # noqa: S108
