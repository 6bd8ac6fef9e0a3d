"""A page of what a calendar is owed: messages to webhooks, or mails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from app.agents.access import admitted
from app.calendars.writing import no_such_calendar
from app.db.database import Row
from app.http.answers import json_of
from app.http.context import Context

_NEWEST: Final = 2**62


async def log_page(
    at: Context,
    statement: str,
    shown: Callable[[Row], dict[str, Any]],
    key_hash: bytes,
    calendar_id: str,
    status: str | None,
    limit: int,
    before: int | None,
) -> str:
    """`{logs, next_cursor}` as JSON text, the newest first. `statement` gives the caller and its calendar in four
    columns, then a delivery for `shown`, its position first. Raises as every read does."""
    params = {
        "key_hash": key_hash,
        "now": at.clock.now(),
        "calendar_id": calendar_id,
        "state": status,
        "limit": limit,
        "before": _NEWEST if before is None else before,
    }
    rows = await at.db.all(statement, params)
    admitted(rows[0] if rows else None)
    if rows[0][3] is None:
        raise no_such_calendar(calendar_id)
    found = [row[4:] for row in rows if row[4] is not None]
    cursor = str(found[-1][0]) if len(found) == limit else None
    return json_of({"logs": [shown(row) for row in found], "next_cursor": cursor})
