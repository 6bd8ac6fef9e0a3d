from __future__ import annotations

import pytest

from tests.inbound.mails import Inbox, inbox
from tests.support.service import Service


@pytest.fixture
def mail(service: Service) -> Inbox:
    """A new agent's calendar, and its address."""
    return inbox(service, key=None)
