"""Agents and their keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.agents.access import Caller, Scope, admitted
from app.agents.schemas import AgentFields, KeyCreate
from app.core.times import format_instant, parse_time
from app.db.database import Database, Reader, Transaction
from app.db.queries import load
from app.errors import Problem
from app.ids import digest, new_id, new_secret

sql: Final = load(__file__)
_PREFIX_LENGTH: Final = 14  # `sk_live_` and six characters: enough to tell keys apart, far too few to guess one


async def caller_of(db: Reader, key_hash: bytes, now: datetime, scope: Scope = "read") -> Caller:
    """The living key behind `key_hash`. Raises `unauthorized` or `scope_missing`."""
    return admitted(await db.one(sql.agent_of_key, {"key_hash": key_hash, "now": now}), scope)


async def create_agent(db: Database, fields: AgentFields, now: datetime) -> dict[str, Any]:
    """A new agent with its first key, which is shown this once."""
    agent_id, secret = new_id("agt"), new_secret("sk_live")
    await db.run(
        sql.create_agent,
        {
            "agent_id": agent_id,
            "name": fields.name,
            "description": fields.description,
            "key_id": new_id("key"),
            "hash": digest(secret),
            "prefix": secret[:_PREFIX_LENGTH],
            "now": now,
        },
    )
    answer = {
        "agent_id": agent_id,
        "api_key": secret,
        "message": "Keep this api_key: it is shown once. Next: POST /calendars with 'Authorization: Bearer <api_key>'.",
    }
    given = {"name": fields.name, "description": fields.description}
    return answer | {name: value for name, value in given.items() if value is not None}


async def get_agent(db: Database, key_hash: bytes, now: datetime) -> dict[str, Any]:
    row = await db.one(sql.agent_of_key, {"key_hash": key_hash, "now": now})
    caller = admitted(row)
    assert row is not None
    return _agent(caller.agent_id, *row[3:7])


async def update_agent(db: Database, key_hash: bytes, fields: AgentFields, now: datetime) -> dict[str, Any]:
    """Changes what was given; null clears. Raises `nothing_to_change` for an empty body."""
    caller = await caller_of(db, key_hash, now, "full")
    given = fields.model_fields_set
    if not given:
        raise Problem("nothing_to_change", "Nothing was given to change.", hint="Give name or description.")
    row = await db.one(
        sql.update_agent,
        {
            "agent_id": caller.agent_id,
            "set_name": "name" in given,
            "name": fields.name,
            "set_description": "description" in given,
            "description": fields.description,
            "now": now,
        },
    )
    assert row is not None
    return _agent(caller.agent_id, *row)


async def delete_agent(db: Database, key_hash: bytes, confirm: str | None, now: datetime) -> None:
    """Removes the agent, its keys, its calendars and everything in them."""
    caller = await caller_of(db, key_hash, now, "full")
    if confirm != caller.agent_id:
        raise Problem(
            "confirmation_required",
            "This removes the agent with all its keys, calendars and events, and cannot be undone.",
            hint=f"Repeat it with ?confirm={caller.agent_id}.",
            field="confirm",
        )
    await db.run(sql.delete_agent, {"agent_id": caller.agent_id})


async def create_key(tx: Transaction, key_hash: bytes, fields: KeyCreate, now: datetime) -> dict[str, Any]:
    """Another key of the agent. A key may only be made by a `full` one, so no scope can widen itself."""
    caller = await caller_of(tx, key_hash, now, "full")
    expires_at = _expiry(fields.expires_at, now)
    key_id, secret = new_id("key"), new_secret("sk_live")
    tx.later(
        sql.create_key,
        {
            "key_id": key_id,
            "agent_id": caller.agent_id,
            "hash": digest(secret),
            "prefix": secret[:_PREFIX_LENGTH],
            "name": fields.name,
            "scope": fields.scope,
            "now": now,
            "expires_at": expires_at,
        },
    )
    row = (key_id, fields.name, fields.scope, secret[:_PREFIX_LENGTH], now, expires_at)
    return {"key_id": key_id, "api_key": secret} | _key(*row)


async def list_keys(db: Database, key_hash: bytes, now: datetime) -> dict[str, Any]:
    caller = await caller_of(db, key_hash, now)
    rows = await db.all(sql.list_keys, {"agent_id": caller.agent_id})
    return {"keys": [_key(*row[:6]) | {"last_used_at": _stamp(row[6])} for row in rows]}


async def delete_key(db: Database, key_hash: bytes, key_id: str, now: datetime) -> None:
    """Revokes a key at once and everywhere. The last living `full` key stays: without it the agent were locked out."""
    caller = await caller_of(db, key_hash, now, "full")
    async with db.transaction() as tx:
        keys = await tx.all(sql.lock_keys, {"agent_id": caller.agent_id})
        if key_id not in {row[0] for row in keys}:
            raise Problem("not_found", f"There is no key {key_id[:40]}.", hint="GET /agents/keys lists them.")
        remaining = [row for row in keys if row[0] != key_id and row[1] == "full" and (row[2] is None or row[2] > now)]
        if not remaining:
            raise Problem(
                "conflict",
                "This is the agent's last key of scope full; without it nobody could reach the agent again.",
                hint="Make another with POST /agents/keys first, or remove the agent with DELETE /agents/me.",
            )
        tx.later(sql.delete_key, {"agent_id": caller.agent_id, "key_id": key_id})


async def mark_keys_used(db: Database, used: Mapping[bytes, datetime]) -> None:
    """When keys were last used, by the digests of their secrets."""
    await db.run(sql.mark_keys_used, {"hashes": list(used), "times": list(used.values())})


def _expiry(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    try:
        parsed = parse_time(text)
    except Problem as problem:
        raise problem.at("expires_at") from None
    if not isinstance(parsed, datetime) or parsed.tzinfo is None:
        raise Problem(
            "invalid_time",
            "expires_at must be an instant with an offset.",
            hint="For example 2027-01-31T12:00:00Z.",
            field="expires_at",
        )
    if parsed <= now:
        raise Problem("invalid_field", "expires_at lies in the past.", field="expires_at")
    return parsed


def _agent(
    agent_id: str, name: str | None, description: str | None, created_at: datetime, has_smtp: bool
) -> dict[str, Any]:
    return {
        "agent_id": agent_id,
        "name": name,
        "description": description,
        "smtp_configured": has_smtp,
        "created_at": format_instant(created_at),
    }


def _key(
    key_id: str,
    name: str | None,
    scope: str,
    prefix: str,
    created_at: datetime,
    expires_at: datetime | None,
) -> dict[str, Any]:
    return {
        "key_id": key_id,
        "name": name,
        "scope": scope,
        "prefix": prefix,
        "created_at": format_instant(created_at),
        "expires_at": _stamp(expires_at),
    }


def _stamp(at: datetime | None) -> str | None:
    return None if at is None else format_instant(at)


def hold_agent(tx: Transaction, agent_id: str) -> None:
    """From the next statement until `tx` ends nobody else holds the agent."""
    tx.later(sql.hold_agent, {"agent_id": agent_id})
