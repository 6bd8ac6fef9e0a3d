"""Looking at a database that may be broken, as the doctor does: nothing is changed, and nothing waits long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import TupleRow

from app.db.database import Params, Row
from app.db.migrate import SOMEBODY_ELSES
from app.db.pool import connection_arguments
from app.db.words import first_line, unusable

_MENDS: Final[Mapping[str, str]] = {  # by what libpq or the server says
    "unsupported startup parameter": "Name the Postgres itself in DATABASE_URL, not a pooler before it.",
    "password": "Correct the user and the password in DATABASE_URL; special characters are percent-encoded.",
    "role": "Correct the user in DATABASE_URL, or make it with `createuser`.",
    "pg_hba.conf": "Admit this machine, user and database in the server's pg_hba.conf.",
    "translate host name": "Correct the host in DATABASE_URL.",
    "resolve": "Correct the host in DATABASE_URL.",
    "does not exist": "Make the database with `createdb`, or correct its name in DATABASE_URL.",
    "refused": "Start Postgres, or correct host and port in DATABASE_URL.",
    "no such file": "Start Postgres, or correct the host, which names a socket, in DATABASE_URL.",
    "timeout": "Correct the host in DATABASE_URL, or let this machine through to it.",
    "connection slots": "Raise Postgres' max_connections, or stop what else uses it.",
    "too many connections": "Raise the connection limit of the role or the database.",
    "starting up": "Wait until Postgres has started; its log says what it does.",
    "shutting down": "Start Postgres again.",
    "ssl": "Set sslmode and the certificates in DATABASE_URL as the server has them.",
    "certificate": "Set sslmode and the certificates in DATABASE_URL as the server has them.",
}
_OTHERWISE: Final = "Check DATABASE_URL, and that the server runs."


class NoDatabase(Exception):
    """It cannot be connected to. The text is a sentence, `mend` another."""

    def __init__(self, dsn: str, error: Exception) -> None:
        super().__init__(unusable(dsn, error))
        said = str(error).lower()
        self.mend = next((mend for words, mend in _MENDS.items() if words in said), _OTHERWISE)


class NotAnswered(Exception):
    """A statement failed. The text is the server's sentence."""


class Inspection:
    """One connection, made as the service makes its own."""

    def __init__(self, connection: psycopg.Connection[TupleRow]) -> None:
        self._connection = connection

    @property
    def major(self) -> int:
        """The server's major version."""
        return self._connection.info.server_version // 10_000

    def one(self, statement: str, params: Params | None = None) -> Row:
        """The first row. Raises `NotAnswered`."""
        return self.all(statement, params)[0]

    def all(self, statement: str, params: Params | None = None) -> list[Row]:
        try:
            return self._connection.execute(_literal(statement), params).fetchall()
        except psycopg.Error as error:
            raise NotAnswered(first_line(error)) from None

    def foreign_table(self) -> str | None:
        """A table that is not of Kalends, in a database that Kalends has not laid out yet."""
        found = self.all(SOMEBODY_ELSES)
        return str(found[0][0]) if found else None

    def would_write(self, statement: str) -> None:
        """Carries out a write and takes it back. Raises `NotAnswered`."""
        try:
            with self._connection.transaction(force_rollback=True):
                self._connection.execute(_literal(statement))
        except psycopg.Error as error:
            raise NotAnswered(first_line(error)) from None


@contextmanager
def inspecting(dsn: str) -> Iterator[Inspection]:
    """Raises `NoDatabase`."""
    try:
        arguments: dict[str, Any] = {**connection_arguments(dsn), "application_name": "kalends doctor"}
        connection = psycopg.connect(dsn, **arguments)
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
        raise NoDatabase(dsn, error) from None
    with connection:
        yield Inspection(connection)


def _literal(statement: str) -> LiteralString:
    """Statements come from named .sql files alone, which the type checker cannot see."""
    return statement
