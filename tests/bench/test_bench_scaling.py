"""What is computed for a million agents follows from what was measured."""

from __future__ import annotations

import re

from tests.bench.deliveries import Delivered, Deliveries
from tests.bench.inbound import Inbound, Taken
from tests.bench.measuring import Result
from tests.bench.scaling import Crowd, Night, Scaling, Weight
from tests.bench.scaling_report import BUSY, DAILY, HELD, PEAK, page

RESULTS = [
    Result(
        name=name, title=f"work {name}", rate=1, p50=1, p99=1, errors=0, first_error="", web=864, postgres=432,
        generator=1, floor_rate=1, share=1, floor_web=1,
    )
    for name in DAILY if name not in ("delivery", "mail")
]  # fmt: skip
DELIVERIES = Deliveries([Delivered("instant_each", "x", 1, 1, 1, 1, 1, 0, web=864, postgres=432)], 1)
INBOUND = Inbound([Taken(2_000, 1, 1, 1, 864, 432)], 1, 1)
SCALING = Scaling(
    [Weight(name, 1_000) for name in HELD], [Crowd(10, 1, 1, 1), Crowd(1_000, 2, 1, 1)], Night(100, 5, 1, 2)
)


def test_the_page_adds_up() -> None:
    written = page("2026-03-02 12:00 UTC", SCALING, RESULTS, DELIVERIES, INBOUND)
    assert "{" not in written
    held = sum(HELD.values())  # at a thousand bytes each, and for a million agents: as many gigabytes
    assert re.search(rf"\| all +\| +\| +{held:.1f} \| +{held:.0f} \|", written)
    processors = sum(DAILY.values()) * 1e6 / 86_400 * 864 / 1e6 * PEAK / BUSY  # a hundredth for each a second
    assert f"**{processors:,.0f} processors for web processes" in written
    assert f"{processors / 2:,.0f} for Postgres**" in written
    assert "| 1,000     |        2.00 |  50% |" in written
    assert "(20 a second)" in written
