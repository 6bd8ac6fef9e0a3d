"""The dispatcher: takes lanes that have something due, and sends it.

One loop looks what is due by the clock and holds lanes that are free; each lane held is a task of its own, so that a
destination that hangs delays nobody else. Any number of processes do this on one database: a lane is held by one of
them, and what is held by one that has died counts as free after a few seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from math import inf
from time import monotonic
from typing import Any, Final

from app.clock import Clock
from app.db.database import Database
from app.ids import new_id
from app.logs import log
from app.metrics import families
from app.outbox.model import Carrier, Delivery, Outcome, Tick, delivery_of_row, lateness_of
from app.outbox.settling import Settler
from app.outbox.sql import sql
from app.repeating import repeating

POLL: Final = 1.0  # seconds between looks where nothing wakes: the net under a wake-up that was lost
ALIVE_EVERY: Final = timedelta(seconds=1)  # between reports of being alive
DEAD_AFTER: Final = 5.0  # seconds without a report until what a dispatcher holds counts as free
UNSURE_AFTER: Final = 3.5  # seconds without a report until we begin no more attempts: well before others take over
BREATH: Final = 0.002  # seconds between two rounds that found nothing to do
PAUSE: Final = 1.0  # seconds before a round is tried again that failed
WALK: Final = 1_000  # lanes looked at in one statement: a few milliseconds
LANES_MOST: Final = 512  # held at once
LANES_WORTH_A_WALK: Final = 64  # of them free before more are looked for, so that each walk finds many
FAILING_MOST: Final = 128  # held at once besides, of endpoints that fail: they wait for time limits, mostly
BATCH: Final = 100  # deliveries of a lane read at once
WINDOW_MOST: Final = 16  # attempts under way in one lane: enough for a few hundred a second over a slow line
ATTEMPTS_MOST: Final = 448  # attempts under way in all: each takes a socket, and the client leaves some to others
PATIENCE: Final = 2.0  # seconds that a first attempt may hold back the next of its lane
STOP_GRACE: Final = 6.0  # seconds that attempts under way get at a stop


class _Lane:
    """A lane held under the name `holder`, and how many attempts may be under way in it: one at first, one more for
    each that succeeds, so that a destination that hangs holds one place only."""

    def __init__(self, id_: str, holder: str) -> None:
        self.id: Final = id_
        self.holder: Final = holder
        self._size, self._under_way = 1, 0
        self._changed = asyncio.Event()

    async def enter(self) -> None:
        while self._under_way >= self._size:
            self._changed.clear()
            await self._changed.wait()
        self._under_way += 1

    def leave(self, *, succeeded: bool) -> None:
        self._under_way -= 1
        self._size = min(self._size + 1, WINDOW_MOST) if succeeded else 1
        self._changed.set()


class Dispatcher:
    """`carriers` send, by the kind of lane; `ticks` make what falls due by the clock into deliveries."""

    def __init__(self, db: Database, clock: Clock, carriers: Mapping[str, Carrier], ticks: Sequence[Tick]) -> None:
        self._id = ""
        self._db, self._clock, self._carriers, self._ticks = db, clock, carriers, ticks
        self._settler = Settler(db, clock)
        self._woken = asyncio.Event()
        self._is_stopping = False
        self._stop_by = inf
        self._reported = -inf
        self._after = ""  # the lane behind which the next walk begins
        self._lanes: dict[asyncio.Task[None], bool] = {}  # with whether its endpoint was failing
        self._attempts = asyncio.Semaphore(ATTEMPTS_MOST)

    def wake(self) -> None:
        """There may be something to send."""
        self._woken.set()

    def begin_stop(self) -> None:
        """Take nothing more; what is under way gets a few seconds from now, however late `running` ends."""
        self._is_stopping = True
        self._stop_by = min(self._stop_by, monotonic() + STOP_GRACE)
        self._woken.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Dispatches while the block lasts. At its end attempts under way get a few seconds; what was not attempted is
        left to others at once."""
        settling = asyncio.create_task(self._settler.run())
        try:
            async with repeating(self._report, ALIVE_EVERY, first_after=ALIVE_EVERY):
                rounds = asyncio.create_task(self._run())
                try:
                    yield
                finally:
                    self.begin_stop()
                    await self._end(rounds)
        finally:
            await self._report_gone()  # behind the last report, which would make us alive again
            settling.cancel()
            await asyncio.gather(settling, return_exceptions=True)

    async def _end(self, rounds: asyncio.Task[None]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, self._stop_by - monotonic())):
                await rounds
                if self._lanes:
                    await asyncio.wait(self._lanes)
        left = [rounds, *self._lanes]
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=PAUSE)

    async def _report_gone(self) -> None:
        try:
            async with asyncio.timeout(PAUSE):
                await self._db.run(sql.report_gone, {"id": self._id})
        except Exception as fault:  # what is held is free for others a few seconds later all the same
            log("dispatcher.unreported", error=repr(fault))

    async def _run(self) -> None:
        while not self._is_stopping:
            self._woken.clear()
            try:
                did_something, next_at = await self.look()
            except Exception as fault:
                log("dispatcher.fault", error=repr(fault))
                await asyncio.sleep(PAUSE)
                continue
            if not did_something:
                await self._sleep_until(next_at)

    async def _report(self) -> None:
        """Where others may have taken us for dead, what we held may be theirs: we begin anew under another name, and
        what was begun under the old one ends."""
        if not self._is_sure:
            self._id = new_id("dsp")
        name, began = self._id, monotonic()
        try:
            await self._db.run(sql.report_alive, {"id": name})
        except Exception as fault:
            log("dispatcher.unreported", error=repr(fault))
        else:
            if name == self._id:
                self._reported = began

    @property
    def _is_sure(self) -> bool:
        """Whether others surely take us for alive, so that what we hold is ours."""
        return monotonic() - self._reported < UNSURE_AFTER

    async def look(self) -> tuple[bool, datetime | None]:
        """Look once what is due, and begin to send it. Returns whether there may be more to do at once, and if not,
        when there is."""
        if not self._is_sure:
            await self._report()
        now = self._clock.now()
        count, moments = 0, list[datetime]()
        for tick in self._ticks:
            try:
                done, next_at = await tick(now)
            except Exception as fault:  # what is owed already is sent all the same
                log("dispatcher.tick_fault", error=repr(fault))
                continue
            count += done
            moments += [] if next_at is None else [next_at]
        held, next_at = await self._claim(now)
        moments += [] if next_at is None else [next_at]
        return count + held > 0, min(moments, default=None)

    async def _claim(self, now: datetime) -> tuple[int, datetime | None]:
        """Hold free lanes that have something due, and begin to send it. Returns how much of the walk is left to do,
        lanes held included, and when a lane that was passed is due."""
        failing = sum(self._lanes.values())
        room, room_for_failing = LANES_MOST - (len(self._lanes) - failing), FAILING_MOST - failing
        if not self._is_sure or self._is_stopping or room < LANES_WORTH_A_WALK:
            return 0, None
        walk, holder = min(WALK, 2 * room), self._id
        params = {
            "after": self._after,
            "walk": walk,
            "now": now,
            "room": room,
            "room_for_failing": room_for_failing,
            "holder": holder,
            "dead_after": DEAD_AFTER,
        }
        try:
            row = await self._db.one(sql.claim_lanes, params)
            assert row is not None
            held, walked, last, next_at = row
            batches: dict[str, list[Delivery]] = {lane: [] for lane in held or ()}
            for delivery in await self._read(list(batches), now) if batches else ():
                batches[delivery.lane].append(delivery)
        except BaseException:
            self._reported = -inf  # what we hold nobody serves now: under another name we leave it to time
            raise
        self._after = last if walked == walk else ""
        for lane, batch in batches.items():
            task = asyncio.create_task(self._serve(_Lane(lane, holder), batch))
            self._lanes[task] = bool(batch) and batch[0].is_failing
            task.add_done_callback(self._served)
        return len(batches) + (1 if self._after else 0), next_at

    async def _read(self, lanes: list[str], now: datetime) -> list[Delivery]:
        params = {"lanes": lanes, "now": now, "batch": BATCH}
        return [delivery_of_row(row) for row in await self._db.all(sql.read_due, params)]

    def _served(self, task: asyncio.Task[None]) -> None:
        del self._lanes[task]
        if not task.cancelled() and (fault := task.exception()) is not None:
            log("dispatcher.lane_fault", error=repr(fault))
        self._woken.set()  # something may have come into the lane while it was ours

    async def _serve(self, lane: _Lane, batch: list[Delivery]) -> None:
        """Send what is due in a lane, then let it go."""
        is_released = False
        try:
            if len(batch) == 1 and (outcome := await self._attempt(batch[0], lane)) is not None:
                await self._settler.settle(batch[0], outcome, release=(lane.id, lane.holder))
                is_released = True
                return
            while batch and self._goes_on(lane):
                await self._send_all(batch, lane)
                batch = await self._read([lane.id], self._clock.now()) if len(batch) == BATCH else []
        finally:
            if not is_released:
                await self._settler.release(lane.id, lane.holder)

    def _goes_on(self, lane: _Lane) -> bool:
        """Whether the lane is surely ours, and more is to be sent."""
        return self._is_sure and lane.holder == self._id and not self._is_stopping

    async def _send_all(self, batch: list[Delivery], lane: _Lane) -> None:
        """Attempts in the order of the batch where order matters, side by side where it does not; ends when all are
        written down."""
        tasks: list[asyncio.Task[None]] = []

        def begin(work: Coroutine[Any, Any, None]) -> None:
            tasks.append(asyncio.create_task(work))

        in_order, others = list[Delivery](), list[Delivery]()
        for delivery in batch:
            (in_order if self._carriers[delivery.kind].is_ordered(delivery) else others).append(delivery)
        try:
            begin(self._send_in_order(iter(in_order), lane, begin))
            for delivery in others:
                await lane.enter()
                begin(self._attempt_and_settle(delivery, lane))
            finished = 0
            while finished < len(tasks):  # what goes in order begins more of them
                finished = len(tasks)
                await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _send_in_order(
        self, left: Iterator[Delivery], lane: _Lane, begin: Callable[[Coroutine[Any, Any, None]], None]
    ) -> None:
        """Attempt what is left, each once the one before is answered: its record is a commit away, and begun. Where an
        answer takes longer than `PATIENCE`, the rest goes on beside it."""
        is_ours = True

        def hand_on() -> None:
            nonlocal is_ours
            is_ours = False
            begin(self._send_in_order(left, lane, begin))

        while is_ours and (delivery := next(left, None)) is not None:
            await lane.enter()
            impatience = asyncio.get_running_loop().call_later(PATIENCE, hand_on)
            try:
                outcome = await self._attempt_in_place(delivery, lane)
            finally:
                impatience.cancel()
            if outcome is not None:
                begin(self._settler.settle(delivery, outcome))

    async def _attempt_and_settle(self, delivery: Delivery, lane: _Lane) -> None:
        outcome = await self._attempt_in_place(delivery, lane)
        if outcome is not None:
            await self._settler.settle(delivery, outcome)

    async def _attempt_in_place(self, delivery: Delivery, lane: _Lane) -> Outcome | None:
        outcome = None
        try:
            outcome = await self._attempt(delivery, lane)
        finally:
            lane.leave(succeeded=outcome is not None and outcome.state == "delivered")
        return outcome

    async def _attempt(self, delivery: Delivery, lane: _Lane) -> Outcome | None:
        """None where it was not attempted after all."""
        async with self._attempts:
            if not self._goes_on(lane):
                return None
            began = monotonic()
            late = lateness_of(delivery, self._clock.now())
            outcome = await self._carriers[delivery.kind].attempt(delivery)
            if outcome.attempted:
                families.ATTEMPTS.observe(monotonic() - began, delivery.kind, outcome.state)
                if late is not None:
                    families.LATENESS.observe(*late)
            if outcome.state == "failed":
                families.GIVEN_UP.add(delivery.kind, outcome.reason or "unknown")
            return outcome

    async def _sleep_until(self, next_at: datetime | None) -> None:
        """Until something wakes, or that moment, or a second."""
        seconds = POLL
        if next_at is not None:
            seconds = max(BREATH, min(POLL, (next_at - self._clock.now()).total_seconds()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
