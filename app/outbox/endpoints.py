"""Where webhooks go. Each calendar's own address is one of the endpoints, made along with the calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from app.db.database import Database, Row, Transaction
from app.ids import new_id, new_secret
from app.logs import log
from app.outbox.signing import signing_key
from app.outbox.sql import sql
from app.seal import Sealer

SECRET_OVERLAP: Final = timedelta(hours=24)  # contract: Calendars, rotate
RESEAL_BITE: Final = 200  # endpoints read at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A row. `types` and `calendars` are None for all of them; a calendar's own endpoint may have no url."""

    id: str
    agent_id: str
    calendar_id: str | None = None
    url: str | None
    types: list[str] | None = None
    calendars: list[str] | None = None
    secret_sealed: bytes | None
    active: bool = True
    disabled_reason: str | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def sealing_place(self) -> str:
        return sealing_place(self.calendar_id or self.id)


_NAMES: Final = (
    "id", "agent_id", "calendar_id", "url", "types", "calendars", "secret_sealed", "active", "disabled_reason",
    "created_at", "updated_at",
)  # fmt: skip


def endpoint_of_row(row: Row) -> Endpoint:
    """From the columns of `get_endpoint` behind the caller's."""
    return Endpoint(**dict(zip(_NAMES, row, strict=True)))


def sealing_place(owner: str) -> str:
    """What a webhook secret's seal is bound to; `owner` is the calendar whose own endpoint it is, else the endpoint."""
    return f"{owner}/webhook_secret"


def seal_secret(sealer: Sealer, owner: str, secret: str) -> bytes:
    """Raises `invalid_field` where the secret cannot be signed with."""
    signing_key(secret)
    return sealer.seal(secret, sealing_place(owner))


def add_endpoint(tx: Transaction, endpoint: Endpoint) -> None:
    """Store an endpoint with its lane."""
    params = {name: getattr(endpoint, name) for name in _NAMES if name != "updated_at"}
    tx.later(sql.add_endpoint, params | {"now": endpoint.created_at})


def add_own_endpoint(
    tx: Transaction, sealer: Sealer, agent_id: str, calendar_id: str, url: str | None, secret: str | None, now: datetime
) -> str | None:
    """The endpoint every calendar has. Returns the secret that was made for an url without one."""
    made = new_secret("whsec") if url is not None and secret is None else None
    kept = secret or made
    add_endpoint(
        tx,
        Endpoint(
            id=new_id("whe"),
            agent_id=agent_id,
            calendar_id=calendar_id,
            url=url,
            secret_sealed=None if kept is None else seal_secret(sealer, calendar_id, kept),
            created_at=now,
            updated_at=now,
        ),
    )
    return made


async def own_endpoint(tx: Transaction, calendar_id: str) -> Endpoint:
    """A calendar's own endpoint, under the calendar's lock."""
    row = await tx.one(sql.endpoint_of_calendar, {"calendar_id": calendar_id})
    assert row is not None
    return endpoint_of_row(row)


def change_endpoint(tx: Transaction, new: Endpoint, old: Endpoint, now: datetime) -> None:
    """Store an endpoint's new state. Another address, or being activated again, begins its record anew; what was owed
    to an address that is gone, or to an endpoint that is switched off, is given up."""
    starts_anew = new.url != old.url or (new.active and not old.active)
    params: dict[str, Any] = {name: getattr(new, name) for name in _NAMES}
    tx.later(sql.update_endpoint, params | {"now": now, "starts_anew": starts_anew})
    if new.url is None and old.url is not None:
        tx.later(sql.abandon, {"lane": new.id, "reason": "removed", "now": now})
    elif old.active and not new.active:
        tx.later(sql.abandon, {"lane": new.id, "reason": "disabled", "now": now})


@dataclass(frozen=True, slots=True)
class Hook:
    """What a calendar's PATCH says of its own endpoint; `given` names the members it has, null ones too."""

    url: str | None
    secret: str | None
    given: frozenset[str]


