"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.refusal import Refusal

State = Literal["ok", "warning", "fault"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`message` is a sentence; of what is not ok, `mend` says in another what to do."""

    check: str
    state: State
    message: str
    mend: str | None = None


def ok(check: str, message: str) -> Finding:
    return Finding(check, "ok", message)


def warning(check: str, message: str, mend: str) -> Finding:
    """Works, but not as somebody will expect."""
    return Finding(check, "warning", message, mend)


def fault(check: str, message: str, mend: str) -> Finding:
    """Does not work, or loses something."""
    return Finding(check, "fault", message, mend)


def refused(check: str, refusal: Refusal | OSError, otherwise: str) -> Finding:
    """A refusal as a fault. It says behind its first colon what to do, unless a log is quoted there, say."""
    said, colon, step = str(refusal).partition(": ")
    if not colon or ". " in said:
        return fault(check, str(refusal), otherwise)
    return fault(check, f"{said}.", f"{step[:1].upper()}{step[1:]}")
