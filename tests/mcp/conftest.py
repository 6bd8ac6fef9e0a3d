from __future__ import annotations

import pytest

from tests.mcp.talking import Line
from tests.support.service import Api


@pytest.fixture
def line(api: Api) -> Line:
    """A new agent's."""
    return Line(api)
