"""Mail that waits: whose attachments could not be fetched, or that a fault of ours kept from being interpreted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final

from app.db.database import Row
from app.errors import Problem
from app.http.context import Context
from app.inbound.mail import unpacked
from app.inbound.service import LEASE, place_of_id, settle
from app.inbound.sql import sql
from app.logs import log

AT_ONCE: Final = 4  # mails under way: each may wait ten seconds for AgentMail, and no more than one holds a lock


class MailRetries:
    """A tick of the dispatcher. Attempts run beside it, since they may take seconds; those that are cut short by the
    end of the process are due again when their lease is over."""

    def __init__(self, at: Context) -> None:
        self._at = at
        self._under_way: set[asyncio.Task[None]] = set()

    async def __call__(self, now: datetime) -> tuple[int, datetime | None]:
        room = AT_ONCE - len(self._under_way)
        if room <= 0:
            return 0, None
        row = await self._at.db.one(sql.next_due, {})
        if row is None or row[0] > now:
            return 0, None if row is None else row[0]
        rows = await self._at.db.all(sql.claim_due, {"now": now, "until": now + LEASE, "limit": room})
        for claimed in rows:
            task = asyncio.create_task(self._attempt(claimed))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return len(rows), None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Ends what is under way when the block is left."""
        try:
            yield
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _attempt(self, row: Row) -> None:
        mail_id, calendar_id, content, attempts = row
        try:
            place = await place_of_id(self._at.db, calendar_id)
            if place is not None:
                with suppress(Problem):  # settle has put it off
                    await settle(self._at, place, mail_id, unpacked(content), attempts)
        except Exception as fault:
            log("inbound.retry_fault", mail_id=mail_id, error=repr(fault))
