"""BYSETPOS: the n-th of what a period holds."""

from __future__ import annotations

from collections.abc import Sequence


def positions(bysetpos: Sequence[int], size: int) -> list[int]:
    """The indexes that BYSETPOS picks from `size` things, ascending; negative positions count from the end."""
    return sorted({n - 1 if n > 0 else size + n for n in bysetpos if -size <= n <= size})


def picked(things: Sequence[int], bysetpos: Sequence[int]) -> list[int]:
    """What BYSETPOS picks from one period's dates."""
    return [things[index] for index in positions(bysetpos, len(things))]
