from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.clock import FrozenClock
from tests.conftest import NOON, SETTINGS
from tests.inbound.agentmail import AgentMailStub, agentmail
from tests.inbound.mails import Inbox, inbox
from tests.support.postgres import clone, drop
from tests.support.service import Service, serving


@pytest.fixture(scope="session")
def agentmail_stub() -> Iterator[AgentMailStub]:
    with agentmail() as stub:
        yield stub


@pytest.fixture(scope="session")
def mail_service(
    database_server: str, template: str, tmp_path_factory: pytest.TempPathFactory, agentmail_stub: AgentMailStub
) -> Iterator[Service]:
    """A server that asks the stub for attachments."""
    dsn = clone(database_server, template)
    settings = replace(SETTINGS, data_dir=tmp_path_factory.mktemp("data"), agentmail_url=agentmail_stub.url)
    with serving(settings, dsn, FrozenClock(NOON)) as service:
        yield service
    drop(database_server, dsn)


@pytest.fixture
def service(mail_service: Service) -> Service:
    mail_service.clock.move_to(NOON)
    return mail_service


@pytest.fixture
def mail(service: Service) -> Inbox:
    """A new agent's calendar, and its address."""
    return inbox(service)


@pytest.fixture
def own_mail_service(database: str, tmp_path: Path, agentmail_stub: AgentMailStub) -> Iterator[Callable[..., Service]]:
    """Starts a server with a database of the test's own, and these settings."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Service:
            chosen = replace(SETTINGS, data_dir=tmp_path, agentmail_url=agentmail_stub.url, **settings)
            return stack.enter_context(serving(chosen, database, FrozenClock(NOON)))

        yield start
