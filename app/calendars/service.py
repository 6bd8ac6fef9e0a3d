"""Calendars: made, read, changed, rotated, removed; and the log of what changed in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from typing import Any, Final

from app.agents.access import Caller, admitted
from app.agents.service import caller_of, hold_agent
from app.calendars.schemas import CalendarCreate, CalendarUpdate, Rotate
from app.calendars.sql import sql
from app.calendars.writing import Quota, Write, no_such_calendar, open_write
from app.core.times import TZDATA_VERSION, format_instant, parse_offset
from app.db.database import Database, Transaction
from app.errors import Problem
from app.http.answers import encode, json_of
from app.http.context import Context
from app.http.preconditions import check_match
from app.ids import digest, new_id, new_secret
from app.net.urls import check_webhook_url
from app.outbox.endpoints import (
    SECRET_OVERLAP,
    Hook,
    add_own_endpoint,
    arm,
    change_own_endpoint,
    own_endpoint,
    rotate_secret,
)
from app.seal import Sealer
from app.settings import Settings

DEFAULT_OFFSETS: Final = ["-5m"]
RESEAL_BITE: Final = 200  # calendars read at once


@dataclass(frozen=True, slots=True)
class _Found:
    """A calendar as read: the columns of `get_calendar` after the caller's."""

    id: str
    name: str
    timezone: str
    feed_sealed: bytes
    inbound_sealed: bytes
    webhook_url: str | None
    webhook_offsets: list[str]
    has_webhook_secret: bool
    created_at: datetime
    updated_at: datetime
    version: int


async def create_calendar(at: Context, tx: Transaction, key_hash: bytes, fields: CalendarCreate) -> dict[str, Any]:
    """A new, empty calendar with its feed and inbound addresses. A webhook secret made here is shown this once."""
    _check(at, fields)
    now = at.clock.now()
    caller = await caller_of(tx, key_hash, now, "full")
    hold_agent(tx, caller.agent_id)
    row = await tx.one(sql.count_calendars, {"agent_id": caller.agent_id})
    Quota("calendars", at.settings.quota_calendars, row[0] if row else 0).take(1)
    calendar_id = new_id("cal")
    feed_token, inbound_token = new_secret("feed"), new_secret("inb")
    offsets = _offsets(fields)
    tx.later(
        sql.create_calendar,
        {
            "id": calendar_id,
            "agent_id": caller.agent_id,
            "name": fields.name,
            "timezone": fields.timezone,
            "feed_hash": digest(feed_token),
            "feed_sealed": _seal(at, feed_token, calendar_id, "feed"),
            "inbound_hash": digest(inbound_token),
            "inbound_sealed": _seal(at, inbound_token, calendar_id, "inbound"),
            "agentmail_key_sealed": _seal(at, fields.agentmail_api_key, calendar_id, "agentmail"),
            "webhook_offsets": offsets,
            "tzdata": TZDATA_VERSION,
            "now": now,
        },
    )
    url, secret = fields.webhook_url, fields.webhook_secret
    made_secret = add_own_endpoint(tx, at.sealer, caller.agent_id, calendar_id, url, secret, now)
    arm(tx, [calendar_id], now)
    answer: dict[str, Any] = {
        "calendar_id": calendar_id,
        "name": fields.name,
        "timezone": fields.timezone,
        "email": calendar_email(at.settings, calendar_id),
        "ical_feed_url": feed_url(at, calendar_id, feed_token),
        "feed_token": feed_token,
        "page_url": page_url(at, calendar_id, feed_token),
        "inbound_webhook_url": inbound_url(at, inbound_token),
        "message": f"Next: POST /calendars/{calendar_id}/events with title, start and end. "
        "People subscribe to ical_feed_url, or look at page_url; keep both as secret as the calendar.",
    }
    if fields.webhook_url is not None:
        answer |= {"webhook_url": fields.webhook_url, "webhook_offsets": offsets}
    if made_secret is not None:
        answer["webhook_secret"] = made_secret
    return answer


