"""Calling an endpoint once, at once, to see whether it listens."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from app.agents.access import admitted
from app.calendars.writing import no_such_calendar
from app.db.database import Row, Transaction
from app.errors import Problem
from app.http.context import Context
from app.ids import new_id
from app.outbox.model import Delivery
from app.outbox.sql import sql
from app.webhooks.messages import TEST
from app.webhooks.sending import Sent, WebhookCarrier
from app.webhooks.service import no_such_endpoint

AT_ONCE: Final = 3  # test calls under way in a process: each keeps a connection, for the whole time limit perhaps
turn: Final = asyncio.Semaphore(AT_ONCE)
"""To be held around a test call, from before its transaction on."""


async def test_calendar(at: Context, tx: Transaction, key_hash: bytes, calendar_id: str) -> dict[str, Any]:
    """Call a calendar's own address. Raises `invalid_field` where it has none."""
    row = await _whom(at, tx, key_hash, calendar_id, None)
    if row[3] is None:
        raise no_such_calendar(calendar_id)
    if row[6] is None:
        raise Problem(
            "invalid_field",
            "This calendar has no webhook_url to call.",
            hint=f"Set one with PATCH /calendars/{calendar_id}.",
            field="webhook_url",
        )
    return await _call(at, tx, row)


async def test_endpoint(at: Context, tx: Transaction, key_hash: bytes, endpoint_id: str) -> dict[str, Any]:
    """Call any endpoint, a disabled one too. Raises `not_found`."""
    row = await _whom(at, tx, key_hash, None, endpoint_id)
    if row[6] is None:
        raise no_such_endpoint(endpoint_id)
    return await _call(at, tx, row)


async def _whom(at: Context, tx: Transaction, key_hash: bytes, calendar_id: str | None, endpoint_id: str | None) -> Row:
    params = {"key_hash": key_hash, "now": at.clock.now(), "calendar_id": calendar_id, "endpoint_id": endpoint_id}
    row = await tx.one(sql.endpoint_to_call, params)
    admitted(row, "full")
    assert row is not None
    return row


async def _call(at: Context, tx: Transaction, row: Row) -> dict[str, Any]:
    agent_id, _, _, lane, calendar_id, url, secret, previous, previous_until = row[1:]
    delivery_id, now = new_id("dlv"), at.clock.now()
    delivery = Delivery(
        kind="webhook", lane=lane, position=0, id=delivery_id, agent_id=agent_id, calendar_id=calendar_id, type=TEST,
        event_id=None, seq=None, offset=None, fires_at=None, event=None, attempts=0, created_at=now, changed_at=None,
        before=None, after=None, stands=True, url=url, owner=calendar_id or lane, secret_sealed=secret,
        previous_sealed=previous, previous_until=previous_until, is_failing=False, mail=None, owed_at=now,
    )  # fmt: skip
    sent, _ = await WebhookCarrier(at.http_client, at.sealer, at.clock).send(delivery)
    tx.later(
        sql.record_test,
        {
            "id": delivery_id,
            "lane": lane,
            "agent_id": agent_id,
            "calendar_id": calendar_id,
            "state": "delivered" if sent.succeeded else "failed",
            "reason": None if sent.succeeded else "test",
            "now": now,
            "log": sent.as_json(),
        },
    )
    return {
        "success": sent.succeeded,
        "status_code": sent.status,
        "webhook_url": url,
        "message": _in_words(sent),
        "delivery_id": delivery_id,
    }


def _in_words(sent: Sent) -> str:
    if sent.succeeded:
        return f"The endpoint answered {sent.status}."
    if sent.status is not None:
        return f"The endpoint answered {sent.status}, which counts as a failure; a 2xx is what counts as success."
    return sent.error or "No answer came."
