"""Ways around the rate limits, and ways to make them costly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from app.clock import FrozenClock
from tests.conftest import NOON, SETTINGS
from tests.support.service import Api, Service, serving


@pytest.fixture
def limited(database: str, tmp_path: Path) -> Iterator[Service]:
    settings = replace(SETTINGS, data_dir=tmp_path, rate_limits=True, rate_limit_new_agents=3)
    with serving(settings, database, FrozenClock(NOON)) as service:
        yield service


def test_no_spelling_of_the_path_makes_more_agents_than_the_limit(limited: Service) -> None:
    anyone = Api(limited.url, None).http
    spellings = ("/agents", "/agents/", "/agents//", "/%61gents", "/agents?", "/agents/?")
    made = [anyone.post(path).status_code for path in spellings * 2]
    assert made.count(201) <= 3
    assert set(made) == {201, 429}


def test_made_up_keys_leave_nothing_in_the_database(limited: Service) -> None:
    def rows() -> int:
        with psycopg.connect(limited.dsn) as database:
            found = database.execute("select count(*) from allowances").fetchone()
            return int(found[0]) if found else 0

    before = rows()
    for number in range(20):
        stranger = Api(limited.url, f"sk_live_{number:032}")
        for path in ("/health", "/nowhere", "/calendars", "/calendars?limti=1"):
            stranger.get(path)
    assert rows() == before
