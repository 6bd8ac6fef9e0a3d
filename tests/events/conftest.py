from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest

from app.clock import FrozenClock
from app.smtp_server import SmtpServer
from tests.conftest import NOON, SETTINGS
from tests.support.postgres import clone, drop
from tests.support.service import Service, serving

QUOTA: Final = 12  # events of an agent of `owing_service`


@pytest.fixture(scope="session")
def owing_service(database_server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """It owes mails and webhooks, and sends none; its agents may have few events."""
    dsn = clone(database_server, template)
    settings = replace(
        SETTINGS,
        smtp=SmtpServer("127.0.0.1", 9, security="none"),
        email_domain="kalends.example",
        mail_from="calendars@kalends.example",
        quota_events=QUOTA,
        data_dir=tmp_path_factory.mktemp("owing"),
    )
    with serving(settings, dsn, FrozenClock(NOON)) as service:
        yield service
    drop(database_server, dsn)