async def list_calendars(at: Context, key_hash: bytes) -> dict[str, Any]:
    rows = await at.db.all(sql.list_calendars, {"key_hash": key_hash, "now": at.clock.now()})
    caller = admitted(rows[0] if rows else None)
    found = [_Found(*row[3:]) for row in rows if row[3] is not None]
    return {"calendars": [_calendar(at, calendar, caller) for calendar in found]}


async def get_calendar(at: Context, key_hash: bytes, calendar_id: str) -> dict[str, Any]:
    row = await at.db.one(sql.get_calendar, {"key_hash": key_hash, "now": at.clock.now(), "calendar_id": calendar_id})
    caller = admitted(row)
    assert row is not None
    if row[3] is None:
        raise no_such_calendar(calendar_id)
    return _calendar(at, _Found(*row[3:]), caller)


async def update_calendar(
    at: Context, tx: Transaction, key_hash: bytes, calendar_id: str, fields: CalendarUpdate, condition: str | None
) -> dict[str, Any]:
    """Changes what was given and logs `calendar.updated`. A new zone is for what is written afterwards; all-day
    events keep their dates. `condition` is an If-Match header; raises `precondition_failed` when it is stale."""
    given = fields.model_fields_set
    if not given:
        raise Problem(
            "nothing_to_change",
            "Nothing was given to change.",
            hint="Give name, timezone, webhook_url, webhook_secret, webhook_offsets or agentmail_api_key.",
        )
    if "name" in given and fields.name is None:
        raise Problem("invalid_field", "name cannot be null.", hint="Leave it out to keep it.", field="name")
    _check(at, fields)
    now = at.clock.now()
    async with open_write(at, tx, key_hash, calendar_id) as write:
        old = await _read(at, write, key_hash)
        check_match(condition, json_of(_calendar(at, old, write.caller)))
        endpoint = await own_endpoint(write.tx, calendar_id)
        endpoint, made_secret = change_own_endpoint(write.tx, at.sealer, endpoint, _hook(fields), now)
        new = replace(
            old,
            name=fields.name or old.name,
            timezone=fields.timezone or old.timezone,
            webhook_url=endpoint.url,
            webhook_offsets=_offsets(fields) if "webhook_offsets" in given else old.webhook_offsets,
            has_webhook_secret=endpoint.secret_sealed is not None,
            updated_at=now,
            version=write.next_seq,
        )
        write.tx.later(
            sql.update_calendar,
            {
                "calendar_id": calendar_id,
                "name": new.name,
                "timezone": new.timezone,
                "webhook_offsets": new.webhook_offsets,
                "set_agentmail": "agentmail_api_key" in given,
                "agentmail_key_sealed": _seal(at, fields.agentmail_api_key, calendar_id, "agentmail"),
                "version": new.version,
                "now": now,
            },
        )
        write.record("calendar.updated", None, _image(old), _image(new))
        if new.timezone != old.timezone:
            await at.rezone(write, new.timezone)
        answer = _calendar(at, new, write.caller)
    return answer | ({"webhook_secret": made_secret} if made_secret else {})


async def delete_calendar(
    at: Context, tx: Transaction, key_hash: bytes, calendar_id: str, condition: str | None
) -> None:
    """Removes the calendar with its events, its log and its addresses. `condition` is an If-Match header."""
    async with open_write(at, tx, key_hash, calendar_id) as write:
        if condition is not None:
            check_match(condition, json_of(_calendar(at, await _read(at, write, key_hash), write.caller)))
        write.tx.later(sql.delete_calendar, {"calendar_id": calendar_id})


