"""How much work a question about a series may cost."""

from __future__ import annotations

from typing import Final, NoReturn

from app.errors import Problem

MAX_STEPS: Final = 40_000  # periods, days and dates looked at in one question; about 40 ms of pure Python


def too_costly(message: str, hint: str) -> NoReturn:
    """Raises `Problem("recurrence_too_costly")` for the field `recurrence`."""
    raise Problem("recurrence_too_costly", message, hint, "recurrence")


class Budget:
    """A number of steps that are spent one by one; the same question always costs the same."""

    __slots__ = ("left",)

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        """Raises `Problem("recurrence_too_costly")` once more was spent than there was."""
        self.left -= steps
        if self.left < 0:
            too_costly(
                "Finding the dates of this rule takes too long.",
                "Use a coarser FREQ, fewer BY parts, or a shorter window.",
            )
