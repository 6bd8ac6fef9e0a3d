"""How a command is told to stop: SIGINT (Ctrl-C), SIGTERM and SIGHUP all end it with KeyboardInterrupt."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_STOP: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt_on_stop() -> None:
    """Have the signals that ask for a stop raise KeyboardInterrupt in the main thread, so that blocks clean
    up.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    # The terminal was closed; nohup has it ignored. Passed on as the signal that the web server knows, too.
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda _signal, _frame: signal.raise_signal(signal.SIGTERM))


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let no further signal interrupt the clearing up: a second Ctrl-C would leave processes behind."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _STOP}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ctrl_c_withheld() -> Iterator[None]:
    """Start processes that a Ctrl-C in the terminal does not reach; ours, if one comes meanwhile, comes
    after.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
