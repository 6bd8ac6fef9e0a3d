"""What was sent, what waits, what failed; and sending it again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from app.calendars.delivery_logs import log_page
from app.calendars.writing import open_write
from app.core.times import format_instant
from app.db.database import Row, Transaction
from app.errors import Problem
from app.http.answers import json_of
from app.http.context import Context
from app.outbox.sql import sql
from app.webhooks.schemas import Replay
from app.webhooks.sending import REMINDER_LIFE

STATUSES: Final = ("pending", "delivered", "failed")
LOGS_DEFAULT: Final = 50
LOGS_MOST: Final = 200
REPLAY_MOST: Final = 2_000  # changes owed anew in one request
MAIL: Final = "mail."  # how types of mails begin, which go to no endpoint


def delivery_json(row: Sequence[Any]) -> dict[str, Any]:
    """From the columns of `list_deliveries` behind the calendar's."""
    (
        _,
        id_,
        lane,
        type_,
        event_id,
        seq,
        offset,
        fires_at,
        state,
        reason,
        _,
        due_at,
        created_at,
        ended_at,
        log,
    ) = row
    return {
        "id": id_,
        "endpoint_id": None if type_.startswith(MAIL) else lane,
        "type": type_,
        "event_id": event_id,
        "seq": seq,
        "offset": offset,
        "fires_at": None if fires_at is None else format_instant(fires_at),
        "status": state,
        "reason": reason,
        "next_attempt_at": format_instant(due_at) if state == "pending" else None,
        "created_at": format_instant(created_at),
        "ended_at": None if ended_at is None else format_instant(ended_at),
        "attempts": [msgspec.Raw(entry.encode()) for entry in log],
    }


async def list_logs(
    at: Context, key_hash: bytes, calendar_id: str, status: str | None, limit: int, before: int | None
) -> str:
    """Deliveries of a calendar as JSON text, the newest first, each with every attempt made at it."""
    return await log_page(at, sql.list_deliveries, delivery_json, key_hash, calendar_id, status, limit, before)


async def retry(at: Context, tx: Transaction, key_hash: bytes, calendar_id: str, delivery_id: str) -> str:
    """A new round of attempts for one delivery, a message or a mail, beginning now. Raises `conflict` where nobody can
    be called, or a mail has left."""
    async with open_write(at, tx, key_hash, calendar_id) as write:
        params = {
            "id": delivery_id,
            "calendar_id": calendar_id,
            "agent_id": write.caller.agent_id,
            "now": write.now,
        }
        row = await tx.one(sql.lane_of_delivery, params)
        if row is None:
            raise Problem(
                "not_found",
                f"There is no delivery {delivery_id[:40]} in this calendar.",
                hint=f"GET /calendars/{calendar_id}/webhook-logs and /email-logs list them.",
            )
        _check_can_be_sent(row)
        fires_at = row[4]
        if fires_at is not None and write.now >= fires_at + REMINDER_LIFE:
            raise Problem("conflict", "This reminder's moment is more than an hour past, so it is of no more use.")
        await tx.one(sql.owe_once_more, params)
        tx.wakes_dispatchers = True
        found = await tx.one(sql.get_delivery, params)
        assert found is not None
        return json_of(delivery_json(found))


async def replay(at: Context, tx: Transaction, key_hash: bytes, calendar_id: str, fields: Replay) -> str:
    """Owe the changes after `since` anew, to every endpoint that wants them now: under the ids they had, so that who
    has one already can tell. Goes as far as `through`."""
    async with open_write(at, tx, key_hash, calendar_id) as write:
        through = min(write.calendar.seq, fields.since + REPLAY_MOST)
        params = {
            "agent_id": write.caller.agent_id,
            "calendar_id": calendar_id,
            "since": fields.since,
            "through": through,
            "now": write.now,
        }
        row = await tx.one(sql.owe_again, params)
        assert row is not None
        tx.wakes_dispatchers = True
        return json_of({"replayed": row[0], "through": through, "last_seq": write.calendar.seq})


def _check_can_be_sent(row: Row) -> None:
    state, has_lane, is_active, is_mail = row[1], row[2], row[3], row[5]
    if is_mail:
        if state == "delivered":
            raise Problem(
                "conflict",
                "A mail server has taken this mail, so it is not sent again.",
                hint="Whoever looks for it may find it among what was taken for junk.",
            )
        return
    if not has_lane:
        raise Problem("conflict", "The webhook this was for has been removed.", hint="Make it anew, then replay.")
    if not is_active:
        raise Problem(
            "conflict",
            "The webhook this is for is switched off.",
            hint="PATCH /webhooks/:id with active: true, then try again.",
        )
