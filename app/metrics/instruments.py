"""What a process counts of itself, in memory: counters, histograms and gauges by the values of their labels.

Instruments are made once, as constants of `app.metrics.families`, and counted with wherever something happens: that
costs a look-up and an addition, and nothing else. Names and kinds are Prometheus' own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, Literal

Labels = tuple[str, ...]
Kind = Literal["counter", "gauge", "histogram"]
Series = dict[Labels, list[float]]
"""Values by those of the labels: one number, or of a histogram the count of each bucket and, last, the sum."""

INSTRUMENTS: Final[dict[str, Instrument]] = {}
"""Everything that is counted, by name."""


class Instrument:
    """One family of series. `labels` names what their values mean; `is_shared` says that those of several processes are
    added up, else each process's are told apart by a label `process`."""

    def __init__(self, name: str, kind: Kind, meaning: str, labels: Sequence[str], *, is_shared: bool) -> None:
        assert name not in INSTRUMENTS, name
        self.name, self.kind, self.meaning, self.labels = name, kind, meaning, tuple(labels)
        self.is_shared = is_shared
        self.series: Series = {}
        INSTRUMENTS[name] = self


class Counter(Instrument):
    """What only grows. Without labels, and for each of the values of one label that are `known`, it is shown from the
    start, at zero: so that the first of something can be told from none."""

    def __init__(self, name: str, meaning: str, *labels: str, known: Sequence[str] = ()) -> None:
        super().__init__(name, "counter", meaning, labels, is_shared=True)
        self.series |= {(value,): [0] for value in known} if labels else {(): [0]}

    def add(self, *labels: str, by: float = 1) -> None:
        series = self.series.get(labels)
        if series is None:
            self.series[labels] = [by]
        else:
            series[0] += by


class Histogram(Instrument):
    """How many observations were at most so large. `bounds` are the upper ends of the buckets, ascending."""

    def __init__(self, name: str, meaning: str, bounds: Sequence[float], *labels: str) -> None:
        super().__init__(name, "histogram", meaning, labels, is_shared=True)
        self.bounds: Final = tuple(bounds)
        if not labels:
            self.series[()] = self._empty()

    def _empty(self) -> list[float]:
        return [0.0] * (len(self.bounds) + 2)  # a bucket for what is beyond the last bound, and the sum

    def observe(self, value: float, *labels: str) -> None:
        series = self.series.get(labels)
        if series is None:
            series = self.series[labels] = self._empty()
        series[bisect_left(self.bounds, value)] += 1
        series[-1] += value

    def cumulative(self, values: Sequence[float]) -> list[float]:
        """The buckets as Prometheus has them, each with those below it; the last is the count of all."""
        return list(accumulate(values[:-1]))


class Gauge(Instrument):
    """What stands at a value now. With `grows` it is one that something else counts, such as processor time. Of several
    processes each has its own, unless `is_newest`: then the greatest counts, as with moments."""

    def __init__(self, name: str, meaning: str, *labels: str, grows: bool = False, is_newest: bool = False) -> None:
        super().__init__(name, "counter" if grows else "gauge", meaning, labels, is_shared=is_newest)

    def set(self, value: float, *labels: str) -> None:
        self.series[labels] = [value]

    def add(self, value: float, *labels: str) -> None:
        series = self.series.get(labels)
        if series is None:
            self.series[labels] = [value]
        else:
            series[0] += value
