"""Writing down what became of attempts: whatever has ended since the last statement goes into the next one, so that an
attempt is on record within milliseconds however many end at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from app.clock import Clock
from app.db.database import Database
from app.errors import Problem
from app.logs import log
from app.metrics import families
from app.outbox.endpoints import switch_off
from app.outbox.model import Delivery, Outcome
from app.outbox.sql import sql

PAUSE: Final = 0.5  # seconds before a statement is tried again that the database did not take
FAILING_MOST: Final = timedelta(days=5)  # contract: nothing but failures so long, and an endpoint is switched off
LOG_MOST: Final = 40  # attempts kept of a delivery: a few rounds of ten
_AT_ONCE: Final = 500  # outcomes in one statement
_Held = tuple[str, str]  # a lane, and the name it is held under


@dataclass(slots=True)
class _Entry:
    delivery: Delivery | None
    outcome: Outcome | None
    released: _Held | None
    written: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Settler:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._waiting: list[_Entry] = []
        self._there_is_some = asyncio.Event()

    async def settle(self, delivery: Delivery, outcome: Outcome, *, release: _Held | None = None) -> None:
        """Returns once it is written; with `release` that lane is let go in the same statement, if it is held under
        that name still."""
        await self._add(_Entry(delivery, outcome, release))

    async def release(self, lane: str, holder: str) -> None:
        await self._add(_Entry(None, None, (lane, holder)))

    async def run(self) -> None:
        while True:
            await self._there_is_some.wait()
            entries, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            if not self._waiting:
                self._there_is_some.clear()
            try:
                await self._write(entries)
            except Exception as fault:  # the database is away; what is known stays known, and is written later
                log("outbox.unsettled", count=len(entries), error=repr(fault))
                self._waiting = entries + self._waiting
                self._there_is_some.set()
                await asyncio.sleep(PAUSE)
                if not isinstance(fault, Problem):
                    await self._write_one_by_one()
                continue
            _note_written(entries)

    async def _write_one_by_one(self) -> None:
        """What waits, where the database is there and refuses it, so that one entry does not hold up the others."""
        entries, self._waiting = self._waiting, []
        for place, entry in enumerate(entries):
            try:
                await self._write_somehow(entry)
            except Problem:
                self._waiting = entries[place:] + self._waiting
                return
            _note_written([entry])

    async def _write_somehow(self, entry: _Entry) -> None:
        """An entry that is refused by itself is written without what was received, else as failed: it is not sent again
        and again because its record cannot be kept."""
        delivery, outcome = entry.delivery, entry.outcome
        forms = [outcome]
        if delivery is not None and outcome is not None:
            forms += [replace(outcome, log=""), Outcome("failed", "exhausted")]
        for form in forms:
            try:
                await self._write([replace(entry, outcome=form)])
            except Problem:
                raise
            except Exception as fault:
                log("outbox.not_settled", delivery_id=delivery and delivery.id, error=repr(fault))
            else:
                return

    async def _add(self, entry: _Entry) -> None:
        self._waiting.append(entry)
        self._there_is_some.set()
        await asyncio.shield(entry.written)

    async def _write(self, entries: list[_Entry]) -> None:
        done = [(e.delivery, e.outcome) for e in entries if e.delivery is not None and e.outcome is not None]
        released = [e.released for e in entries if e.released is not None]
        now = self._clock.now()
        done.sort(key=lambda each: each[0].position)  # the order in which others lock them
        await self._db.run(
            sql.settle,
            {
                "positions": [d.position for d, _ in done],
                "owed_ats": [d.owed_at for d, _ in done],
                "states": [o.state for _, o in done],
                "reasons": [o.reason for _, o in done],
                "attempts": [d.attempts + o.attempted for d, o in done],
                "due_ats": [o.due_at for _, o in done],
                "logs": [o.log for _, o in done],
                "released": [lane for lane, _ in released],
                "holders": [holder for _, holder in released],
                "log_most": LOG_MOST,
                "now": now,
            },
        )
        await self._note_health(done)

    async def _note_health(self, done: list[tuple[Delivery, Outcome]]) -> None:
        """What the outcomes say of their endpoints; of several, the last."""
        now = self._clock.now()
        told = {d.lane: o.well for d, o in done if o.well is not None and not (o.well and not d.is_failing)}
        if told:
            await self._db.run(sql.note_health, {"endpoints": list(told), "well": list(told.values()), "now": now})
        ill = [lane for lane, well in told.items() if not well]
        if ill:
            reason = f"Nothing but failures for {FAILING_MOST.days} days."
            params = {"endpoints": ill, "before": now - FAILING_MOST}
            for (endpoint_id,) in await self._db.all(sql.long_failing, params):
                await self._switch_off(endpoint_id, reason)
        for lane, reason in {d.lane: o.disables for d, o in done if o.disables is not None}.items():
            await self._switch_off(lane, reason)

    async def _switch_off(self, endpoint_id: str, reason: str) -> None:
        families.SWITCHED_OFF.add()
        await switch_off(self._db, endpoint_id, reason, self._clock.now())


def _note_written(entries: Sequence[_Entry]) -> None:
    for entry in entries:
        if not entry.written.done():
            entry.written.set_result(None)
