from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.clock import FrozenClock
from app.db.migrate import migrate
from app.settings import Settings
from tests.support.postgres import clone, drop, session_server
from tests.support.service import Api, Calendar, Service, serving

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday; New York's clocks go forward on the Sunday after
SETTINGS = Settings(secret_keys=("k" * 32,), rate_limits=False, dispatch=False)


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """The address of a throw-away server's `postgres` database."""
    with session_server() as admin_dsn:
        yield admin_dsn


@pytest.fixture(scope="session")
def template(database_server: str) -> Iterator[str]:
    """A migrated database, to be cloned."""
    dsn = clone(database_server)
    migrate(dsn)
    yield urlsplit(dsn).path.removeprefix("/")
    drop(database_server, dsn)


@pytest.fixture
def database(database_server: str, template: str) -> Iterator[str]:
    """A database of the test's own."""
    dsn = clone(database_server, template)
    yield dsn
    drop(database_server, dsn)


@pytest.fixture(scope="session")
def shared_service(database_server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    dsn = clone(database_server, template)
    settings = replace(SETTINGS, data_dir=tmp_path_factory.mktemp("data"))
    with serving(settings, dsn, FrozenClock(NOON)) as service:
        yield service
    drop(database_server, dsn)


@pytest.fixture
def service(shared_service: Service) -> Service:
    """A server shared by all tests, its clock back at noon. Tests live apart as different agents."""
    shared_service.clock.move_to(NOON)
    return shared_service


@pytest.fixture
def own_service(database: str, tmp_path: Path) -> Iterator[Service]:
    """A server and a database of the test's own."""
    with serving(replace(SETTINGS, data_dir=tmp_path), database, FrozenClock(NOON)) as service:
        yield service


@pytest.fixture
def clock(service: Service) -> FrozenClock:
    return service.clock


@pytest.fixture
def api(service: Service) -> Api:
    """A new agent's client."""
    key = Api(service.url, None).made("/agents")["api_key"]
    return Api(service.url, key)


@pytest.fixture
def calendar(api: Api) -> Calendar:
    """A calendar in New York."""
    return Calendar(api, api.made("/calendars", name="Work", timezone="America/New_York"))


@pytest.fixture
def utc_calendar(api: Api) -> Calendar:
    return Calendar(api, api.made("/calendars", name="Plain"))
