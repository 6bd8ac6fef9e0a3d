from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.postgres import clone, drop, session_server


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """The address of a throw-away server's `postgres` database."""
    with session_server() as admin_dsn:
        yield admin_dsn


@pytest.fixture
def empty_database(database_server: str) -> Iterator[str]:
    """The address of a database without any table."""
    dsn = clone(database_server)
    yield dsn
    drop(database_server, dsn)