def change_own_endpoint(
    tx: Transaction, sealer: Sealer, old: Endpoint, hook: Hook, now: datetime
) -> tuple[Endpoint, str | None]:
    """The endpoint as it is now, and the secret that was made where an url has none. Saying an url switches an endpoint
    on again that was disabled."""
    assert old.calendar_id is not None
    url_given, secret_given = "url" in hook.given, "secret" in hook.given
    url = hook.url if url_given else old.url
    needs_secret = url is not None and hook.secret is None and (secret_given or old.secret_sealed is None)
    made = new_secret("whsec") if needs_secret else None
    sealed, secret = old.secret_sealed, hook.secret or made
    if secret is not None:
        sealed = seal_secret(sealer, old.calendar_id, secret)
    elif secret_given:
        sealed = None
    new = replace(old, url=url, secret_sealed=sealed, updated_at=now)
    if url_given:
        new = replace(new, active=True, disabled_reason=None)
    if new != old:
        change_endpoint(tx, new, old, now)
    return new, made


def rotate_secret(tx: Transaction, sealer: Sealer, endpoint: Endpoint, now: datetime) -> str:
    """A new secret; the one before signs beside it for 24 hours."""
    secret = new_secret("whsec")
    tx.later(
        sql.rotate_secret,
        {
            "id": endpoint.id,
            "secret_sealed": seal_secret(sealer, endpoint.calendar_id or endpoint.id, secret),
            "previous_until": now + SECRET_OVERLAP,
            "now": now,
        },
    )
    return secret


def remove_endpoint(tx: Transaction, endpoint: Endpoint, now: datetime) -> None:
    tx.later(sql.delete_endpoint, {"id": endpoint.id})  # its lane first, in the order of `settle`
    tx.later(sql.abandon, {"lane": endpoint.id, "reason": "removed", "now": now})


async def switch_off(db: Database, endpoint_id: str, reason: str, now: datetime) -> None:
    """Call an endpoint no more, and give up what waits for it: under the locks of the calendars it hears of, so that no
    write that is under way owes it something afterwards."""
    async with db.transaction() as tx:
        row = await tx.one(sql.scope_of_endpoint, {"id": endpoint_id})
        if row is None:
            return
        await lock_calendars(tx, *row)
        tx.later(sql.disable_endpoint, {"id": endpoint_id, "reason": reason, "now": now})
        tx.later(sql.abandon, {"lane": endpoint_id, "reason": "disabled", "now": now})
    log("endpoint.disabled", endpoint_id=endpoint_id, reason=reason)


async def lock_calendars(tx: Transaction, agent_id: str, calendars: Sequence[str] | None) -> list[str]:
    """The calendars an endpoint of the agent hears of, locked before it changes: no write of theirs is under way then,
    and none misses what it becomes. None for all the agent has."""
    params = {"agent_id": agent_id, "calendars": None if calendars is None else list(calendars)}
    return [row[0] for row in await tx.all(sql.lock_calendars_of, params)]


def arm(tx: Transaction, calendar_ids: Sequence[str], now: datetime) -> None:
    """Look anew when reminders of these calendars, which are locked, are due."""
    if calendar_ids:
        tx.later(sql.arm, {"calendars": list(calendar_ids), "now": now})


async def reseal_endpoints(db: Database, sealer: Sealer) -> int:
    """Seal anew, with the present first key, what an older key sealed. Returns the number of endpoints rewritten."""
    after, rewritten = "", 0
    while rows := await db.all(sql.sealed_endpoints, {"after": after, "limit": RESEAL_BITE}):
        for endpoint_id, owner, secret, previous in rows:
            if all(value is None or sealer.is_current(value) for value in (secret, previous)):
                continue
            place = sealing_place(owner)
            fresh = [
                None if value is None else sealer.seal(sealer.open(value, place), place) for value in (secret, previous)
            ]
            params = {"id": endpoint_id, "was": secret, "secret": fresh[0], "previous": fresh[1]}
            rewritten += await db.run(sql.reseal_endpoint, params)
        after = rows[-1][0]
    return rewritten
