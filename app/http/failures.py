"""Requests that failed, noted in memory: whoever made them can look them up, and no request waits for it.

What is noted holds no body, no query and no secret: a path and what the caller was answered, with everything in them
masked that looks like a secret of ours.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count
from operator import itemgetter
from typing import Final

from app.errors import Problem
from app.http.tally import flushing
from app.logs import log, redact

KEPT_PER_KEY: Final = 20  # the newest of each key between two flushes: a flood costs no more rows than that a second
KEYS_MOST: Final = 2_000  # keys with failures held while the database is away; those of further keys are dropped
UNPROVEN_MOST: Final = 100  # of those, keys that nobody has looked up: made-up ones must not push out real ones
PATH_MOST: Final = 200  # characters of a path; every path served is shorter
_TEXT_MOST: Final = 1_000  # characters of a sentence; ours are shorter
_LONG: Final = re.compile(r"[0-9A-Za-z]{32,}")  # a secret, of whatever kind: no id is so long
_SECRET_PATHS: Final = frozenset({"feeds", "inbound"})  # first segments behind which a secret stands
_UNSTORABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Failure:
    """One request, and what it was answered. `route` is the template of the path, None where it reached none."""

    at: datetime
    request_id: str
    method: str
    route: str | None
    path: str
    status: int
    code: str
    error: str
    hint: str | None
    field: str | None

    @classmethod
    def of(
        cls, problem: Problem, *, request_id: str, method: str, route: str | None, path: str, at: datetime
    ) -> Failure:
        """What may be kept of it: texts are shortened, and secrets in them masked."""
        return cls(
            at=at,
            request_id=request_id,
            method=_tidy(method, 20),
            route=route,
            path=_path_of(path),
            status=problem.status,
            code=problem.code,
            error=_tidy(problem.message, _TEXT_MOST),
            hint=None if problem.hint is None else _tidy(problem.hint, _TEXT_MOST),
            field=None if problem.field is None else _tidy(problem.field, _TEXT_MOST),
        )


READERS_PATIENCE: Final = 0.2  # seconds; a reader may have to wait for a lock besides, and two in all

Store = Callable[[Sequence[tuple[bytes, Failure]]], Awaitable[None]]
"""Keeps failures, each with the digest of the key it came with, in the order in which they happened. Those of keys that
do not live belong to nobody."""


_Noted = tuple[int, Failure]
_Held = dict[bytes, deque[_Noted]]


class Failures:
    """What failed since the last flush, the newest of each key."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._proven: _Held = {}
        self._unproven: _Held = {}
        self._noted = count()
        self._flushing = asyncio.Lock()
        self._begun = set[asyncio.Task[None]]()

    def note(self, key_hash: bytes, failure: Failure, *, is_proven: bool) -> None:
        """`is_proven`: the key is known to live."""
        self._hold(key_hash, (next(self._noted), failure), is_proven=is_proven)

    def _hold(self, key_hash: bytes, noted: _Noted, *, is_proven: bool) -> None:
        held, most = (self._proven, KEYS_MOST) if is_proven else (self._unproven, UNPROVEN_MOST)
        if key_hash not in held:
            if len(held) >= most:
                return
            held[key_hash] = deque(maxlen=KEPT_PER_KEY)
        held[key_hash].append(noted)

    async def flush(self) -> None:
        """Store what was noted; when this returns, all that was noted before it was called has been tried. After a
        fault it is kept for the next time."""
        async with self._flushing:
            if not self._proven and not self._unproven:
                return
            proven, unproven = self._proven, self._unproven
            self._proven, self._unproven = {}, {}
            try:
                await self._store(_in_order(proven, unproven))
            except Exception as fault:
                log("failures.fault", error=repr(fault))
                for held, is_proven in ((proven, True), (unproven, False)):
                    self._take_back(held, is_proven=is_proven)

    async def flush_for_reader(self) -> None:
        """The same for who is about to read them: where it takes long, it goes on without the reader."""
        task = asyncio.create_task(self.flush())
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        await asyncio.wait([task], timeout=READERS_PATIENCE)

    def _take_back(self, held: _Held, *, is_proven: bool) -> None:
        now = self._proven if is_proven else self._unproven
        for key_hash, earlier in held.items():
            for noted in chain(earlier, now.pop(key_hash, ())):
                self._hold(key_hash, noted, is_proven=is_proven)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Flushes every second while the block lasts, and once more at its end."""
        async with flushing(self.flush):
            yield


def _in_order(*held: _Held) -> list[tuple[bytes, Failure]]:
    found = [(number, key, failure) for keys in held for key, noted in keys.items() for number, failure in noted]
    return [(key, failure) for _, key, failure in sorted(found, key=itemgetter(0))]


def _path_of(path: str) -> str:
    first = path.strip("/").partition("/")[0]
    return f"/{first}/…" if first in _SECRET_PATHS else _tidy(path, PATH_MOST)


def _tidy(text: str, most: int) -> str:
    """`text` as Postgres can store it, without secrets of ours, and not longer than `most`."""
    masked = _LONG.sub("…", redact(_UNSTORABLE.sub("\ufffd", text[: 2 * most])))
    return masked if len(masked) <= most else f"{masked[: most - 1]}…"
