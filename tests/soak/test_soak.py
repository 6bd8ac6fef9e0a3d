"""A few seconds of what `./scripts/soak` does for as long as one likes; a worker that is killed has a test of its own,
in `tests/acceptance/test_deliveries_killed.py`, since what it held waits five seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.report import report
from tests.soak.soak import AWAY_MOST, soak


def test_nothing_acknowledged_is_lost_under_load_while_postgres_and_a_web_process_are_killed(tmp_path: Path) -> None:
    for attempt in range(3):  # on a busy machine
        directory = tmp_path / str(attempt)
        directory.mkdir()
        result = soak(directory, 2.5, [(0.4, "postgres"), (1.2, "web")])
        print(report(result))
        if result.away < AWAY_MOST:
            break
    else:
        pytest.fail(f"Postgres was away for {result.away:.1f} s")
    assert result.faults == []
    assert result.kills.total() == 2
    assert result.away > 0
    assert result.ledger.acknowledged > 10
    assert result.owed > 10
