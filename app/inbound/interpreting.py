"""What a mail changes: each UID's thread grows by what the mail says of it, and what the thread means is stored. All of
it in one transaction under the calendar's lock, together with the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

from app.calendars.writing import Write, open_arrival
from app.core.itip import (
    Meaning,
    Message,
    Ours,
    Thread,
    Verdict,
    absorb,
    meaning,
    thread_from_json,
    thread_to_json,
)
from app.core.itip.absorb import INVITES
from app.db.database import Params, Row, Transaction
from app.errors import Problem
from app.events.invited import Applied, all_under, by_uid, store_meaning
from app.events.model import Event
from app.events.replied import ours_of, store_answers
from app.http.context import Context
from app.inbound.answering import Outcome, answer_of, ignored
from app.inbound.mail import Mail, packed
from app.inbound.reading import Contents, contents_of
from app.inbound.senders import SenderCheck, sender_check, with_organiser
from app.inbound.sql import sql
from app.workers import in_thread

THREAD_MOST: Final = 4_000_000  # characters of what is kept of one UID; a hundred dates of 64 KB text and more
UIDS_AT_ONCE: Final = 25  # whose rows are read together, and whose statements are sent together
HEAVY_THREAD: Final = 16 * 1024  # characters of a thread, from which on it is thought about off the event loop
HEAVY_MESSAGE: Final = 16  # components about one UID, likewise
_SEPARATOR: Final = "\x1e"  # no UID holds it: the reader takes control characters out
_NO_CALENDAR: Final = ignored("no_calendar", "There is no calendar in this mail.")


@dataclass(frozen=True, slots=True)
class _Absorbed:
    thread: Thread
    verdict: Verdict
    meanings: tuple[Meaning, Meaning] | None
    """Before and after; None where the message answers to an event of ours, or changes nothing."""


async def interpret(
    at: Context,
    tx: Transaction,
    calendar_id: str,
    mail_id: str,
    mail: Mail,
    zone: str,
    *,
    again: bool = False,
    keep: bool = False,
    by_parts: bool = False,
) -> str | None:
    """Does what the mail says, and stores the answer with it; returns the answer. One that was settled meanwhile gives
    its first answer; with `again` only if that did something. `zone` is the calendar's as it was last seen; `keep`
    stores the mail's content anew. `by_parts` lets one event be refused and the others stand, at the cost of a
    savepoint each; without it a refusal raises its `Problem`, and nothing stands. None where calendar or mail are
    gone."""
    contents = await contents_of(mail, zone)
    asked = _asked(mail_id, calendar_id, contents)
    async with open_arrival(at, tx, calendar_id, mail_id, *asked) as (write, answers):
        if write is None:
            return None
        if write.calendar.timezone != zone:
            contents = await contents_of(mail, write.calendar.timezone)
            answers = await tx.several(*_asked(mail_id, calendar_id, contents))
        found, rows = answers
        if not found:
            return None
        ((state, answer, uids, texts),) = found
        if state == "done" and not (again and is_ignored(answer)):
            return str(answer)
        threads = dict(zip(uids or (), texts or (), strict=True))
        outcomes, check = await _outcomes(write, mail, contents, threads, rows, by_parts=by_parts)
        answer = answer_of(outcomes)
        tx.later(
            sql.settle_mail,
            {
                "calendar_id": calendar_id,
                "id": mail_id,
                "answer": answer,
                "sender_check": check.as_json(),
                "content": await packed(mail) if keep else None,
            },
        )
    return answer


def _asked(mail_id: str, calendar_id: str, contents: Contents) -> tuple[tuple[str, Params], tuple[str, Params]]:
    """What is asked under the lock: the mail with the threads of its UIDs, and the rows of the first of these."""
    uids = list(contents.by_uid)
    look = {"id": mail_id, "calendar_id": calendar_id, "uids": _SEPARATOR.join(uids)}
    return (sql.look_under_lock, look), all_under(calendar_id, uids[:UIDS_AT_ONCE])


def is_ignored(answer: str | None) -> bool:
    return answer is None or answer.startswith('{"status":"ignored"')


async def _outcomes(
    write: Write, mail: Mail, contents: Contents, threads: Mapping[str, str], rows: Sequence[Row], *, by_parts: bool
) -> tuple[list[Outcome], SenderCheck]:
    """What became of each UID and of what could not be read; and the check of the sender as the first UID has it.
    `rows` are those of the first UIDs."""
    outcomes: list[Outcome] = []
    checks: list[SenderCheck] = []
    check = sender_check(mail)
    every = list(contents.by_uid)
    for place in range(0, len(every), UIDS_AT_ONCE):
        uids = every[place : place + UIDS_AT_ONCE]
        if place:
            rows = await write.tx.all(*all_under(write.calendar.id, uids))
        stored = by_uid(rows)
        for uid in uids:
            messages = contents.by_uid[uid]
            taken = _Taken(write, mail, uid, threads.get(uid), stored.get(uid, []))
            checks.append(with_organiser(check, mail, messages[0], taken.thread.organizer))
            try:
                with write.part() if by_parts else nullcontext():
                    outcomes.append(await taken.up(messages, checks[-1]))
            except Problem as problem:
                if not by_parts:
                    raise
                outcomes.append(ignored(problem.code, problem.message, uid))
            await asyncio.sleep(0)
    outcomes += [ignored(code, sentence, uid) for code, sentence, uid in contents.unread]
    return outcomes or [_NO_CALENDAR], checks[0] if checks else check


class _Taken:
    """One UID of a mail, its thread, and the rows that are stored of it."""

    def __init__(self, write: Write, mail: Mail, uid: str, text: str | None, rows: list[Event]) -> None:
        self._write, self._mail, self._uid, self._rows = write, mail, uid, rows
        self._is_heavy = len(text or "") > HEAVY_THREAD
        self.thread = Thread(uid) if text is None else thread_from_json(text)

    async def up(self, messages: list[Message], check: SenderCheck) -> Outcome:
        """Takes in what the messages say, in their order. What did most is the outcome."""
        ours = ours_of(self._rows)
        outcomes = [await self._one(messages[0], ours, check)]
        for message in messages[1:]:
            rows = await self._write.tx.all(*all_under(self._write.calendar.id, [self._uid]))
            self._rows = by_uid(rows).get(self._uid, [])
            outcomes.append(await self._one(message, ours, check))
        return next((each for each in outcomes if each.status != "ignored"), outcomes[0])

    async def _one(self, message: Message, ours: Ours | None, check: SenderCheck) -> Outcome:
        found = await self._absorbed(message, ours)
        verdict, applied = found.verdict, None
        if found.thread is not self.thread:
            self.thread = found.thread
            await self._keep(message, verdict)
        if verdict.status != "ignored":
            if found.meanings is None:
                applied = await store_answers(self._write, self._rows, self.thread)
            else:
                applied = await store_meaning(self._write, self._rows, *found.meanings, sender_check=check.as_json())
        return _outcome(self._uid, message, verdict, applied)

    async def _absorbed(self, message: Message, ours: Ours | None) -> _Absorbed:
        zone, sender = self._write.calendar.timezone, self._mail.sender
        if self._is_heavy or len(message.components) > HEAVY_MESSAGE:
            return await in_thread(_absorb, self.thread, message, zone, ours, sender)
        return _absorb(self.thread, message, zone, ours, sender)

    async def _keep(self, message: Message, verdict: Verdict) -> None:
        is_heavy = self._is_heavy or len(message.components) > HEAVY_MESSAGE
        text = await in_thread(thread_to_json, self.thread) if is_heavy else thread_to_json(self.thread)
        if len(text) > THREAD_MOST:
            raise Problem("conflict", "There is more mail about this event than is kept of one.")
        invites = message.method in INVITES and verdict.status != "ignored"
        self._write.tx.later(
            sql.put_thread,
            {
                "calendar_id": self._write.calendar.id,
                "uid": self._uid,
                "thread": text,
                "message_id": self._mail.rfc_message_id if invites else None,
                "now": self._write.now,
            },
        )


def _absorb(thread: Thread, message: Message, zone: str, ours: Ours | None, sender: str) -> _Absorbed:
    after, verdict = absorb(thread, message, zone, ours=ours, sender=sender)
    if verdict.status == "ignored" or message.method == "REPLY":
        return _Absorbed(after, verdict, None)
    return _Absorbed(after, verdict, (meaning(thread, zone), meaning(after, zone)))


def _outcome(uid: str, message: Message, verdict: Verdict, applied: Applied | None) -> Outcome:
    found = Outcome(ical_uid=uid, status=verdict.status, reason=verdict.sentence, code=verdict.reason)
    if applied is None:
        return found
    repaired = [notice for component in message.components for notice in component.notices]
    return Outcome(
        ical_uid=uid,
        status=verdict.status,
        event_id=applied.event_id,
        reason=verdict.sentence,
        code=verdict.reason,
        recurrence=applied.recurrence,
        instances_created=applied.instances_created,
        notices=tuple(dict.fromkeys([*applied.notices, *repaired])),
    )
