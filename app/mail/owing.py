"""Putting mails into the outbox, in the transaction of what they tell, and within what an agent may send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from app.calendars.writing import Write
from app.db.database import Transaction
from app.mail.agent_smtp import smtp_of_agent
from app.mail.message import Mail
from app.mail.sql import sql
from app.mail.transport import Transports
from app.settings import Settings

Status = Literal["queued", "not_configured", "over_limit"]

TYPES: Final = {"REQUEST": "mail.request", "CANCEL": "mail.cancel", "REPLY": "mail.reply"}


class Owed(msgspec.Struct, frozen=True):
    """What `deliveries.mail` holds as JSON text. `counted` says that the mail is within what its agent may send over
    the deployment's transport; `about` names what an answer said, to which invitation."""

    mail: Mail
    counted: bool
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to be owed. `event_id` is the event, or the date, that it is about."""

    mail: Mail
    event_id: str
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """How many of the mails are owed now, and how many are not; the status says why those are not."""

    status: Status
    queued: int
    withheld: int


_decode: Final = msgspec.json.Decoder(Owed).decode


def owed_from_json(text: str) -> Owed:
    return _decode(text)


def owed_to_json(owed: Owed) -> str:
    return msgspec.json.encode(owed).decode()


def lane_of(agent_id: str) -> str:
    return f"mail_{agent_id}"


async def owe(write: Write, transports: Transports, letters: Sequence[Letter]) -> Queued:
    """Owe what may be sent, in order; there must be letters. What is beyond the agent's limits is not owed, and the
    write goes on."""
    agent_id, own = write.caller.agent_id, await smtp_of_agent(write.tx, write.caller.agent_id)
    way = transports.way(own)
    if way is None:
        return Queued("not_configured", 0, len(letters))
    admitted = list(letters)
    if way != "agent_smtp":
        addresses = [letter.mail.recipient.address for letter in letters]
        within = await admit(write.tx, transports.settings, agent_id, addresses, write.now)
        admitted = [letter for letter, is_within in zip(letters, within, strict=True) if is_within]
    if admitted:
        owed = [Owed(letter.mail, way != "agent_smtp", letter.about) for letter in admitted]
        write.tx.later(
            sql.owe_mails,
            {
                "lane": lane_of(agent_id),
                "agent_id": agent_id,
                "calendar_id": write.calendar.id,
                "now": write.now,
                "ids": [each.mail.delivery_id for each in owed],
                "types": [TYPES[each.mail.method] for each in owed],
                "event_ids": [letter.event_id for letter in admitted],
                "mails": [owed_to_json(each) for each in owed],
            },
        )
        write.tx.wakes_dispatchers = True
    withheld = len(letters) - len(admitted)
    return Queued("over_limit" if withheld else "queued", len(admitted), withheld)


async def admit(
    tx: Transaction, settings: Settings, agent_id: str, addresses: Sequence[str], now: datetime
) -> list[bool]:
    """Which of these mails are within what the agent may send over the deployment's transport today (UTC): so many
    mails, and so many recipients that it never wrote to. Those are counted, in this transaction."""
    at = {"agent_id": agent_id, "day": now.astimezone(UTC).date(), "now": now}
    row = await tx.one(sql.count_of_today, at)
    assert row is not None
    room, room_for_new = settings.mails_per_day - row[0], settings.new_recipients_per_day - row[1]
    known = {row[0] for row in await tx.all(sql.known_recipients, {**at, "addresses": list(addresses)})}
    new: list[str] = []
    within: list[bool] = []
    for address in addresses:
        is_new = address not in known
        is_within = room > 0 and not (is_new and room_for_new <= 0)
        within.append(is_within)
        if is_within:
            room -= 1
            if is_new:
                room_for_new -= 1
                known.add(address)
                new.append(address)
    if any(within):
        tx.later(sql.count_mails, {**at, "mails": sum(within), "new": new})
    return within
