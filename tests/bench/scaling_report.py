"""docs/scaling.md: what was measured, what follows for a million agents, and how the data would be spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.bench.deliveries import Deliveries
from tests.bench.inbound import Inbound
from tests.bench.measuring import Result
from tests.bench.scaling import Crowd, Scaling, Weight
from tests.bench.text import fine, markdown, number, percent

TEMPLATE: Final = Path(__file__).with_name("scaling_page.md")
AGENTS: Final = 1_000_000
PEAK: Final = 4.0  # times the mean: agents are busiest when their people are, and at full hours
BUSY: Final = 0.6  # of a processor that may be used on the average of a peak
DAY: Final = 86_400.0
HELD: Final[Mapping[str, float]] = {
    "an agent with its key": 1,
    "a calendar": 2,
    "a single event": 60,
    "a series": 5,
    "a stored date": 60 + 5 * 90,
    "a change in the log": 90 * 5,
    "a delivery": 30 * 8,
    "a mail of 2 KB and its thread": 30 * 1,
}
"""What an agent has, of each weight: a year of weekly events, five daily series, five changes a day kept 90 days, eight
deliveries and a mail a day kept 30."""
DAILY: Final[Mapping[str, float]] = {
    "upcoming": 144,
    "list": 20,
    "feed304": 48,
    "create16": 4,
    "patch": 1,
    "delivery": 8,
    "mail": 1,
}
"""What an agent does in a day: it looks what is next every ten minutes, two subscribers fetch its feed every hour."""


def page(
    date: str, scaling: Scaling, results: Sequence[Result], deliveries: Deliveries | None, inbound: Inbound | None
) -> str:
    costs = _costs(results, deliveries, inbound)
    night = scaling.night
    return TEMPLATE.read_text().format(
        date=date,
        weights=weight_table(scaling.weights),
        crowds=crowd_table(scaling.crowds),
        series=number(night.series),
        seconds=fine(night.seconds, 0),
        pace=number(night.series / night.seconds),
        alone=fine(night.alone, 1),
        meanwhile=fine(night.meanwhile, 1),
        peak=f"{PEAK:g}",
        storage=storage_table(scaling.weights),
        load=load_table(costs),
        busy=percent(BUSY),
        web=number(_total(costs, "web") * PEAK / BUSY),
        postgres=number(_total(costs, "postgres") * PEAK / BUSY),
        terabytes=fine(_stored(scaling.weights) * AGENTS / 1e12, 1),
    )


def weight_table(weights: Sequence[Weight]) -> str:
    return markdown(("", "bytes"), [(each.name, number(each.size)) for each in weights])


def crowd_table(crowds: Sequence[Crowd]) -> str:
    first = crowds[0]
    rows = [
        (
            f"{each.calendars:,}",
            fine(each.list_p50),
            percent(first.list_p50 / each.list_p50),
            fine(each.upcoming_p50),
            percent(first.upcoming_p50 / each.upcoming_p50),
            fine(each.upcoming_p99),
        )
        for each in crowds
    ]
    return markdown(("calendars", "list p50 ms", "left", "upcoming p50 ms", "left", "upcoming p99 ms"), rows)


def storage_table(weights: Sequence[Weight]) -> str:
    rows = [
        (
            each.name,
            number(HELD[each.name]),
            fine(each.size * HELD[each.name] / 1e3, 1),
            fine(each.size * HELD[each.name] * AGENTS / 1e9, 0),
        )
        for each in weights
    ]
    total = _stored(weights)
    return markdown(
        ("stored", "an agent has", "KB an agent", "GB in all"),
        [*rows, ("all", "", fine(total / 1e3, 1), fine(total * AGENTS / 1e9, 0))],
    )


def load_table(costs: Mapping[str, tuple[str, float, float]]) -> str:
    rows = [
        (
            title,
            number(DAILY[name]),
            number(DAILY[name] * AGENTS / DAY),
            number(DAILY[name] * AGENTS / DAY * PEAK),
            fine(DAILY[name] * AGENTS / DAY * web / 1e6, 1),
            fine(DAILY[name] * AGENTS / DAY * postgres / 1e6, 1),
        )
        for name, (title, web, postgres) in costs.items()
    ]
    heads = ("done", "an agent a day", "a second", "at the peak", "processors, web", "Postgres")
    return markdown(heads, rows)


def _costs(
    results: Sequence[Result], deliveries: Deliveries | None, inbound: Inbound | None
) -> dict[str, tuple[str, float, float]]:
    """By name: what it is called, and microseconds of processor time of the web process and of Postgres."""
    found = {each.name: (each.title, each.web, each.postgres) for each in results if each.name in DAILY}
    if deliveries is not None:
        part = next(each for each in deliveries.parts if each.name == "instant_each")
        found["delivery"] = ("a webhook is delivered", part.web, part.postgres)
    if inbound is not None:
        found["mail"] = ("a mail of 2 KB is taken in", inbound.mails[0].web, inbound.mails[0].postgres)
    return found


def _total(costs: Mapping[str, tuple[str, float, float]], which: str) -> float:
    """Processors in use on the average of a day."""
    place = 1 if which == "web" else 2
    return sum(float(cost[place]) * DAILY[name] * AGENTS / DAY / 1e6 for name, cost in costs.items())


def _stored(weights: Sequence[Weight]) -> float:
    return sum(each.size * HELD[each.name] for each in weights)
