"""Results as text: the table on the terminal, the page in docs/, the comparison with an earlier run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isnan, nan
from typing import Final

import msgspec

from tests.bench.deliveries import Deliveries
from tests.bench.delivery_report import section
from tests.bench.inbound import Inbound, mail_section
from tests.bench.looking import Look
from tests.bench.measuring import Result
from tests.bench.text import fine, markdown, number, percent, ratio
from tests.bench.works import Aim

SPREAD_AIM: Final = 4  # p99 stays under so many times p50
MEMORY_AIM: Final = 150  # megabytes of one web process
GROWTH_AIM: Final = 0.20  # of the speed in a small database may be lost in a large one
_COLUMNS: Final = ("Work", "req/s", "p50 ms", "p99 ms", "p99/p50", "errors", "of floor", "floor req/s", "web µs",
                   "Postgres µs", "aim", "met")  # fmt: skip


class Machine(msgspec.Struct, frozen=True):
    cores: int
    system: str
    python: str
    postgres: str
    fsync: str
    synchronous_commit: str


class Step(msgspec.Struct, frozen=True):
    """A size of the database, and what two reads and the yardstick do there."""

    occurrences: int
    list: Result
    upcoming: Result
    health: Result


class Run(msgspec.Struct, frozen=True):
    """`seconds` were spent on each work; `memory` is the web process's in megabytes, after all works."""

    date: str
    seconds: float
    machine: Machine
    results: list[Result]
    memory: float
    growth: list[Step]
    deliveries: Deliveries | None = None
    looks: list[Look] = []
    inbound: Inbound | None = None


def to_json(run: Run) -> str:
    """A run to be kept. Figures that were not measured are NaN, which Python's own reader takes."""
    return json.dumps(msgspec.to_builtins(run))


def of_json(text: str) -> Run:
    """A run that was kept."""
    return msgspec.convert(json.loads(text), Run)


def is_met(aim: Aim, result: Result) -> bool | None:
    """None where nothing is aimed at, or nothing was measured to hold against it."""
    verdicts = []
    if aim.rate is not None:
        verdicts.append(result.rate >= aim.rate)
    if aim.share is not None and not isnan(result.share):
        verdicts.append(result.share >= aim.share)
    return all(verdicts) and not result.errors and result.spread < SPREAD_AIM if verdicts else None


def table(results: Sequence[Result], aims: dict[str, Aim]) -> str:
    """The works as a Markdown table."""
    rows = [_row(result, aims.get(result.name, Aim())) for result in results]
    return markdown(_COLUMNS, rows)


def growth_table(steps: Sequence[Step]) -> str:
    """Speeds by size of the database, and what is left of the smallest one's."""
    heads = ("occurrences", "list req/s", "left", "its Postgres µs", "upcoming req/s", "left", "its Postgres µs",
             "health req/s")  # fmt: skip
    first = steps[0]
    rows = [
        (
            f"{step.occurrences:,}",
            number(step.list.rate),
            percent(step.list.rate / first.list.rate),
            number(step.list.postgres),
            number(step.upcoming.rate),
            percent(step.upcoming.rate / first.upcoming.rate),
            number(step.upcoming.postgres),
            number(step.health.rate),
        )
        for step in steps
    ]
    return markdown(heads, rows)


def comparison(now: Run, then: Run) -> str:
    """What is there in both runs, as ratios: above 1 is faster, or more processor time."""
    earlier = {result.name: result for result in then.results}
    rows = []
    for result in now.results:
        if (old := earlier.get(result.name)) is not None:
            figures = [(result.rate, old.rate), (result.p50, old.p50), (result.p99, old.p99), (result.web, old.web)]
            figures += [(result.postgres, old.postgres), (result.share, old.share)]
            rows.append((result.title, *(ratio(new, was) for new, was in figures)))
    heads = ("Work", "req/s", "p50", "p99", "web µs", "Postgres µs", "of floor")
    return f"Against the run of {then.date}:\n\n{markdown(heads, rows)}"


def page(run: Run, aims: dict[str, Aim]) -> str:
    """docs/performance.md."""
    machine = run.machine
    generator = max((result.generator for result in run.results if not isnan(result.generator)), default=nan)
    growth = ""
    if run.growth:
        growth = f"""
## Growth

The same calendar while other calendars fill the database; aimed at is a loss within {percent(GROWTH_AIM)}. `health`
asks the database nothing: where it changes, the machine does.

{growth_table(run.growth)}
"""
    return f"""# Performance

Measured on {run.date} by `./scripts/bench`, which wrote this page. Absolute figures belong to the machine; the shares
of the floor hold elsewhere.

- {machine.cores} cores ({machine.system}), shared by the web process, Postgres and the load generator
- Python {machine.python}, Postgres {machine.postgres}, `fsync` {machine.fsync}, `synchronous_commit` \
{machine.synchronous_commit}
- one web process, limits on, 16 connections with one request under way on each
- a calendar of 1,000 single events and 20 daily series, set up over HTTP
- {run.seconds:g} s a work, in {_ROUNDS_WORD} rounds, each followed by a round of its floor; medians

## Speed

{table(run.results, aims)}

After all of it the web process holds {number(run.memory)} MB (aim: at most {MEMORY_AIM} MB). Aimed at everywhere: no
errors, and p99 under {SPREAD_AIM} times p50.

*of floor* compares with what the database work alone allows here. For reads that is a bare ASGI application on the
same web server and pool, which executes the same statement and sends the bytes. For writes it is `pgbench` with the
same statements, prepared, on the same rows and indexes. *web µs* and *Postgres µs* are processor time a request, all
threads and backends together; the load generator takes up to {number(generator)} µs more.
{growth}
{section(run.date, run.deliveries, run.looks)}{mail_section(run.date, run.inbound)}## Repeat it

    ./scripts/bench                    # all of it, some minutes; writes this page
    ./scripts/bench --only deliveries  # writes that part of this page alone, as --only mail does
    ./scripts/bench --quick            # shorter rounds, no million rows; leaves this page alone
    ./scripts/bench --only list,create --save before
    ./scripts/bench --only list,create --compare before
"""


_ROUNDS_WORD: Final = "three"


def _row(result: Result, aim: Aim) -> tuple[str, ...]:
    wanted = []
    if aim.rate is not None:
        wanted.append(f"{aim.rate:,}")
    if aim.share is not None:
        wanted.append(f"≥ {percent(aim.share)} of floor")
    met = is_met(aim, result)
    return (
        result.title,
        number(result.rate),
        fine(result.p50),
        fine(result.p99),
        fine(result.spread, 1),
        str(result.errors),
        percent(result.share),
        number(result.floor_rate),
        number(result.web),
        number(result.postgres),
        ", ".join(wanted) or "–",
        "–" if met is None else "yes" if met else "no",
    )
