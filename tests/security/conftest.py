from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.tour import Tour, on_tour
from tests.security.strangers import Strange, ask_as_strangers
from tests.support.postgres import clone, drop


@pytest.fixture(scope="session")
def visited(
    database_server: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Tour, list[Strange]]]:
    """All examples sent by the agent whose ids they name, and in between by strangers."""
    dsn = clone(database_server, template)
    asked: list[Strange] = []

    def halfway(tour: Tour) -> None:
        asked.extend(ask_as_strangers(tour))

    with on_tour(dsn, tmp_path_factory.mktemp("tour"), halfway=halfway) as made:
        yield made, asked
    drop(database_server, dsn)
