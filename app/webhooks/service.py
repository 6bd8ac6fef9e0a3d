"""Endpoints of an agent: made, read, changed, removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from app.agents.access import Caller, Scope, admitted
from app.agents.service import caller_of, hold_agent
from app.calendars.schemas import CalendarUpdate
from app.calendars.service import update_calendar
from app.calendars.writing import Quota
from app.core.times import format_instant
from app.db.database import Reader, Transaction
from app.errors import Problem
from app.http.context import Context
from app.ids import new_id, new_secret
from app.net.urls import check_webhook_url
from app.outbox import endpoints as outbox
from app.outbox.endpoints import Endpoint, endpoint_of_row, seal_secret
from app.outbox.sql import sql
from app.webhooks.schemas import EndpointCreate, EndpointUpdate

ENDPOINTS_MOST: Final = 100  # of an agent, its calendars' own ones not counted: each write looks at all of them


def endpoint_json(endpoint: Endpoint) -> dict[str, Any]:
    """As the wire has it: never with its secret. Of a calendar's own endpoint `calendars` is that calendar."""
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "types": endpoint.types,
        "calendars": endpoint.calendars if endpoint.calendar_id is None else [endpoint.calendar_id],
        "is_own_of_calendar": endpoint.calendar_id is not None,
        "active": endpoint.active,
        "disabled_reason": endpoint.disabled_reason,
        "created_at": format_instant(endpoint.created_at),
        "updated_at": format_instant(endpoint.updated_at),
    }


def no_such_endpoint(endpoint_id: str) -> Problem:
    return Problem("not_found", f"There is no webhook {endpoint_id[:40]}.", hint="GET /webhooks lists yours.")


async def list_endpoints(at: Context, key_hash: bytes) -> dict[str, Any]:
    rows = await at.db.all(sql.list_endpoints, {"key_hash": key_hash, "now": at.clock.now()})
    admitted(rows[0] if rows else None)
    return {"webhooks": [endpoint_json(endpoint_of_row(row[3:])) for row in rows if row[3] is not None]}


async def get_endpoint(at: Context, key_hash: bytes, endpoint_id: str) -> dict[str, Any]:
    return endpoint_json((await _read(at, at.db, key_hash, endpoint_id))[1])


async def create_endpoint(at: Context, tx: Transaction, key_hash: bytes, fields: EndpointCreate) -> dict[str, Any]:
    """An endpoint for all of the agent's calendars, or for some. Its secret is shown this once, where it was made
    here."""
    now = at.clock.now()
    caller = await caller_of(tx, key_hash, now, "full")
    _check_url(at, fields.url)
    hold_agent(tx, caller.agent_id)
    row = await tx.one(sql.count_endpoints, {"agent_id": caller.agent_id})
    Quota("webhooks", ENDPOINTS_MOST, row[0] if row else 0).take(1)
    await _check_calendars(tx, caller, fields.calendars)
    locked = await _quiesce(tx, caller, fields.calendars, now)
    endpoint_id, secret = new_id("whe"), fields.secret or new_secret("whsec")
    endpoint = Endpoint(
        id=endpoint_id,
        agent_id=caller.agent_id,
        url=fields.url,
        types=_once(fields.types),
        calendars=_once(fields.calendars),
        secret_sealed=_seal(at, endpoint_id, secret),
        created_at=now,
        updated_at=now,
    )
    outbox.add_endpoint(tx, endpoint)
    outbox.arm(tx, locked, now)
    tx.wakes_dispatchers = True
    return endpoint_json(endpoint) | ({"secret": secret} if fields.secret is None else {})


async def update_endpoint(
    at: Context, tx: Transaction, key_hash: bytes, endpoint_id: str, fields: EndpointUpdate
) -> dict[str, Any]:
    """Changes what was given; null for types or calendars means all. Another url, or `active`, switches on again what
    was disabled. A calendar's own endpoint keeps to its calendar."""
    given = fields.model_fields_set
    if not given:
        raise Problem("nothing_to_change", "Nothing was given to change.", hint="Give url, types, calendars or active.")
    now = at.clock.now()
    caller, old = await _open(at, tx, key_hash, endpoint_id)
    for name in ("url", "active", "secret"):
        if name in given and getattr(fields, name) is None:
            raise Problem("invalid_field", f"{name} cannot be null.", hint="Leave it out to keep it.", field=name)
    if fields.url is not None:
        _check_url(at, fields.url)
    if old.calendar_id is not None and "calendars" in given:
        raise Problem(
            "invalid_field",
            "This is the address of one calendar, whose events alone it hears of.",
            hint="POST /webhooks makes an endpoint for several calendars.",
            field="calendars",
        )
    await _check_calendars(tx, caller, fields.calendars)
    new = _changed(at, old, fields, now)
    if old.calendar_id is not None and (new.url != old.url or fields.secret is not None):
        told = CalendarUpdate(webhook_url=new.url)
        if fields.secret is not None:
            told = CalendarUpdate(webhook_url=new.url, webhook_secret=fields.secret)
        await update_calendar(at, tx, key_hash, old.calendar_id, told, None)
        old = await outbox.own_endpoint(tx, old.calendar_id)
        new = replace(new, secret_sealed=old.secret_sealed)
    locked = await _quiesce(tx, caller, _both(old, new), now)
    outbox.change_endpoint(tx, new, old, now)
    outbox.arm(tx, locked, now)
    tx.wakes_dispatchers = True
    return endpoint_json(new)


