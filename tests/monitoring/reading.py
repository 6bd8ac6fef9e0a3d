"""Prometheus' text format, read strictly enough to notice what it does not allow."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_SAMPLE: Final = re.compile(r'([a-z_:][a-z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)+)\})? (\S+)')
_LABEL: Final = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')

Labels = frozenset[tuple[str, str]]


@dataclass
class Family:
    kind: str
    meaning: str
    samples: dict[tuple[str, Labels], float] = field(default_factory=dict)


def read(text: str) -> dict[str, Family]:
    """The families by name. Every sample stands behind the heading of its own family, and once."""
    families: dict[str, Family] = {}
    meaning, current = "", ""
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, current, meaning = line.split(" ", 3)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == current
            assert name not in families
            families[name] = Family(kind, meaning)
        else:
            found = _SAMPLE.fullmatch(line)
            assert found, line
            suffixes = ("_bucket", "_sum", "_count") if families[current].kind == "histogram" else ("",)
            assert found[1] in {current + suffix for suffix in suffixes}
            key = (found[1], frozenset(_LABEL.findall(found[2] or "")))
            assert key not in families[current].samples, line
            families[current].samples[key] = float(found[3])
    return families


def value(families: dict[str, Family], name: str, **labels: str) -> float:
    """The sum of the samples that carry these labels, and others perhaps."""
    family = families.get(name) or families[re.sub(r"_(count|sum|bucket)$", "", name)]
    wanted = set(labels.items())
    return sum(number for (sample, given), number in family.samples.items() if sample == name and wanted <= given)
