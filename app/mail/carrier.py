"""Sending the mails that are owed, and what follows from a mail server's answer."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Final

from app.clock import Clock
from app.core.times import format_instant
from app.db.database import Database
from app.http.answers import json_of
from app.mail.agent_smtp import AgentSmtp, smtp_of_agent
from app.mail.owing import Owed, admit, owed_from_json, owed_to_json
from app.mail.sql import sql
from app.mail.transport import Transports, Way
from app.net.sending import Failed, Sent
from app.outbox.model import Delivery, Outcome

WAITS: Final = (
    timedelta(seconds=10), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(minutes=30),
    timedelta(hours=1), *[timedelta(hours=2)] * 12,
)  # fmt: skip
"""Between attempts; contract: Mail out."""


class MailCarrier:
    """A mail is never handed in again once a server has said that it took it. A server whose answer is lost may have
    taken it: the second copy has the same Message-ID."""

    def __init__(self, db: Database, clock: Clock, transports: Transports) -> None:
        self._db, self._clock, self._transports = db, clock, transports

    def is_ordered(self, delivery: Delivery) -> bool:
        """First attempts go in the order in which the mails were owed."""
        return delivery.attempts == 0

    async def attempt(self, delivery: Delivery) -> Outcome:
        assert delivery.mail is not None
        owed = owed_from_json(delivery.mail)
        own = await smtp_of_agent(self._db, delivery.agent_id)
        way = self._transports.way(own)
        if own is None and way is not None and not owed.counted and not await self._count(delivery, owed):
            return Outcome("failed", "over_limit", attempted=False)
        now, began = self._clock.now(), time.perf_counter()
        outcome = await self._send(owed, own, now)
        entry = _entry(now, time.perf_counter() - began, way, outcome)
        if isinstance(outcome, Sent):
            return Outcome("delivered", log=entry)
        if outcome.permanent:
            return Outcome("failed", "refused", log=entry)
        if delivery.attempts >= len(WAITS):
            return Outcome("failed", "exhausted", log=entry)
        return Outcome("pending", due_at=self._clock.now() + WAITS[delivery.attempts], log=entry)

    async def _send(self, owed: Owed, own: AgentSmtp | None, now: datetime) -> Sent | Failed:
        try:
            return await self._transports.send(owed.mail, own, now)
        except ValueError as fault:  # an address to send from that is none
            return Failed(False, None, f"The mail cannot be written: {fault}", configuration=True)

    async def _count(self, delivery: Delivery, owed: Owed) -> bool:
        """A mail that was owed to go over the agent's own server, which is gone, counts when it goes over another."""
        async with self._db.transaction() as tx:
            addresses = [owed.mail.recipient.address]
            (within,) = await admit(tx, self._transports.settings, delivery.agent_id, addresses, self._clock.now())
            if within:
                counted = owed_to_json(Owed(owed.mail, True, owed.about))
                tx.later(
                    sql.note_counted,
                    {"position": delivery.position, "owed_at": delivery.owed_at, "mail": counted},
                )
        return within


def _entry(at: datetime, seconds: float, way: Way | None, outcome: Sent | Failed) -> str:
    """An attempt as the log has it, in the form of a webhook's."""
    is_sent = isinstance(outcome, Sent)
    return json_of(
        {
            "at": format_instant(at),
            "ms": round(seconds * 1000, 1),
            "status_code": None if isinstance(outcome, Sent) else outcome.code,
            "error": None if is_sent else outcome.message,
            "response": outcome.message if is_sent else "",
            "via": way,
        }
    )
