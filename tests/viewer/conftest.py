from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import NOON
from tests.support.service import Api, Calendar, Service
from tests.viewer.browser import Browser, browsing
from tests.viewer.scene import furnish


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all that look at pages. While it is open an event loop runs in this thread, which no other may meet."""
    with browsing() as found:
        yield found


@pytest.fixture(scope="module")
def furnished(shared_service: Service) -> Calendar:
    """A calendar with all that a page has to show; read by its tests, changed by none."""
    shared_service.clock.move_to(NOON)
    key = Api(shared_service.url, None).made("/agents")["api_key"]
    return furnish(Api(shared_service.url, key))
