"""A deployment's database as a file, and back, as an operator types it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Kalends
from tests.support.postgres import clone, drop
from tests.support.service import Api, Calendar, Service

KEY, OTHER = "k" * 32, "o" * 32  # the first is that of the services of tests


@pytest.fixture
def empty(database_server: str) -> Iterator[str]:
    dsn = clone(database_server)
    yield dsn
    drop(database_server, dsn)


@pytest.fixture
def kept(own_service: Service, kalends: Kalends, tmp_path: Path) -> str:
    """A backup of a calendar with one message that waits."""
    api = Api(own_service.url, Api(own_service.url, None).made("/agents")["api_key"])
    calendar = Calendar(api, api.made("/calendars", name="Work", webhook_url="http://127.0.0.1:9/hook"))
    calendar.add(title="Lunch", start="2030-03-04T12:00:00Z", duration="PT1H")
    file = str(tmp_path / "kalends.backup")
    ran = kalends("backup", file, DATABASE_URL=own_service.dsn)
    assert (ran.code, ran.out.startswith("The Postgres that DATABASE_URL names is in ")) == (0, True), ran.err
    assert "Keep the secret key as well" in ran.err
    return file


def waiting(dsn: str) -> list[tuple[str, str | None]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute("select state, reason from deliveries").fetchall()


def test_what_is_restored_is_there_and_what_waited_is_not_sent(kalends: Kalends, kept: str, empty: str) -> None:
    ran = kalends("restore", kept, DATABASE_URL=empty, KALENDS_SECRET_KEY=KEY)
    assert ran.code == 0, ran.err
    assert "1 message was waiting to be sent, and may have been since" in ran.out
    assert waiting(empty) == [("failed", "restored")]
    again = kalends("restore", kept, DATABASE_URL=empty, KALENDS_SECRET_KEY=KEY)
    assert (again.code, "is not empty" in again.err) == (2, True)


def test_what_waited_is_sent_where_that_is_wanted(kalends: Kalends, kept: str, empty: str) -> None:
    assert kalends("restore", kept, "--send", DATABASE_URL=empty, KALENDS_SECRET_KEY=KEY).code == 0
    assert waiting(empty) == [("pending", None)]


def test_another_key_than_that_of_the_backup_is_told_at_once(kalends: Kalends, kept: str, empty: str) -> None:
    ran = kalends("restore", kept, DATABASE_URL=empty, KALENDS_SECRET_KEY=OTHER)
    assert ran.code == 1
    assert "sealed with a key that is not given" in ran.err
    assert "Append the old key to KALENDS_SECRET_KEY" in ran.err
