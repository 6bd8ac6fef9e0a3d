from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from app.clock import FrozenClock
from tests.conftest import NOON, SETTINGS
from tests.mail.post import Post
from tests.support.mailserver import MailServer, mail_server
from tests.support.postgres import clone, drop
from tests.support.service import Api, Service, serving


@pytest.fixture(scope="session")
def deployments_server() -> Iterator[MailServer]:
    with mail_server() as made:
        yield made


@pytest.fixture(scope="session")
def mailing_service(
    database_server: str, template: str, deployments_server: MailServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    dsn = clone(database_server, template)
    settings = replace(
        SETTINGS,
        dispatch=True,
        smtp=deployments_server.server,
        email_domain="kalends.example",
        mail_from="calendars@kalends.example",
        data_dir=tmp_path_factory.mktemp("mailing"),
    )
    with serving(settings, dsn, FrozenClock(NOON)) as service:
        yield service
    drop(database_server, dsn)


@pytest.fixture
def service(mailing_service: Service) -> Service:
    """A server that mails, its clock back at noon. Tests live apart as different agents, and calendars' addresses."""
    mailing_service.clock.move_to(NOON)
    return mailing_service


@pytest.fixture
def server(deployments_server: MailServer) -> MailServer:
    deployments_server.behave()
    return deployments_server


@pytest.fixture
def own_server() -> Iterator[MailServer]:
    """A server of an agent's own, with a password."""
    with mail_server(authenticates=True) as made:
        yield made


@pytest.fixture
def pass_time(service: Service) -> Callable[..., None]:
    """Let time pass, and have the dispatcher look at the clock."""

    def passing(**by: float) -> None:
        service.clock.advance(timedelta(**by))
        service.loop.call_soon_threadsafe(service.context.waiters.committed, set(), True)

    return passing


@pytest.fixture
def post(api: Api, server: MailServer, service: Service) -> Post:
    """A calendar in New York, and the mails that leave it."""
    return Post(api, api.made("/calendars", name="Work", timezone="America/New_York"), server, service)
