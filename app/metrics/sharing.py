"""One picture of several processes: whichever of the web processes is asked answers for all.

Each leaves its numbers in a file of its own, in a directory that their supervisor made, and reads the others'. A
process that takes the place of one that died goes on from where that one's counters stood, so that their sum never
falls. What a process has counted since its last file is missing from what others answer, and from nothing else.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from app.metrics.instruments import INSTRUMENTS, Counter, Histogram, Labels, Series

FRESH_FOR: Final = 10.0  # seconds: what a file says of the present, such as memory, is left out when it is older

_Told = dict[str, list[tuple[Labels, list[float]]]]
_decode: Final = msgspec.msgpack.Decoder(_Told).decode
_encode: Final = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process stands among others: its name, and the directory they share; None for one that is alone."""

    name: str = "web-1"
    directory: Path | None = None

    def take(self) -> None:
        """Go on from where whoever was here before has got to."""
        told = None if self.directory is None else _read(self.directory / self.name)
        for name, rows in (told or {}).items():
            instrument = INSTRUMENTS.get(name)
            if isinstance(instrument, (Counter, Histogram)):
                instrument.series = _sum(instrument.series, dict(rows))

    def publish(self) -> None:
        """Let the others see what stands here now."""
        if self.directory is None:
            return
        unfinished = self.directory / f".{self.name}"
        try:
            unfinished.write_bytes(_encode({name: list(each.series.items()) for name, each in INSTRUMENTS.items()}))
            os.replace(unfinished, self.directory / self.name)
        except OSError:  # a full disk, or the supervisor is gone: numbers are no reason to fail
            return

    def picture(self) -> dict[str, tuple[tuple[str, ...], Series]]:
        """Of every family the names of its labels and its series, those of all processes together."""
        processes = {self.name: {name: each.series for name, each in INSTRUMENTS.items()}} | self._others()
        return {name: _together(name, processes) for name in INSTRUMENTS}

    def _others(self) -> dict[str, dict[str, Series]]:
        found: dict[str, dict[str, Series]] = {}
        if self.directory is None or not self.directory.is_dir():
            return found
        for path in sorted(self.directory.iterdir()):
            if path.name.startswith(".") or path.name == self.name or (told := _read(path)) is None:
                continue
            is_fresh = time.time() - path.stat().st_mtime < FRESH_FOR
            found[path.name] = {
                name: dict(rows)
                for name, rows in told.items()
                if name in INSTRUMENTS and (is_fresh or INSTRUMENTS[name].is_shared)
            }
        return found


def _together(name: str, processes: Mapping[str, Mapping[str, Series]]) -> tuple[tuple[str, ...], Series]:
    instrument = INSTRUMENTS[name]
    if not instrument.is_shared:
        labelled = {
            (process, *labels): values
            for process, families in processes.items()
            for labels, values in families.get(name, {}).items()
        }
        return ("process", *instrument.labels), labelled
    total: Series = {}
    adds_up = isinstance(instrument, (Counter, Histogram))
    for families in processes.values():
        total = (_sum if adds_up else _greatest)(total, families.get(name, {}))
    return instrument.labels, total


def _sum(one: Series, other: Series) -> Series:
    """Of histograms whose buckets a new version changed, the first."""
    total = {labels: list(values) for labels, values in one.items()}
    for labels, values in other.items():
        known = total.get(labels)
        if known is None:
            total[labels] = list(values)
        elif len(known) == len(values):
            total[labels] = [a + b for a, b in zip(known, values, strict=True)]
    return total


def _greatest(one: Series, other: Series) -> Series:
    return one | {labels: max(values, one.get(labels, values)) for labels, values in other.items()}


def _read(path: Path) -> _Told | None:
    try:
        return _decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None
