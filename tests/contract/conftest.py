from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.tour import Tour, on_tour
from tests.support.postgres import clone, drop


@pytest.fixture(scope="session")
def tour(database_server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    """All examples sent, all mistakes made, to a service that still runs."""
    dsn = clone(database_server, template)
    with on_tour(dsn, tmp_path_factory.mktemp("tour")) as made:
        yield made
    drop(database_server, dsn)
