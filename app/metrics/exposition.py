"""Numbers as Prometheus reads them: its text format, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from app.metrics.instruments import Histogram, Instrument, Kind, Labels, Series

MEDIA_TYPE: Final = "text/plain; version=0.0.4"


def exposed(instrument: Instrument, series: Series, labels: Sequence[str]) -> Iterator[str]:
    """The lines of a family; `labels` names what the keys of `series` mean."""
    yield from _heading(instrument.name, instrument.kind, instrument.meaning)
    for values, numbers in sorted(series.items()):
        if isinstance(instrument, Histogram):
            yield from _buckets(instrument, labels, values, numbers)
        else:
            yield f"{instrument.name}{_braced(labels, values)} {_number(numbers[0])}"


def exposed_gauge(name: str, meaning: str, label: str | None, values: Iterable[tuple[str, float]]) -> Iterator[str]:
    """The lines of a gauge with one label at most."""
    yield from _heading(name, "gauge", meaning)
    for value, number in values:
        named = "" if label is None else _braced((label,), (value,))
        yield f"{name}{named} {_number(number)}"


def _heading(name: str, kind: Kind, meaning: str) -> Iterator[str]:
    yield f"# HELP {name} {meaning.replace(chr(92), chr(92) * 2)}"
    yield f"# TYPE {name} {kind}"


def _buckets(histogram: Histogram, labels: Sequence[str], values: Labels, numbers: Sequence[float]) -> Iterator[str]:
    name, counts = histogram.name, histogram.cumulative(numbers)
    bounds = [*(_number(bound) for bound in histogram.bounds), "+Inf"]
    start = f'{name}_bucket{{{_pairs(labels, values)}{"," if labels else ""}le="'
    for bound, count in zip(bounds, counts, strict=True):
        yield f'{start}{bound}"}} {int(count)}'
    yield f"{name}_sum{_braced(labels, values)} {_number(numbers[-1])}"
    yield f"{name}_count{_braced(labels, values)} {int(counts[-1])}"


def _braced(labels: Sequence[str], values: Labels) -> str:
    return f"{{{_pairs(labels, values)}}}" if labels else ""


def _pairs(labels: Sequence[str], values: Labels) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(labels, values, strict=True))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
