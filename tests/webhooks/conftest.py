from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from app.clock import FrozenClock
from tests.conftest import NOON, SETTINGS
from tests.support.postgres import clone, drop
from tests.support.receiver import Receiver, receiving
from tests.support.service import Api, Calendar, Service, serving


@pytest.fixture(scope="session")
def sending_service(database_server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    dsn = clone(database_server, template)
    settings = replace(SETTINGS, dispatch=True, data_dir=tmp_path_factory.mktemp("sending"))
    with serving(settings, dsn, FrozenClock(NOON)) as service:
        yield service
    drop(database_server, dsn)


@pytest.fixture
def service(sending_service: Service) -> Service:
    """A server that sends, its clock back at noon. Tests live apart as different agents with receivers of their own."""
    sending_service.clock.move_to(NOON)
    return sending_service


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def hooked(api: Api, receiver: Receiver) -> Calendar:
    """A calendar in New York that calls the receiver five minutes before each date."""
    made = api.made("/calendars", name="Work", timezone="America/New_York", webhook_url=receiver.url)
    return Calendar(api, made)


@pytest.fixture
def pass_time(service: Service) -> Callable[..., None]:
    """Let time pass, and have the dispatcher look at the clock."""

    def passing(**by: float) -> None:
        service.clock.advance(timedelta(**by))
        service.loop.call_soon_threadsafe(service.context.waiters.committed, set(), True)

    return passing
