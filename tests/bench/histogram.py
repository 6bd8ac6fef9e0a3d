"""Latencies as counts, so that rounds can be added up before a quantile is taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from math import ceil, nan
from typing import Final

PRECISION_BITS: Final = 8  # a bucket is at most 1/128 of its value wide: below what any run repeats to


class Histogram:
    """Counts by latency in whole microseconds, rounded down to `PRECISION_BITS` significant bits."""

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts: Counter[int] = Counter(counts or {})

    @classmethod
    def of(cls, nanoseconds: Iterable[int]) -> Histogram:
        return cls(Counter(_bucket(each // 1000) for each in nanoseconds))

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram(self.counts + other.counts)

    @property
    def total(self) -> int:
        return self.counts.total()

    def quantile(self, share: float) -> float:
        """The latency in milliseconds that `share` of the requests stayed within; nan where there were none."""
        rank, seen = max(1, ceil(share * self.total)), 0
        for microseconds in sorted(self.counts):
            seen += self.counts[microseconds]
            if seen >= rank:
                return microseconds / 1000
        return nan


def _bucket(microseconds: int) -> int:
    spare = max(0, microseconds.bit_length() - PRECISION_BITS)
    return microseconds >> spare << spare
