"""The only caller of now(). Everything else is told the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant, in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class FrozenClock:
    """Stands still until it is moved; for tests and for replaying a moment."""

    def __init__(self, at: datetime) -> None:
        assert at.tzinfo is not None
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def move_to(self, at: datetime) -> None:
        assert at.tzinfo is not None
        self._at = at.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        self._at += by
