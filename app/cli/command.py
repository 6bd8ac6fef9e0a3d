"""What a command is made of."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass


def _nothing(_parser: argparse.ArgumentParser) -> None:
    return


@dataclass(frozen=True, slots=True)
class Command:
    """`name` is what is typed, one word or two: `event add`. `help` is one line without a full stop, `more` what the
    command's own help goes on with. `run` returns the exit code, None for 0.
    """

    name: str
    help: str
    run: Callable[[argparse.Namespace], int | None]
    arguments: Callable[[argparse.ArgumentParser], None] = _nothing
    more: str = ""
    examples: tuple[str, ...] = ()
    ends_when_told: bool = False
    """Whether being told to stop is how it ends; any other was broken off then."""
