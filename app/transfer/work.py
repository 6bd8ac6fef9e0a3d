"""How long one file may keep the long thread."""

from __future__ import annotations

from time import thread_time
from types import TracebackType
from typing import Final

from app.errors import Problem

LONGEST: Final = 20.0  # seconds of processor time, four times what 10,000 ordinary events take
MOMENT: Final = 0.1  # seconds after which the thread is left to others


class Work:
    """The processor time of one import, summed over its turns on the thread: `with work:` is a turn.

    Steps and sizes are counted before they are spent (`Purse`, `Budget`); this is the net under all that is cheap by
    itself and comes a hundred thousand times. It is the thread's own time, so a busy machine refuses no file."""

    def __init__(self) -> None:
        self._spent = 0.0
        self._begun = 0.0

    def __enter__(self) -> None:
        self._begun = thread_time()

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._spent += thread_time() - self._begun
        if kind is None and self._spent > LONGEST:
            raise Problem(
                "recurrence_too_costly",
                "Importing this file takes too long.",
                hint="Send it in parts; series with very many dates, or many cancelled ones, cost most.",
            )

    @property
    def is_long(self) -> bool:
        """Whether this turn has been long enough."""
        return thread_time() - self._begun > MOMENT
