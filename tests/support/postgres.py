"""Databases for tests: one throw-away server per test run, a template made once, a clone per test.

The server is the embedded one with fsync off, shared by all workers of a run, or the one that
KALENDS_TEST_DATABASE_URL names (a URL whose user may create databases).
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from app.db.embedded import EmbeddedPostgres, stop_if_unused

GIVEN: Final = "KALENDS_TEST_DATABASE_URL"
_PREFIX: Final = f"kalends-test-{os.geteuid()}-"
_TEMPLATE_LOCK: Final = 0x6B616C  # an advisory lock's key; any number that nobody else uses


@contextmanager
def session_server() -> Iterator[str]:
    """The address of a server's `postgres` database, good until the block is left.

    All who ask within one run share a server, workers of pytest-xdist too; the last to leave stops it and
    removes its files. Servers that killed runs left behind are removed on the way in.
    """
    if given := os.environ.get(GIVEN):
        yield given
        return
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())
    directory = Path(tempfile.gettempdir()) / (_PREFIX + run)
    _sweep(besides=directory)
    server = EmbeddedPostgres(directory, durable=False)
    with _outer_lock(directory):
        server.start()
    try:
        yield server.dsn()
    finally:
        with _outer_lock(directory):
            if server.release():
                shutil.rmtree(directory, ignore_errors=True)


def make_template(admin_dsn: str, schema_text: str) -> str:
    """The name of a database that holds the schema, made once per schema text and server."""
    name = f"kalends_template_{sha256(schema_text.encode()).hexdigest()[:16]}"
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute("select pg_advisory_lock(%s)", (_TEMPLATE_LOCK,))
        if admin.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
            return name
        unfinished = f"{name}_unfinished"
        _drop(admin, unfinished)
        _create(admin, unfinished, "template0")
        with psycopg.connect(database_of(admin_dsn, unfinished), autocommit=True) as connection:
            connection.execute(schema_text.encode())
        admin.execute(
            sql.SQL("alter database {} rename to {}").format(sql.Identifier(unfinished), sql.Identifier(name))
        )
    return name


def clone(admin_dsn: str, template: str = "template0") -> str:
    """The address of a new database, a copy of the template."""
    name = f"kalends_test_{secrets.token_hex(8)}"
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        _create(admin, name, template)
    return database_of(admin_dsn, name)


def drop(admin_dsn: str, dsn: str) -> None:
    """Remove a clone, whoever is still connected to it."""
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        _drop(admin, urlsplit(dsn).path.removeprefix("/"))


def database_of(dsn: str, name: str) -> str:
    """The address of another database on the same server."""
    return urlsplit(dsn)._replace(path=f"/{name}").geturl()


def _create(admin: psycopg.Connection[tuple[object, ...]], name: str, template: str) -> None:
    # Copying files beats writing a small template through the log: no record per page.
    statement = "create database {} template {} encoding 'UTF8' strategy file_copy"
    admin.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(template)))


def _drop(admin: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


@contextmanager
def _outer_lock(directory: Path, how: int = fcntl.LOCK_EX) -> Iterator[None]:
    """A lock beside the directory, since the directory itself is removed while it is held."""
    path = directory.with_name(f"{directory.name}.lock")
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how)
            if os.fstat(descriptor).st_nlink:  # else its last holder removed it while we waited
                break
        except BlockingIOError:
            os.close(descriptor)
            raise
        os.close(descriptor)
    try:
        yield
    finally:
        if not directory.exists():
            path.unlink(missing_ok=True)
        os.close(descriptor)


def _sweep(besides: Path) -> None:
    for left in besides.parent.glob(f"{_PREFIX}*[!k]"):
        if left == besides or not left.is_dir():
            continue
        try:
            with _outer_lock(left, fcntl.LOCK_EX | fcntl.LOCK_NB):
                if stop_if_unused(left):
                    shutil.rmtree(left, ignore_errors=True)
        except BlockingIOError:
            continue
