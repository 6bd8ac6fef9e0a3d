"""One work measured: rounds of the service and of its floor in turn, since machines change their pace meanwhile."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from math import nan
from statistics import median
from typing import Final

import msgspec

from tests.bench.histogram import Histogram
from tests.bench.load import MEASURING, Job, Load
from tests.bench.processes import cpu_seconds, family_cpu_seconds

ROUNDS: Final = 3
WARM_UP: Final = 0.4  # seconds: every pooled connection has prepared the statement then


class Sample(msgspec.Struct, frozen=True):
    """A round; processor time in microseconds a request."""

    rate: float
    errors: int
    first_error: str
    latencies: dict[int, int]
    web: float
    postgres: float
    generator: float


class Result(msgspec.Struct, frozen=True):
    """A work's figures: medians over the rounds, quantiles over all of them. nan where nothing was measured."""

    name: str
    title: str
    rate: float
    p50: float  # milliseconds, as p99
    p99: float
    errors: int
    first_error: str
    web: float  # microseconds of processor time a request, as the two below
    postgres: float
    generator: float
    floor_rate: float
    share: float
    floor_web: float

    @property
    def spread(self) -> float:
        return self.p99 / self.p50 if self.p50 else nan


def sample(port: int, web_pid: int, postgres_pid: int, requests: list[list[bytes]], seconds: float) -> Sample:
    """Put load on a server for so many seconds, from a process of its own."""
    job = Job("127.0.0.1", port, seconds, WARM_UP, requests)
    command = [sys.executable, "-m", "tests.bench.load"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(job))
        process.stdin.close()
        if process.stdout.readline().decode().strip() != MEASURING:
            raise SystemExit("The load generator did not start; the lines above say why.")
        before = cpu_seconds(web_pid), family_cpu_seconds(postgres_pid)
        answer = process.stdout.readline()
        after = cpu_seconds(web_pid), family_cpu_seconds(postgres_pid)
    load = msgspec.json.decode(answer, type=Load, strict=False)
    if not load.requests:
        raise SystemExit(f"Nothing was answered. {load.first_error}")
    each = 1e6 / load.requests
    return Sample(
        rate=load.requests / load.seconds,
        errors=load.errors,
        first_error=load.first_error,
        latencies=load.latencies,
        web=(after[0] - before[0]) * each,
        postgres=(after[1] - before[1]) * each,
        generator=load.cpu_seconds * each,
    )


def measure(
    name: str, title: str, real: Callable[[], Sample], floor: Callable[[], tuple[float, float]] | None
) -> Result:
    """Rounds of both in turn. `floor` returns requests a second and the floor process's microseconds a request."""
    samples, floors = [], []
    for _ in range(ROUNDS):
        samples.append(real())
        if floor is not None:
            floors.append(floor())
    latencies = sum((Histogram(each.latencies) for each in samples), Histogram())
    return Result(
        name=name,
        title=title,
        rate=median(each.rate for each in samples),
        p50=latencies.quantile(0.50),
        p99=latencies.quantile(0.99),
        errors=sum(each.errors for each in samples),
        first_error=next((each.first_error for each in samples if each.first_error), ""),
        web=median(each.web for each in samples),
        postgres=median(each.postgres for each in samples),
        generator=median(each.generator for each in samples),
        floor_rate=_median([rate for rate, _ in floors]),
        share=_median([each.rate / rate for each, (rate, _) in zip(samples, floors, strict=False)]),
        floor_web=_median([web for _, web in floors]),
    )


def _median(figures: Sequence[float]) -> float:
    return median(figures) if figures else nan
