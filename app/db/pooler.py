"""A pooler in transaction mode between us and Postgres: what our sessions are set to, their role has to bring along.

A pooler gives each transaction whatever session is free. It takes no settings for one, and a SET would stay with the
session and reach whoever gets it next. So the settings become the role's, in this database alone: every session that is
opened from then on has them, whoever opened it, at no cost to any statement.
"""

from __future__ import annotations

import time
from typing import Final

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from app.db.pool import SESSION
from app.refusal import Refusal
from app.settings import CONNECT_TIMEOUT

NAME: Final = "kalends"  # what our pools' connections are called
TRIES: Final = 5  # a session that another start ends may be the one that this start was given
PAUSE: Final = 0.3  # seconds between them
_LOCK: Final = 0x6B616C706F6F6C  # an advisory lock's key; any number of our own
_SHOWN: Final = "select name, setting from pg_settings where name = any(%s)"
_KEPT: Final = (
    "select coalesce((select setconfig from pg_db_role_setting"
    " where setdatabase = (select oid from pg_database where datname = current_database())"
    " and setrole = (select oid from pg_roles where rolname = current_user)), '{}')"
)
_END_OTHERS: Final = (
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
    " and usename = session_user and pid <> pg_backend_pid() and state = 'idle' and application_name in ('', %s)"
)

Connection = psycopg.Connection[TupleRow]


def prepare_pooler(dsn: str) -> None:
    """Have every session behind the pooler's address begin with `SESSION`. Does nothing where they do already; else
    idle sessions that began without it are ended, which a pooler replaces unseen.

    Concurrent calls are safe. Raises a `Refusal` where the pooler cannot be used.
    """
    for left in reversed(range(TRIES)):
        try:
            _prepare(dsn)
        except psycopg.Error as error:
            if not left:
                what = (str(error).strip().splitlines() or [type(error).__name__])[0]
                raise Refusal(f"The pooler that DATABASE_URL names cannot be used: {what}") from None
            time.sleep(PAUSE)
        else:
            return


def _prepare(dsn: str) -> None:
    with psycopg.connect(
        dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT, prepare_threshold=None, application_name=NAME
    ) as connection:
        if dict(connection.execute(_SHOWN, (list(SESSION),)).fetchall()) == SESSION:
            return
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
            is_new = not _is_kept(connection)
            if is_new:
                _set_role(connection)
        with connection.transaction():  # in the session that it happens to be, which began too early as well
            for name, value in SESSION.items():
                connection.execute("select set_config(%s, %s, false)", (name, value))
            if is_new:
                connection.execute(_END_OTHERS, (NAME,))


def _is_kept(connection: Connection) -> bool:
    row = connection.execute(_KEPT).fetchone()
    assert row is not None
    return {f"{name}={value}" for name, value in SESSION.items()} <= set(row[0])


def _set_role(connection: Connection) -> None:
    row = connection.execute("select current_database()").fetchone()
    assert row is not None
    for name, value in SESSION.items():
        connection.execute(
            sql.SQL("alter role current_user in database {} set {} to {}").format(
                sql.Identifier(row[0]), sql.Identifier(name), sql.Literal(value)
            )
        )
