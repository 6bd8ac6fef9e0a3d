"""A pooler in transaction mode between us and Postgres: what our sessions are set to, their role has to bring along.

A pooler gives each transaction whatever session is free. It takes no settings for one, and a SET would stay with the
session and reach whoever gets it next. So the settings become the role's, in this database alone: every session that is
opened from then on has them, whoever opened it, at no cost to any statement.
"""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from app.db.pool import SESSION
from app.refusal import Refusal
from app.settings import CONNECT_TIMEOUT

NAME: Final = "kalends"  # what our pools' connections are called
_SHOWN: Final = "select name, setting from pg_settings where name = any(%s)"
_END_OTHERS: Final = (
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
    " and usename = session_user and pid <> pg_backend_pid() and state = 'idle' and application_name in ('', %s)"
)


def prepare_pooler(dsn: str) -> None:
    """Have every session behind the pooler's address begin with `SESSION`. Does nothing where they do already; else
    idle sessions that began without it are ended, which a pooler replaces unseen.

    Raises a `Refusal` where the pooler cannot be used.
    """
    try:
        with psycopg.connect(
            dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT, prepare_threshold=None, application_name=NAME
        ) as connection:
            found = connection.execute(_SHOWN, (list(SESSION),)).fetchall()
            if dict(found) == SESSION:
                return
            with connection.transaction():
                _set_role(connection)
            with connection.transaction():  # in the session that it happens to be, which began too early as well
                for name, value in SESSION.items():
                    connection.execute("select set_config(%s, %s, false)", (name, value))
                connection.execute(_END_OTHERS, (NAME,))
    except psycopg.Error as error:
        what = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise Refusal(f"The pooler that DATABASE_URL names cannot be used: {what}") from None


def _set_role(connection: psycopg.Connection[TupleRow]) -> None:
    row = connection.execute("select current_database()").fetchone()
    assert row is not None
    for name, value in SESSION.items():
        connection.execute(
            sql.SQL("alter role current_user in database {} set {} to {}").format(
                sql.Identifier(row[0]), sql.Identifier(name), sql.Literal(value)
            )
        )
