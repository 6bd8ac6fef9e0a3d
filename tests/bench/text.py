"""Figures and tables as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan, nan


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, its first column to the left."""
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        first, *rest = zip(cells, widths, strict=True)
        return "| " + " | ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]) + " |"

    rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(heads), "| " + " | ".join(rule) + " |", *map(line, rows)])


def number(figure: float) -> str:
    """A whole number; a dash for nan, as everywhere here."""
    return "–" if isnan(figure) else f"{figure:,.0f}"


def fine(figure: float, places: int = 2) -> str:
    return "–" if isnan(figure) else f"{figure:.{places}f}"


def percent(share: float) -> str:
    return "–" if isnan(share) else f"{share:.0%}"


def ratio(new: float, was: float) -> str:
    return fine(new / was if was else nan)
