"""The log of a calendar's mails."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from app.agents.access import admitted
from app.calendars.writing import no_such_calendar
from app.core.times import format_instant
from app.db.database import Row
from app.http.answers import json_of
from app.http.context import Context
from app.mail.sql import sql

STATUSES: Final = ("pending", "delivered", "failed")
LOGS_DEFAULT: Final = 50
LOGS_MOST: Final = 200
_NEWEST: Final = 2**62


async def list_mails(
    at: Context, key_hash: bytes, calendar_id: str, status: str | None, limit: int, before: int | None
) -> str:
    """Mails of a calendar as JSON text, the newest first, each with every attempt made at it. Each names the one
    recipient that it is for, and says nothing of what is in it but its subject."""
    rows = await at.db.all(
        sql.list_mails,
        {
            "key_hash": key_hash,
            "now": at.clock.now(),
            "calendar_id": calendar_id,
            "state": status,
            "limit": limit,
            "before": _NEWEST if before is None else before,
        },
    )
    admitted(rows[0] if rows else None)
    if rows[0][3] is None:
        raise no_such_calendar(calendar_id)
    found = [row[4:] for row in rows if row[4] is not None]
    cursor = str(found[-1][0]) if len(found) == limit else None
    return json_of({"logs": [_mail_json(row) for row in found], "next_cursor": cursor})


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
