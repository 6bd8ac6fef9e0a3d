"""The commands of the manual run as they stand, in a shell, and do what is written beside them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from app.pages.catalogue import OPERATIONS
from app.pages.curl import curl_of
from tests.contract.shell import send_by_shell
from tests.contract.test_answers import check
from tests.contract.tour import PUBLIC_URL, Tour, on_tour
from tests.support.postgres import clone, drop


@pytest.fixture(scope="module")
def shell_tour(database_server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    dsn = clone(database_server, template)
    with on_tour(dsn, tmp_path_factory.mktemp("shell"), send_by_shell) as made:
        yield made
    drop(database_server, dsn)


def test_every_command_runs_in_a_shell_and_is_answered_as_its_operation_says(shell_tour: Tour) -> None:
    examples = [(operation.id, example.name) for operation in OPERATIONS for example in operation.examples]
    assert sorted((stop.operation.id, stop.example.name) for stop in shell_tour.stops) == sorted(examples)
    for stop in shell_tour.stops:
        assert stop.response.status_code == stop.operation.answers[0].status, f"{stop.name}: {stop.response.text}"
        check(stop)


def test_no_command_shows_a_key() -> None:
    for operation in OPERATIONS:
        for example in operation.examples:
            command = curl_of(operation, example, PUBLIC_URL)
            assert "sk_live_" not in command
            assert ("$KALENDS_API_KEY" in command) == operation.takes_key
