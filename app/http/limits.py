"""Rate limits that all processes share, without a write per request.

A limit counts in fixed windows. A process leases blocks of a window's allowance from the database and spends them in
memory; leases are asked for ahead of need, so that requests hardly ever wait for one. The first few requests of a
window are let through on credit while the first lease is on its way, which spares a quiet key's requests that wait.
What all processes lease together never exceeds the limit; credit can exceed it by one hundredth, once a process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from app.db.database import Database
from app.db.queries import load
from app.errors import Problem
from app.metrics import families

BLOCKS: Final = 20  # leases a process needs to use a whole window up
CREDIT: Final = 100  # the share of a limit that may be spent before the first lease: one in so many
SUBJECTS_MOST: Final = 50_000  # subjects remembered in a process; forgetting one costs at most a lease

ALLOWANCES_KEPT: Final = timedelta(hours=2)  # longer than any window
FORGET_BITE: Final = 2_000  # rows deleted in one statement
sql: Final = load(__file__)

Lease = Callable[[bytes, datetime, int], Awaitable[int]]
"""(subject, window start, count) → what all processes together have leased, this lease included."""


class Limit(NamedTuple):
    name: str
    most: int
    seconds: int


class Standing(NamedTuple):
    """What the RateLimit headers tell (draft-ietf-httpapi-ratelimit-headers)."""

    limit: Limit
    remaining: int
    seconds_left: int

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        name, most, seconds = self.limit
        return [
            (b"ratelimit-policy", f'"{name}";q={most};w={seconds}'.encode()),
            (b"ratelimit", f'"{name}";r={self.remaining};t={self.seconds_left}'.encode()),
        ]


@dataclass(slots=True)
class _Window:
    start: int
    granted: int = 0
    used: int = 0
    leased_by_all: int = 0
    has_leased: bool = False
    is_exhausted: bool = False
    leasing: asyncio.Task[None] | None = field(default=None, repr=False)

    def allowance(self, limit: Limit) -> int:
        return self.granted if self.has_leased else limit.most // CREDIT


class Limiter:
    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._windows: dict[tuple[str, bytes], _Window] = {}

    def read(self) -> None:
        """Bring the gauge of it up to date."""
        families.SUBJECTS.set(len(self._windows))

    async def admit(self, subject: bytes, limit: Limit, now: float) -> Standing:
        """Count one request. Raises `too_many_requests` with Retry-After when the window is used up.

        `subject` is whom the limit is for, `now` seconds since the epoch. Waits only where the process has to learn
        whether anything is left.
        """
        window = self._window(subject, limit, now)
        seconds_left = window.start + limit.seconds - int(now)
        while window.used >= window.allowance(limit):
            if window.is_exhausted:
                families.LIMITED.add(limit.name)
                raise _too_many(limit, seconds_left)
            await self._leasing(window, subject, limit)
        window.used += 1
        if window.has_leased and window.used + limit.most // BLOCKS // 2 >= window.granted and not window.is_exhausted:
            self._leasing(window, subject, limit)
        unleased = max(0, limit.most - window.leased_by_all)
        remaining = unleased + window.granted - window.used if window.has_leased else limit.most - window.used
        return Standing(limit, max(0, remaining), seconds_left)

    def confirm(self, subject: bytes, limit: Limit) -> None:
        """The subject is one we know: lease for it. Made-up keys never cost the database anything."""
        window = self._windows.get((limit.name, subject))
        if window is not None and not window.has_leased:
            self._leasing(window, subject, limit)

    def _window(self, subject: bytes, limit: Limit, now: float) -> _Window:
        start = int(now) - int(now) % limit.seconds
        window = self._windows.get((limit.name, subject))
        if window is None or window.start != start:
            if len(self._windows) >= SUBJECTS_MOST:
                self._windows.clear()
            window = self._windows[(limit.name, subject)] = _Window(start)
        return window

    def _leasing(self, window: _Window, subject: bytes, limit: Limit) -> asyncio.Task[None]:
        """The lease under way, begun if there is none."""
        if window.leasing is None or window.leasing.done():
            window.leasing = asyncio.create_task(self._take(window, subject, limit))
        return window.leasing

    async def _take(self, window: _Window, subject: bytes, limit: Limit) -> None:
        families.LEASES.add(limit.name)
        count = max(1, limit.most // BLOCKS)
        start = datetime.fromtimestamp(window.start, UTC)
        try:
            leased = await self._lease(subject, start, count)
        except Problem:
            # Without the database nothing can be served, and where it takes no writes, reads are: counting must not be
            # what fails first. Each process then counts for itself.
            window.granted, window.has_leased = min(window.granted + count, limit.most), True
            window.is_exhausted = window.granted == limit.most
            return
        window.leased_by_all = leased
        window.granted += min(count, max(0, limit.most - (leased - count)))
        window.has_leased = True
        window.is_exhausted = leased >= limit.most


async def lease(db: Database, subject: bytes, window_start: datetime, count: int) -> int:
    """A `Lease` from the database."""
    params = {"subject": subject, "window_start": window_start, "count": count}
    row = await db.one(sql.lease, params)
    assert row is not None
    return int(row[0])


async def forget_allowances(db: Database, now: datetime) -> None:
    """Remove the counts of windows long over."""
    params = {"before": now - ALLOWANCES_KEPT, "limit": FORGET_BITE}
    while await db.run(sql.forget_allowances, params) == FORGET_BITE:
        pass


def _too_many(limit: Limit, seconds_left: int) -> Problem:
    return Problem(
        "too_many_requests",
        f"More than {limit.most} requests in {limit.seconds} seconds.",
        hint=f"Wait {seconds_left} seconds. GET …/changes?wait=60 tells of changes without polling.",
        headers={"Retry-After": str(max(1, seconds_left))}
        | {name.decode(): value.decode() for name, value in Standing(limit, 0, seconds_left).headers},
        extra={"limit": limit.most, "window_seconds": limit.seconds},
    )