async def rotate(at: Context, tx: Transaction, key_hash: bytes, calendar_id: str, fields: Rotate) -> dict[str, Any]:
    """New secrets for what is named. Old feed, page and inbound addresses die at once; the old webhook secret keeps
    verifying for 24 hours. The new values are shown this once."""
    now = at.clock.now()
    what = set(fields.what)
    feed_token = new_secret("feed") if "feed" in what else None
    inbound_token = new_secret("inb") if "inbound" in what else None
    webhook_secret: str | None = None
    async with open_write(at, tx, key_hash, calendar_id) as write:
        old = await _read(at, write, key_hash)
        if "webhook_secret" in what:
            webhook_secret = rotate_secret(write.tx, at.sealer, await own_endpoint(write.tx, calendar_id), now)
        write.tx.later(
            sql.rotate,
            {
                "calendar_id": calendar_id,
                "feed_hash": feed_token and digest(feed_token),
                "feed_sealed": _seal(at, feed_token, calendar_id, "feed"),
                "inbound_hash": inbound_token and digest(inbound_token),
                "inbound_sealed": _seal(at, inbound_token, calendar_id, "inbound"),
                "version": write.next_seq,
                "now": now,
            },
        )
        image = _image(old)
        write.record("calendar.updated", None, image, image)
    answer: dict[str, Any] = {"calendar_id": calendar_id}
    if feed_token:
        answer |= {
            "feed_token": feed_token,
            "ical_feed_url": feed_url(at, calendar_id, feed_token),
            "page_url": page_url(at, calendar_id, feed_token),
        }
    if inbound_token:
        answer["inbound_webhook_url"] = inbound_url(at, inbound_token)
    if webhook_secret:
        answer |= {
            "webhook_secret": webhook_secret,
            "previous_secret_verifies_until": format_instant(now + SECRET_OVERLAP),
        }
    return answer


async def list_changes(at: Context, key_hash: bytes, calendar_id: str, since: int, limit: int, wait: int = 0) -> str:
    """The log after `since` as JSON text. With nothing there, up to `wait` seconds pass until something is.

    Raises `gone` when that part is no longer kept. Waiting holds neither a thread nor a connection.
    """
    with at.waiters.listening(calendar_id) as changed:
        deadline = monotonic() + wait
        text, is_empty = await _read_changes(at, key_hash, calendar_id, since, limit)
        while is_empty and await changed(deadline - monotonic()):
            text, is_empty = await at.waiters.look(
                (key_hash, calendar_id, since, limit),
                lambda: _read_changes(at, key_hash, calendar_id, since, limit),
            )
        return text


async def _read_changes(at: Context, key_hash: bytes, calendar_id: str, since: int, limit: int) -> tuple[str, bool]:
    row = await at.db.one(
        sql.list_changes,
        {
            "key_hash": key_hash,
            "now": at.clock.now(),
            "calendar_id": calendar_id,
            "since": since,
            "limit": limit,
        },
    )
    admitted(row)
    assert row is not None
    found, last_seq, too_old, page = row[3:]
    if found is None:
        raise no_such_calendar(calendar_id)
    if too_old:
        raise Problem(
            "gone",
            f"Changes right after {since} are no longer kept.",
            hint=f"Read the events anew with GET /calendars/{calendar_id}/events, then go on from since={last_seq}.",
            field="since",
            extra={"last_seq": last_seq},
        )
    return f'{{"changes":[{page or ""}],"last_seq":{last_seq}}}', page is None and since >= last_seq


async def forget_changes(db: Database, before: datetime, bite: int) -> int:
    """Remove up to `bite` changes older than `before`; returns how many went."""
    return await db.run(sql.forget_changes, {"before": before, "limit": bite})


def calendar_email(settings: Settings, calendar_id: str) -> str:
    return f"cal-{calendar_id.removeprefix('cal_')}@{settings.email_domain}"


def feed_url(at: Context, calendar_id: str, token: str) -> str:
    return f"{at.public_url}/feeds/{calendar_id}.ics?token={token}"


def page_url(at: Context, calendar_id: str, token: str) -> str:
    """The calendar as a page. It shows the feed's address anyway, so one secret serves both and ends with it."""
    return f"{at.public_url}/pages/{calendar_id}?token={token}"


