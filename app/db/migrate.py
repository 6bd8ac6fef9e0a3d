"""Bringing a database to the shape that the code expects.

`schema.sql` is that shape. An empty database gets it at once, and all migrations count as applied; one of an
earlier release gets the migrations it lacks (`migrations/0002_what_it_does.sql`, …), each in a transaction
of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg.rows import TupleRow

from app.db.binaries import NEWEST_MAJOR, OLDEST_MAJOR
from app.db.pool import session_options
from app.db.words import first_line, unusable
from app.refusal import Refusal
from app.settings import CONNECT_TIMEOUT
from app.shipped import shipped_root

_LOCK: Final = 0x6B616C656E6473  # the advisory lock that concurrent starts queue at; any number of our own
_MARK: Final = "kalends.session"  # a setting that means nothing, and that a session of our own keeps
_POOLER: Final = (
    "A connection pooler stands before the database, behind which no session is our own: keep its address in "
    "DATABASE_URL, and set KALENDS_DATABASE_DIRECT_URL to Postgres' own, for example "
    "postgresql://user:password@db.example.com:5432/kalends."
)
_FILE_NAME: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

SOMEBODY_ELSES: Final = (
    "select relname from pg_class"
    " where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v', 'm')"
    " and not exists (select from pg_depend d where d.objid = pg_class.oid and d.deptype = 'e')"
    " order by relname limit 1"
)
"""A table or view that stands where ours would; those that an extension brought are nobody's."""

Connection = psycopg.Connection[TupleRow]


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The shape to reach, and the steps that lead older databases to it, in order."""

    schema: str
    migrations: tuple[Migration, ...]

    @classmethod
    def read(cls, root: Path | None = None) -> Plan:
        """The plan in a directory with `schema.sql` and `migrations/`, by default this program's own."""
        root = root or shipped_root()
        try:
            schema = (root / "schema.sql").read_text(encoding="utf-8")
        except FileNotFoundError:
            raise Refusal(f"{root / 'schema.sql'} is missing: check out or install Kalends anew.") from None
        migrations: list[Migration] = []
        for path in sorted((root / "migrations").glob("*.sql")):
            found = _FILE_NAME.fullmatch(path.name)
            if not found or int(found[1]) != len(migrations) + 1:
                raise Refusal(f"{path} breaks the numbering: expected {len(migrations) + 1:04}_<what_it_does>.sql.")
            migrations.append(Migration(int(found[1]), found[2], path.read_text(encoding="utf-8")))
        return cls(schema, tuple(migrations))


def migrate(dsn: str, plan: Plan | None = None, say: Callable[[str], None] = lambda _sentence: None) -> int:
    """Bring the database to the plan's shape; returns how many steps that took, 0 where it had it already.

    Concurrent calls are safe: one works, the others find it done. Raises a `Refusal` where the database
    cannot be reached, is of a version we do not know, holds somebody else's tables, or was written by a
    newer Kalends.
    """
    plan = plan or Plan.read()
    with _connect(dsn) as connection:
        _check_version(connection)
        _check_session(connection)
        connection.execute("set statement_timeout = 0")
        steps = 0
        while _step(connection, plan, say):
            steps += 1
        return steps


def _step(connection: Connection, plan: Plan, say: Callable[[str], None]) -> bool:
    """One transaction: the first thing the database lacks. False where it lacks nothing."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        if connection.execute("select to_regclass('migrations')").fetchone() == (None,):
            _lay_ground(connection, plan)
            return True
        applied = {row[0] for row in connection.execute("select number from migrations")}
        newest = len(plan.migrations)
        if applied and max(applied) > newest:
            raise Refusal(
                f"The database was written by a newer Kalends (its migration {max(applied)}, while this "
                f"one knows {newest}): start that version, or restore a backup made before the update."
            )
        for migration in plan.migrations:
            if migration.number not in applied:
                say(f"Changing the database: {migration.name.replace('_', ' ')} ({migration.number}).")
                _apply(connection, migration)
                _record(connection, migration)
                return True
        return False


def _lay_ground(connection: Connection, plan: Plan) -> None:
    foreign = connection.execute(SOMEBODY_ELSES).fetchone()
    if foreign:
        raise Refusal(
            f"The database is not empty and not one of Kalends (it has a table {foreign[0]!r}): "
            "give DATABASE_URL an empty database of its own.",
            exit_code=2,
        )
    connection.execute(
        "create table migrations ("
        " number integer primary key, name text not null, applied_at timestamptz not null default now())"
    )
    connection.execute(plan.schema.encode())
    for migration in plan.migrations:
        _record(connection, migration)


def _apply(connection: Connection, migration: Migration) -> None:
    try:
        connection.execute(migration.text.encode())
    except psycopg.Error as error:
        raise Refusal(
            f"Migration {migration.number} ({migration.name}) does not fit this database: {first_line(error)} "
            "The database is as it was before; start the version that made it, and report this."
        ) from error


def _record(connection: Connection, migration: Migration) -> None:
    connection.execute("insert into migrations (number, name) values (%s, %s)", (migration.number, migration.name))


def _connect(dsn: str) -> Connection:
    try:
        return psycopg.connect(
            dsn,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT,
            application_name="kalends migrate",
            options=session_options(dsn, {_MARK: "on"}),
        )
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
        if "startup parameter" in str(error):  # what poolers say to a setting that they would have to keep apart
            raise Refusal(_POOLER, exit_code=2) from None
        raise Refusal(f"{unusable(dsn, error)} Check DATABASE_URL, and that the server runs.") from None


def _check_session(connection: Connection) -> None:
    """A pooler that lets settings fall in silence is found out by one that it let fall."""
    if connection.execute("select current_setting(%s, true)", (_MARK,)).fetchone() != ("on",):
        raise Refusal(_POOLER, exit_code=2)


def _check_version(connection: Connection) -> None:
    major = connection.info.server_version // 10_000
    if not OLDEST_MAJOR <= major <= NEWEST_MAJOR:
        raise Refusal(
            f"The database is Postgres {major}; Kalends works with {OLDEST_MAJOR} to {NEWEST_MAJOR}: "
            "give DATABASE_URL one of these."
        )