async def delete_endpoint(at: Context, tx: Transaction, key_hash: bytes, endpoint_id: str) -> None:
    """What waits for it is given up. A calendar's own endpoint goes by clearing the calendar's webhook_url."""
    now = at.clock.now()
    caller, old = await _open(at, tx, key_hash, endpoint_id)
    if old.calendar_id is not None:
        await update_calendar(at, tx, key_hash, old.calendar_id, CalendarUpdate(webhook_url=None), None)
        return
    locked = await _quiesce(tx, caller, old.calendars, now)
    outbox.remove_endpoint(tx, old, now)
    outbox.arm(tx, locked, now)


async def rotate(at: Context, tx: Transaction, key_hash: bytes, endpoint_id: str) -> dict[str, Any]:
    """A new secret, shown this once; the one before signs beside it for 24 hours."""
    now = at.clock.now()
    _, endpoint = await _open(at, tx, key_hash, endpoint_id)
    secret = outbox.rotate_secret(tx, at.sealer, endpoint, now)
    return {
        "id": endpoint.id,
        "secret": secret,
        "previous_secret_verifies_until": format_instant(now + outbox.SECRET_OVERLAP),
    }


async def _read(
    at: Context, reader: Reader, key_hash: bytes, endpoint_id: str, scope: Scope = "read"
) -> tuple[Caller, Endpoint]:
    params = {"key_hash": key_hash, "now": at.clock.now(), "endpoint_id": endpoint_id}
    row = await reader.one(sql.get_endpoint, params)
    caller = admitted(row, scope)
    assert row is not None
    if row[3] is None:
        raise no_such_endpoint(endpoint_id)
    return caller, endpoint_of_row(row[3:])


async def _open(at: Context, tx: Transaction, key_hash: bytes, endpoint_id: str) -> tuple[Caller, Endpoint]:
    """The endpoint to be changed, which nobody else changes until `tx` ends: a calendar's own under its calendar's
    lock, the others under their agent's."""
    caller, found = await _read(at, tx, key_hash, endpoint_id, "full")
    hold_agent(tx, caller.agent_id)
    if found.calendar_id is not None:
        await outbox.lock_calendars(tx, caller.agent_id, [found.calendar_id])
    return await _read(at, tx, key_hash, endpoint_id, "full")


async def _quiesce(tx: Transaction, caller: Caller, calendars: Sequence[str] | None, now: datetime) -> list[str]:
    """Lock the calendars an endpoint hears of, and put what fell due before into the outbox as things stood."""
    locked = await outbox.lock_calendars(tx, caller.agent_id, calendars)
    outbox.arm(tx, locked, now)
    return locked


def _both(old: Endpoint, new: Endpoint) -> list[str] | None:
    """The calendars that either state hears of; None for all."""
    if old.calendar_id is not None:
        return [old.calendar_id]
    if old.calendars is None or new.calendars is None:
        return None
    return [*old.calendars, *new.calendars]


def _changed(at: Context, old: Endpoint, fields: EndpointUpdate, now: datetime) -> Endpoint:
    given = fields.model_fields_set
    new = replace(old, updated_at=now)
    if fields.url is not None:
        new = replace(new, url=fields.url, active=True, disabled_reason=None)
    if "types" in given:
        new = replace(new, types=_once(fields.types))
    if "calendars" in given:
        new = replace(new, calendars=_once(fields.calendars))
    if fields.secret is not None:
        new = replace(new, secret_sealed=_seal(at, old.calendar_id or old.id, fields.secret))
    if fields.active is not None:
        reason = None if fields.active else (old.disabled_reason or "Switched off by the agent.")
        new = replace(new, active=fields.active, disabled_reason=reason)
    return new


async def _check_calendars(tx: Transaction, caller: Caller, calendars: list[str] | None) -> None:
    if calendars is None:
        return
    row = await tx.one(sql.unknown_calendars, {"calendars": calendars, "agent_id": caller.agent_id})
    unknown = row[0] if row else []
    if unknown:
        raise Problem(
            "invalid_field",
            f"There is no calendar {unknown[0][:40]}.",
            hint="GET /calendars lists yours; null means all of them.",
            field=f"calendars.{calendars.index(unknown[0])}",
        )


def _check_url(at: Context, url: str) -> None:
    try:
        check_webhook_url(url, at.settings)
    except Problem as problem:
        problem.message = problem.message.replace("webhook_url", "url", 1)
        problem.field = "url"
        raise


def _seal(at: Context, owner: str, secret: str) -> bytes:
    try:
        return seal_secret(at.sealer, owner, secret)
    except Problem as problem:
        problem.field = "secret"
        raise


def _once(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(dict.fromkeys(values))
