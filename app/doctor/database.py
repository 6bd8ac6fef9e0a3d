"""The database: its version, what is in it, and whether it can be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from app.db.binaries import NEWEST_MAJOR, OLDEST_MAJOR
from app.db.inspect import Inspection, NotAnswered
from app.db.migrate import Plan
from app.doctor.finding import Finding, fault, ok, warning
from app.doctor.sql import sql
from app.settings import Settings

BESIDE_THE_POOLS: Final = 1  # connection of a web process: the one that listens for what others wrote

EMPTY: Final = ok("schema", "The database is empty; `kalends serve` lays it out.")


def check_server(at: Inspection) -> list[Finding]:
    check = "database"
    if not OLDEST_MAJOR <= at.major <= NEWEST_MAJOR:
        message = f"The database is Postgres {at.major}; Kalends works with {OLDEST_MAJOR} to {NEWEST_MAJOR}."
        return [fault(check, message, "Name one of these in DATABASE_URL.")]
    encoding, timezone, is_copy, is_read_only, size = at.one(sql.server)
    findings = []
    if encoding != "UTF8":
        mend = "Make a database with `createdb -T template0 -E UTF8`, and name it in DATABASE_URL."
        findings.append(fault(check, f"The database is encoded as {encoding}, which cannot hold every text.", mend))
    if timezone != "UTC":
        mend = "Name the Postgres itself in DATABASE_URL, not a pooler before it."
        findings.append(fault(check, f"Connections are in {timezone}, though UTC was asked for.", mend))
    if is_copy:
        mend = "Name the primary server in DATABASE_URL, for example with target_session_attrs=read-write."
        findings.append(fault(check, "The database is a standby, which cannot be written.", mend))
    elif is_read_only:
        mend = "Set default_transaction_read_only to off for this database and role."
        findings.append(fault(check, "The database is read-only.", mend))
    return findings or [ok(check, f"Postgres {at.major} answers; the database has {size}.")]


def check_schema(at: Inspection) -> list[Finding]:
    """What is in the database, against what this version expects. A fault means that nothing more can be asked."""
    check, newest = "schema", len(Plan.read().migrations)
    if at.one(sql.migrations_table) == (False,):
        return [_empty(at)]
    applied = {number for (number,) in at.all(sql.migrations)}
    if applied and max(applied) > newest:
        return [
            fault(
                check,
                f"The database was written by a newer Kalends: its migration {max(applied)}, while this one knows "
                f"{newest}.",
                "Start that version, or restore a backup made before the update.",
            )
        ]
    if lacking := sorted(set(range(1, newest + 1)) - applied):
        return [
            warning(
                check,
                f"The database lacks the migrations {', '.join(map(str, lacking))}.",
                "Run `kalends migrate`, or start `kalends serve`, which does it.",
            )
        ]
    try:
        at.would_write(sql.try_write)
    except NotAnswered as why:
        return [
            fault(
                check,
                f"The tables cannot be written: {why}",
                "Make the role of DATABASE_URL their owner, and see that the server's disk has room.",
            )
        ]
    return [ok(check, f"The tables are those of this version (migration {newest}), and can be written.")]


def check_connections(settings: Settings) -> Callable[[Inspection], list[Finding]]:
    """A check of whether the server admits as many connections as the web processes open."""
    each = settings.pool_size + settings.sending_pool_size + BESIDE_THE_POOLS
    wanted = settings.workers * each

    def check(at: Inspection) -> list[Finding]:
        admitted, others = at.one(sql.connections)
        message = (
            f"{settings.workers} web process{'' if settings.workers == 1 else 'es'} may open {wanted} connections; "
            f"the server admits {admitted}, of which others hold {others}."
        )
        mend = "Raise Postgres' max_connections, or the role's and the database's limit, or lower KALENDS_WORKERS."
        if wanted > admitted:
            return [fault("connections", message, mend)]
        return [warning("connections", message, mend) if wanted > admitted - others else ok("connections", message)]

    return check


def _empty(at: Inspection) -> Finding:
    if foreign := at.foreign_table():
        return fault(
            "schema",
            f"The database is not empty and not one of Kalends: it has a table {foreign!r}.",
            "Give DATABASE_URL an empty database of its own.",
        )
    if at.one(sql.may_lay_out) != (True,):
        return fault(
            "schema",
            "The database is empty, and the role may not make tables in it.",
            "Make the role of DATABASE_URL its owner, or grant it create on the schema.",
        )
    return EMPTY