def inbound_url(at: Context, token: str) -> str:
    return f"{at.public_url}/inbound/{token}"


async def reseal_secrets(db: Database, sealer: Sealer) -> int:
    """Seal anew, with the present first key, what an older key sealed. Returns the number of calendars rewritten.
    A calendar rotated in between is left as it is: it carries the present key already."""
    after, rewritten = "", 0
    while rows := await db.all(sql.sealed_secrets, {"after": after, "limit": RESEAL_BITE}):
        for calendar_id, feed, inbound, agentmail in rows:
            sealed = {"feed": feed, "inbound": inbound, "agentmail": agentmail}
            if all(value is None or sealer.is_current(value) for value in sealed.values()):
                continue
            fresh = {
                name: None if value is None else sealer.seal(sealer.open(value, place), place)
                for name, value in sealed.items()
                for place in (f"{calendar_id}/{name}",)
            }
            rewritten += await db.run(
                sql.reseal, {**fresh, "id": calendar_id, "was_feed": feed, "was_inbound": inbound}
            )
        after = rows[-1][0]
    return rewritten


def _check(at: Context, fields: CalendarCreate | CalendarUpdate) -> None:
    if fields.webhook_url is not None:
        check_webhook_url(fields.webhook_url, at.settings)
    for index, offset in enumerate(fields.webhook_offsets or ()):
        try:
            parse_offset(offset)
        except Problem as problem:
            problem.field = f"webhook_offsets.{index}"
            raise


def _offsets(fields: CalendarCreate | CalendarUpdate) -> list[str]:
    """The offsets given, the first spelling of each; the default where none are."""
    if fields.webhook_offsets is None:
        return DEFAULT_OFFSETS
    return list({parse_offset(offset): offset for offset in reversed(fields.webhook_offsets)}.values())[::-1]


def _hook(fields: CalendarUpdate) -> Hook:
    given = {
        name.removeprefix("webhook_") for name in ("webhook_url", "webhook_secret") if name in fields.model_fields_set
    }
    return Hook(fields.webhook_url, fields.webhook_secret, frozenset(given))


async def _read(at: Context, write: Write, key_hash: bytes) -> _Found:
    row = await write.tx.one(
        sql.get_calendar, {"key_hash": key_hash, "now": write.now, "calendar_id": write.calendar.id}
    )
    if row is None or row[3] is None:
        raise no_such_calendar(write.calendar.id)
    return _Found(*row[3:])


def _seal(at: Context, secret: str | None, calendar_id: str, place: str) -> bytes | None:
    return None if secret is None else at.sealer.seal(secret, f"{calendar_id}/{place}")


def _calendar(at: Context, found: _Found, caller: Caller) -> dict[str, Any]:
    feed = page = inbound = None
    if caller.sees_secrets:
        token = at.sealer.open(found.feed_sealed, f"{found.id}/feed")
        feed, page = feed_url(at, found.id, token), page_url(at, found.id, token)
        inbound = inbound_url(at, at.sealer.open(found.inbound_sealed, f"{found.id}/inbound"))
    return {
        "calendar_id": found.id,
        "name": found.name,
        "timezone": found.timezone,
        "email": calendar_email(at.settings, found.id),
        "ical_feed_url": feed,
        "page_url": page,
        "inbound_webhook_url": inbound,
        "webhook_url": found.webhook_url,
        "webhook_offsets": found.webhook_offsets,
        "has_webhook_secret": found.has_webhook_secret,
        "created_at": format_instant(found.created_at),
        "updated_at": format_instant(found.updated_at),
        "etag": str(found.version),
    }


def _image(found: _Found) -> str:
    """What the log keeps of a calendar: never an address with a token in it."""
    return encode(
        {
            "calendar_id": found.id,
            "name": found.name,
            "timezone": found.timezone,
            "webhook_url": found.webhook_url,
            "webhook_offsets": found.webhook_offsets,
        }
    ).decode()
