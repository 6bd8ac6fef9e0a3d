"""The log of a calendar's mails."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from app.calendars.delivery_logs import log_page
from app.core.times import format_instant
from app.db.database import Row
from app.http.context import Context
from app.mail.sql import sql

STATUSES: Final = ("pending", "delivered", "failed")
LOGS_DEFAULT: Final = 50
LOGS_MOST: Final = 200


async def list_mails(
    at: Context, key_hash: bytes, calendar_id: str, status: str | None, limit: int, before: int | None
) -> str:
    """Mails of a calendar as JSON text, the newest first, each with every attempt made at it. Each names the one
    recipient that it is for, and says nothing of what is in it but its subject."""
    return await log_page(at, sql.list_mails, _mail_json, key_hash, calendar_id, status, limit, before)


def _mail_json(row: Row) -> dict[str, Any]:
    _, id_, event_id, to, subject, method, state, reason, due_at, created_at, ended_at, log = row
    return {
        "id": id_,
        "to": to,
        "subject": subject,
        "method": method,
        "event_id": event_id,
        "status": state,
        "reason": reason,
        "next_attempt_at": format_instant(due_at) if state == "pending" else None,
        "created_at": format_instant(created_at),
        "ended_at": None if ended_at is None else format_instant(ended_at),
        "attempts": [msgspec.Raw(entry.encode()) for entry in log],
    }
