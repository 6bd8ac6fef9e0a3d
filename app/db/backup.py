"""A backup of the whole database in one file, and the way back: what pg_dump and pg_restore do, with the right ones
chosen, no password on a command line, and a file that is there whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from app.db.binaries import candidates
from app.refusal import Refusal
from app.settings import CONNECT_TIMEOUT

_PASSING: Final = ("dispatchers", "allowances")
"""Tables whose rows mean nothing outside the moment: who is alive, and what was counted this minute."""
_IN_ENVIRONMENT: Final = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "channel_binding": "PGCHANNELBINDING",
    "options": "PGOPTIONS",
}
_VERSION: Final = re.compile(r"\) (\d+)")


def back_up(dsn: str, path: Path) -> int:
    """Write the database to `path`, as of one moment; services may go on meanwhile. Returns its size in bytes.

    The file can be read by its owner only: secrets in it are sealed, but calendars are not. Raises a `Refusal` where
    the file is there already, where it cannot be written, and where no pg_dump is new enough.
    """
    if path.exists():
        raise Refusal(f"{path} is there already: name another file, or move that one away.", exit_code=2)
    program = _program("pg_dump", _server_major(dsn))
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Refusal(f"{path} cannot be written ({error.strerror}): name a file elsewhere.", exit_code=2) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            options = ["--format=custom", "--no-owner", "--no-privileges", "--no-password"]
            options += [f"--exclude-table-data={table}" for table in _PASSING]
            _run([str(program), *options], dsn, stdout=file.fileno())
            os.fsync(file.fileno())
        os.link(unfinished, path)
    except FileExistsError:
        raise Refusal(f"{path} was made by somebody else meanwhile: name another file.", exit_code=2) from None
    finally:
        unfinished.unlink(missing_ok=True)
    return path.stat().st_size


def restore(dsn: str, path: Path) -> None:
    """Fill an empty database from a backup: all of it or nothing.

    Raises a `Refusal` where the file is none of ours, the database is not empty, or no pg_restore is new enough.
    """
    if not path.is_file():
        raise Refusal(f"There is no file {path}.", exit_code=2)
    program = _program("pg_restore", _server_major(dsn))
    _check_ours(program, path)
    _check_empty(dsn)
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-password"]
    database = conninfo_to_dict(dsn).get("dbname") or ""
    _run([str(program), *options, f"--dbname={database}", str(path)], dsn)


def _check_ours(program: Path, path: Path) -> None:
    listed = subprocess.run([program, "--list", path], capture_output=True, text=True, check=False)
    tables = set(re.findall(r" TABLE DATA \S+ (\S+) ", listed.stdout))
    if listed.returncode or not {"migrations", "calendars", "events"} <= tables:
        raise Refusal(f"{path} is no backup of Kalends, or is not whole.", exit_code=2)


def _check_empty(dsn: str) -> None:
    with _connect(dsn) as connection:
        found = connection.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
            " order by relname limit 1"
        ).fetchone()
    if found:
        raise Refusal(
            f"The database is not empty (it has a table {found[0]!r}): restore into an empty one, which DATABASE_URL "
            "names, or into a new directory, which KALENDS_DATA_DIR names.",
            exit_code=2,
        )


def _server_major(dsn: str) -> int:
    with _connect(dsn) as connection:
        return connection.info.server_version // 10_000


def _connect(dsn: str) -> psycopg.Connection[tuple[object, ...]]:
    try:
        return psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT, application_name="kalends backup")
    except psycopg.OperationalError as error:
        first = str(error).strip().splitlines()[0]
        raise Refusal(f"The database cannot be reached ({first}): check DATABASE_URL, and that it runs.") from None


def _program(name: str, least: int) -> Path:
    """The oldest program of that name that knows a server of major version `least`: a dump that a newer one reads back
    may hold settings that the server does not know."""
    found: dict[int, Path] = {}
    for program in _programs(name):
        major = _major(program)
        if major is not None and major >= least:
            found.setdefault(major, program)
    if not found:
        raise Refusal(
            f"There is no {name} of version {least} or newer, which this Postgres needs: install the client programs "
            f"of Postgres {least} (Debian: postgresql-client-{least})."
        )
    return found[min(found)]


def _programs(name: str) -> Iterator[Path]:
    for directory in candidates():
        if os.access(directory / name, os.X_OK):
            yield directory / name
    if on_path := shutil.which(name):
        yield Path(on_path)


def _major(program: Path) -> int | None:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):  # built for another machine or C library
        return None
    found = _VERSION.search(said)
    return int(found[1]) if found else None


def _run(command: list[str], dsn: str, stdout: int | None = None) -> None:
    """Passwords go by the environment, which other users cannot read, unlike a command line."""
    given = {
        _IN_ENVIRONMENT[name]: str(value) for name, value in conninfo_to_dict(dsn).items() if name in _IN_ENVIRONMENT
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    done = subprocess.run(
        command,
        env={**environment, **given, "PGCONNECT_TIMEOUT": str(CONNECT_TIMEOUT)},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise Refusal(f"{Path(command[0]).name} failed: {said[0]}")
