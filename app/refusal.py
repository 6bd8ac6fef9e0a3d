"""What an operator reads when a command cannot go on."""

from __future__ import annotations


class Refusal(Exception):
    """One sentence for the operator, with the next step in it; printed without a traceback.

    `exit_code` is 2 where something given to us must be changed first, 1 where the machine or the database
    failed.
    """

    def __init__(self, sentence: str, *, exit_code: int = 1) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
