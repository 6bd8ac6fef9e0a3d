"""A mail is stored first and interpreted after, and answered with what that did.

Whatever happens in between, it is there: the same mail delivered again goes on where the first left off, and so does a
tick of the dispatcher (`retries`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from app.db.database import Database, Row
from app.errors import Problem
from app.http.context import Context
from app.ids import digest, new_id
from app.inbound.agentmail import AgentMail, NotFetched
from app.inbound.answering import Outcome, answer_of, ignored, together
from app.inbound.interpreting import interpret
from app.inbound.mail import Mail, packed
from app.inbound.senders import sender_check
from app.inbound.sql import sql
from app.logs import log
from app.metrics import families
from app.settings import RETRY_AFTER

WAITS: Final = (
    timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=2),
    timedelta(hours=4), timedelta(hours=8), timedelta(hours=12),
)  # fmt: skip
"""Between attempts at a mail that could not be interpreted or fetched; after the last it has failed."""
LEASE: Final = timedelta(minutes=2)  # an attempt takes seconds; what is not settled by then was left by a dead process
RECIPIENTS_MOST: Final = 10  # calendars that one mail is taken for
_OURS: Final = 500  # from this status on a Problem is a fault of ours
_UNKNOWN: Final = answer_of([ignored("unknown_address", "No calendar has this address.")])
_GAVE_UP: Final = "It could not be interpreted in {count} attempts, because of a fault of ours; retry it."


@dataclass(frozen=True, slots=True)
class Place:
    """A calendar that mail is for."""

    id: str
    timezone: str
    key_sealed: bytes | None


def unknown_address() -> str:
    """The answer to mail for nobody; nothing is stored of it."""
    return _UNKNOWN


async def place_of_token(at: Context, token: str) -> Place | None:
    row = await at.db.one(sql.calendar_of_token, {"hash": digest(token)})
    return None if row is None else _place(row)


async def places_of_addresses(at: Context, delivered_to: Sequence[str], named: Sequence[str]) -> list[Place]:
    """The calendars with these ids, whatever their case: those the mail was delivered to, else those it names."""
    for ids in (delivered_to, named):
        if not ids:
            continue
        lowered = "\n".join(sorted({f"cal_{each.lower()}" for each in ids}))
        rows = await at.db.all(sql.calendars_of_addresses, {"ids": lowered, "limit": RECIPIENTS_MOST})
        if rows:
            return [_place(row) for row in rows]
    return []


async def place_of_id(db: Database, calendar_id: str) -> Place | None:
    row = await db.one(sql.calendar_of_id, {"calendar_id": calendar_id})
    return None if row is None else _place(row)


def _place(row: Row) -> Place:
    return Place(row[0], row[2], row[3])


async def take_in(at: Context, places: Sequence[Place], mail: Mail) -> str:
    """The answer as JSON text, for one calendar or for several. Raises `unavailable` where a fault of ours kept the
    mail from being stored, or from being interpreted; then it is to be delivered again."""
    answers = [(place.id, await _take_in(at, place, mail)) for place in places]
    return answers[0][1] if len(answers) == 1 else together(answers)


async def _take_in(at: Context, place: Place, mail: Mail) -> str:
    now = at.clock.now()
    stored = await at.db.one(
        sql.store_mail,
        {
            "id": new_id("inm"),
            "calendar_id": place.id,
            "provider": mail.provider,
            "message_id": mail.message_id,
            "now": now,
            "sender": mail.sender or None,
            "subject": mail.subject or None,
            "sender_check": sender_check(mail).as_json(),
            "content": await packed(mail),
            "due_at": now + LEASE,
        },
    )
    if stored is not None:
        return await settle(at, place, stored[0], mail, attempts=0)
    known = await at.db.one(sql.known_mail, {"calendar_id": place.id, "message_id": mail.message_id})
    if known is None:
        return _UNKNOWN
    mail_id, _, attempts, answer = known
    return str(answer) if answer is not None else await settle(at, place, mail_id, mail, attempts)


async def settle(at: Context, place: Place, mail_id: str, mail: Mail, attempts: int) -> str:
    """Interpret a mail that is stored, or say when it is tried again. Raises `unavailable` for a fault of ours, after
    which it waits."""
    try:
        try:
            whole = await with_attachments(at, place, mail)
        except NotFetched as why:
            families.MAILS.add("not_fetched")
            return await _not_fetched(at, place.id, mail_id, why, attempts)
        answer = await _interpret(at, place, mail_id, whole, keep=whole is not mail)
        families.MAILS.add("ignored" if answer is None else json.loads(answer)["status"])
        return _UNKNOWN if answer is None else answer
    except Exception as fault:
        families.MAILS.add("fault")
        log("inbound.fault", mail_id=mail_id, error=repr(fault))
        await _put_off(at, place.id, mail_id, attempts)
        raise Problem(
            "unavailable",
            "The mail is kept, and could not be interpreted just now.",
            hint="Deliver it again; it is tried again here in any case.",
            headers={"Retry-After": str(RETRY_AFTER)},
        ) from fault


async def _interpret(at: Context, place: Place, mail_id: str, mail: Mail, *, keep: bool) -> str | None:
    """In one go, as nearly always nothing is refused; else once more, part by part."""
    try:
        async with at.db.transaction() as tx:
            return await interpret(at, tx, place.id, mail_id, mail, place.timezone, keep=keep)
    except Problem as problem:
        if problem.status >= _OURS:
            raise
    async with at.db.transaction() as tx:
        return await interpret(at, tx, place.id, mail_id, mail, place.timezone, keep=keep, by_parts=True)


async def with_attachments(at: Context, place: Place, mail: Mail) -> Mail:
    """The mail with the calendars that have to be fetched from its provider. Raises `NotFetched`."""
    if not mail.to_fetch:
        return mail
    if place.key_sealed is None:
        raise NotFetched(
            "no_api_key",
            "The calendar has no agentmail_api_key to fetch the attachment with: PATCH the calendar with one, then "
            "retry this mail.",
            passes=False,
        )
    key = at.sealer.open(place.key_sealed, f"{place.id}/agentmail")
    return await AgentMail(at.http_client, at.settings.agentmail_url, key).with_parts(mail)


async def _not_fetched(at: Context, calendar_id: str, mail_id: str, why: NotFetched, attempts: int) -> str:
    """The mail waits where to try again can help, and is settled where it cannot."""
    answer = answer_of([ignored(why.code, str(why))])
    if why.passes and attempts < len(WAITS):
        due_at, state = at.clock.now() + WAITS[attempts], "waiting"
    else:
        due_at, state = None, "failed"
    this = {"calendar_id": calendar_id, "id": mail_id}
    await at.db.run(sql.postpone_mail, {**this, "state": state, "due_at": due_at, "answer": answer})
    known = await at.db.one(sql.mail_state, this)
    return answer if known is None or known[1] is None else str(known[1])


async def _put_off(at: Context, calendar_id: str, mail_id: str, attempts: int) -> None:
    """As far as the database takes it; else the lease says when the mail is tried again."""
    gave_up = Outcome(status="ignored", code="gave_up", reason=_GAVE_UP.format(count=attempts + 1))
    params = (
        {"state": "waiting", "due_at": at.clock.now() + WAITS[attempts], "answer": None}
        if attempts < len(WAITS)
        else {"state": "failed", "due_at": None, "answer": answer_of([gave_up])}
    )
    try:
        await at.db.run(sql.postpone_mail, {"calendar_id": calendar_id, "id": mail_id, **params})
    except Problem as problem:
        log("inbound.not_put_off", mail_id=mail_id, error=str(problem))
