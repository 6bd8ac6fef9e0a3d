"""Putting messages into the outbox, in the transaction of what they tell."""

from __future__ import annotations

from datetime import datetime

from app.db.database import Transaction
from app.outbox.sql import sql


def owe_changes(tx: Transaction, agent_id: str, calendar_id: str, first_seq: int, now: datetime) -> None:
    """Owe the changes of a calendar from `first_seq` on, which this transaction logs, to every endpoint that wants
    them."""
    params = {"agent_id": agent_id, "calendar_id": calendar_id, "first_seq": first_seq, "now": now}
    tx.later(sql.owe_changes, params)
    tx.wakes_dispatchers = True
