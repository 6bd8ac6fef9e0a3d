"""What the service does on its own, once a day: keep series stored 90 days ahead, recompute times when zone rules
change, and forget old changes. Every step finds its work by an index and holds one calendar's lock at a time, so that
any number of processes may run it at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from app.calendars.service import forget_changes
from app.calendars.writing import ALWAYS, FOREVER, Write, open_upkeep
from app.core.times import TZDATA_VERSION
from app.db.database import Database
from app.db.partitions import drop_months
from app.errors import Problem
from app.events.dates import extend
from app.events.find import read_specials
from app.events.materialise import HORIZON
from app.events.model import event_of_row
from app.events.rezone import recompute
from app.events.sql import sql
from app.http.context import Context
from app.http.limits import forget_allowances
from app.http.writes import forget_answers
from app.logs import log
from app.metrics.jobs import job_run
from app.repeating import repeating

CHANGES_KEPT: Final = timedelta(days=90)  # of the log; the promise is 30
EXTEND_WHEN_SHORT: Final = HORIZON - timedelta(days=1)  # a calendar is extended once a day, not at every look
INTERVAL: Final = timedelta(hours=1)  # between looks; one that finds nothing costs an index look-up
JITTER: Final = timedelta(minutes=5)  # so that processes that began together part
_CALENDARS_A_LOOK: Final = 100
_SERIES_A_LOCK: Final = 50  # series extended under one hold of a calendar's lock
_CHANGES_A_BITE: Final = 5_000


@asynccontextmanager
async def upkeep(at: Context) -> AsyncIterator[None]:
    """Runs the upkeep at once and then every hour while the block lasts."""
    async with repeating(partial(run_upkeep, at), INTERVAL, jitter=JITTER):
        yield


async def run_upkeep(at: Context) -> None:
    """All of it, once. A fault is logged and tried again at the next look; it stops nothing else."""
    now = at.clock.now()
    try:
        with job_run("upkeep"):
            recomputed = await apply_zone_rules(at.db, now)
            extended = await extend_calendars(at.db, now)
            forgotten = 0
            await drop_months(at.db, "changes", now - CHANGES_KEPT)
            while bite := await forget_changes(at.db, now - CHANGES_KEPT, _CHANGES_A_BITE):
                forgotten += bite
            await forget_answers(at.db, now)
            await forget_allowances(at.db, now)
    except Exception as fault:
        log("upkeep.fault", error=repr(fault))
        return
    log("upkeep.done", recomputed=recomputed, extended=extended, forgotten=forgotten)


async def extend_calendars(db: Database, now: datetime) -> int:
    """Bring every calendar that is short to the horizon; returns the number of series extended."""
    extended, stuck = 0, set[str]()
    while True:
        params = {"before": now + EXTEND_WHEN_SHORT, "limit": _CALENDARS_A_LOOK + len(stuck)}
        found = [row[0] for row in await db.all(sql.calendars_short, params) if row[0] not in stuck]
        if not found:
            return extended
        for calendar_id in found:
            done = await extend_calendar(db, calendar_id, now)
            if done is None:
                stuck.add(calendar_id)  # another process is at it, or its rule costs too much: not again now
            else:
                extended += done


async def extend_calendar(db: Database, calendar_id: str, now: datetime) -> int | None:
    """Extend the series of one calendar that are short; None when that is not for this process to do now."""
    extended = 0
    async with open_upkeep(db, calendar_id, now) as write:
        if write is None:
            return None
        params = {"calendar_id": calendar_id, "before": now + EXTEND_WHEN_SHORT, "limit": _SERIES_A_LOCK}
        rows = await write.tx.all(sql.series_short, params)
        for row in rows:
            series = event_of_row(row)
            try:
                await extend(write, series, await read_specials(write, series.id))
            except Problem as problem:
                log("upkeep.series_stuck", event_id=series.id, error=str(problem))
                return None
            extended += 1
        await keep_stored_window(write)
    return extended


async def keep_stored_window(write: Write) -> None:
    """Say on the calendar what is stored of all its series."""
    row = await write.tx.one(sql.stored_window, {"calendar_id": write.calendar.id})
    since, through = row or (None, None)
    write.calendar.stored_from, write.calendar.stored_through = since or ALWAYS, through or FOREVER
    write.close_calendar(sql.close_upkeep)


async def apply_zone_rules(db: Database, now: datetime) -> int:
    """Where stored times were computed with other zone rules than this process has: compute them anew, and log what
    moved. Returns the number of calendars looked at."""
    looked, stuck = 0, set[str]()
    while True:
        params = {"tzdata": TZDATA_VERSION, "limit": _CALENDARS_A_LOOK + len(stuck)}
        found = [row[0] for row in await db.all(sql.calendars_of_other_tzdata, params) if row[0] not in stuck]
        if not found:
            return looked
        for calendar_id in found:
            try:
                async with open_upkeep(db, calendar_id, now) as write:
                    if write is None:
                        stuck.add(calendar_id)
                        continue
                    await recompute(write)
                    write.calendar = replace(write.calendar, tzdata=TZDATA_VERSION)
                    await keep_stored_window(write)
            except Problem as problem:
                log("upkeep.calendar_stuck", calendar_id=calendar_id, error=str(problem))
                stuck.add(calendar_id)
                continue
            looked += 1
