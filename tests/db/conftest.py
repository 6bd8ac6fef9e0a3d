from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.postgres import clone, drop


@pytest.fixture
def empty_database(database_server: str) -> Iterator[str]:
    """The address of a database without any table."""
    dsn = clone(database_server)
    yield dsn
    drop(database_server, dsn)
