"""A few seconds of what `./scripts/soak` does for as long as one likes."""

from __future__ import annotations

from pathlib import Path

from tests.soak.report import report
from tests.soak.soak import soak


def test_nothing_acknowledged_is_lost_under_load_while_something_is_killed_all_the_time(tmp_path: Path) -> None:
    result = soak(tmp_path, 3.0, [(0.3, "worker"), (0.9, "postgres"), (1.6, "web")])
    print(report(result))
    assert result.faults == []
    assert result.kills.total() == 3
    assert result.ledger.acknowledged > 10
    assert result.owed > 10
