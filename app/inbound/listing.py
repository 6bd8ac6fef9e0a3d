"""What came in, for the agent; and interpreting one of it again."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from app.agents.access import admitted
from app.calendars.writing import FOREVER, no_such_calendar
from app.core.times import format_instant
from app.db.database import Transaction
from app.errors import Problem
from app.http.answers import json_of
from app.http.context import Context
from app.inbound.agentmail import NotFetched
from app.inbound.answering import answer_of, ignored
from app.inbound.interpreting import interpret, is_ignored
from app.inbound.mail import unpacked
from app.inbound.service import Place, with_attachments
from app.inbound.sql import sql

STATUSES: Final = ("created", "updated", "cancelled", "ignored", "waiting", "failed")
MAILS_DEFAULT: Final = 50
MAILS_MOST: Final = 200
_CURSOR_MOST: Final = 200  # characters of a cursor
_Cursor = tuple[datetime, str]


class _Event(msgspec.Struct):
    event_id: str | None = None


class _Answer(_Event):
    status: str | None = None
    reason: str | None = None
    code: str | None = None
    events: tuple[_Event, ...] = ()


_answer = msgspec.json.Decoder(_Answer).decode
_cursor = msgspec.json.Decoder(_Cursor).decode


async def list_mails(
    at: Context, key_hash: bytes, calendar_id: str, status: str | None, limit: int, cursor: str | None
) -> str:
    """A page of the calendar's mails as JSON text, the newest first."""
    before_at, before_id = (FOREVER, "") if cursor is None else _read_cursor(cursor)
    rows = await at.db.all(
        sql.list_mails,
        {
            "key_hash": key_hash,
            "now": at.clock.now(),
            "calendar_id": calendar_id,
            "status": status,
            "before_at": before_at,
            "before_id": before_id,
            "limit": limit,
        },
    )
    admitted(rows[0] if rows else None)
    if rows[0][3] is None:
        raise no_such_calendar(calendar_id)
    found = [row[4:] for row in rows if row[4] is not None]
    more = _cursor_text(found[-1][1], found[-1][0]) if len(found) == limit else None
    return json_of({"mails": [_mail(row) for row in found], "next_cursor": more})


async def retry(at: Context, tx: Transaction, key_hash: bytes, calendar_id: str, mail_id: str) -> str:
    """Interpret a mail now that did nothing so far; returns it as it is listed. Raises `conflict` for one that did
    something: that is done."""
    params = {"key_hash": key_hash, "now": at.clock.now(), "calendar_id": calendar_id, "id": mail_id}
    row = await tx.one(sql.mail_to_retry, params)
    admitted(row, "full")
    assert row is not None
    here, zone, key_sealed, state, answer, content = row[3:]
    if here is None:
        raise no_such_calendar(calendar_id)
    if state is None:
        raise Problem(
            "not_found",
            f"There is no mail {mail_id[:40]} in this calendar.",
            hint=f"GET /calendars/{calendar_id}/inbound lists them.",
        )
    if state == "done" and not is_ignored(answer):
        raise Problem("conflict", "This mail was interpreted already, and did what it says.")
    mail, place = unpacked(content), Place(calendar_id, zone, key_sealed)
    try:
        whole = await with_attachments(at, place, mail)
    except NotFetched as why:
        text = answer_of([ignored(why.code, str(why))])
        await tx.one(sql.note_failure, {"calendar_id": calendar_id, "id": mail_id, "answer": text})
    else:
        await interpret(at, tx, calendar_id, mail_id, whole, zone, again=True, keep=whole is not mail, by_parts=True)
    found = await tx.one(sql.get_mail, {"id": mail_id, "calendar_id": calendar_id})
    if found is None:
        raise no_such_calendar(calendar_id)
    return json_of(_mail(found))


def _mail(row: Sequence[Any]) -> dict[str, Any]:
    """From the columns of `get_mail`."""
    id_, received_at, provider, message_id, sender, subject, state, answer, attempts, due_at, check = row
    told = _Answer() if answer is None else _answer(answer)
    events = [each.event_id for each in told.events or (told,)]
    return {
        "id": id_,
        "received_at": format_instant(received_at),
        "provider": provider,
        "message_id": message_id,
        "from": sender,
        "subject": subject,
        "status": told.status if state == "done" else state,
        "reason": told.reason,
        "code": told.code,
        "attempts": attempts,
        "next_attempt_at": None if due_at is None else format_instant(due_at),
        "event_ids": list(dict.fromkeys(each for each in events if each is not None)),
        "sender_check": msgspec.Raw(check.encode()),
    }


def _cursor_text(at: datetime, mail_id: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((at, mail_id))).decode().rstrip("=")


def _read_cursor(text: str) -> _Cursor:
    try:
        at, mail_id = _cursor(base64.urlsafe_b64decode(text[:_CURSOR_MOST] + "=="))
        if at.tzinfo is None:
            raise ValueError
    except (ValueError, msgspec.MsgspecError):
        raise Problem(
            "invalid_field",
            "cursor is not one that this service gave out.",
            hint="Use next_cursor of the page before, unchanged.",
            field="cursor",
        ) from None
    return at, mail_id
