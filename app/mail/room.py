"""What events have mailed, inside their own writes: `app.engine` puts this behind `Context.mails`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from app.calendars.service import calendar_email
from app.calendars.writing import Write
from app.core.itip import thread_from_json
from app.core.mailbox import Mailbox, is_mailable
from app.core.series import at
from app.events.edits import override_of
from app.events.find import read_row
from app.events.model import Event
from app.events.render import component
from app.ical.itip_write import Answer
from app.ical.write import VEvent
from app.ids import new_id
from app.logs import log
from app.mail import compose
from app.mail.agent_smtp import smtp_of_agent
from app.mail.answering import Invitation, invitation_to, invited_as, vevent_of
from app.mail.message import Mail
from app.mail.notices import Notice, notices
from app.mail.owing import Letter, Queued, owe, owed_from_json
from app.mail.scheduled import Scheduled, read_scheduled
from app.mail.sql import sql
from app.mail.transport import Transports

_SENTENCES: Final = {
    "queued": "The answer is on its way to {organiser} by mail.",
    "sent": "This answer was mailed to {organiser} before, and is not sent again.",
    "not_configured": "No answer was mailed: neither the agent nor this deployment has a mail server. "
    "PUT /agents/smtp sets one; then answer again.",
    "over_limit": "No answer was mailed: the agent has sent as many mails today as this deployment lets it. "
    "Answer again tomorrow, or set a mail server with PUT /agents/smtp.",
    "no_organiser": "No answer was mailed: the invitation names no organiser that mail can be sent to.",
    "unanswerable": "No answer was mailed: what the invitation says cannot be repeated in a mail.",
    "not_invited": "No answer was mailed: this event did not come by mail.",
}


class MailRoom:
    """Mails are owed in the transaction of the write that they tell of, and leave after it."""

    def __init__(self, transports: Transports) -> None:
        self._transports = transports

    async def before(self, write: Write, event: Event) -> Scheduled | None:
        """What those invited know of an event, read before it changes; None where nobody is invited."""
        return await read_scheduled(write, event)

    async def tell(
        self, write: Write, before: Scheduled | None, event_id: str, *, invites: bool = False
    ) -> dict[str, Any]:
        """Owe the mails that follow from what an event was and is now, and of the series that a split began. `invites`
        says that the write names attendees. Returns members of the write's answer: none where nobody is invited."""
        if before is None and not invites:
            return {}
        event = await read_row(write, event_id)
        after = None if event is None else await read_scheduled(write, event)
        found = notices(before, after)
        if event is not None and event.successor_id is not None:
            found += await _of_new_tail(write, event.successor_id)
        if before is None and after is None and not found:
            return {}
        letters = list(self._letters(write, found))
        if not letters:
            return {"email_status": "not_needed", "emails_queued": 0, "emails_withheld": 0}
        queued = await owe(write, self._transports, letters)
        return {
            "email_status": queued.status,
            "emails_queued": queued.queued,
            "emails_withheld": queued.withheld,
        }

    async def answer(self, write: Write, event: Event, key: str, response: str) -> dict[str, Any]:
        """Owe the answer to an invitation that came by mail, to its organiser; with `key` for that date of it. The same
        answer to the same invitation goes once. Returns members of the write's answer."""
        status = await self._answer(write, event, key, response)
        return {
            "message": f"You have {_DONE[response]} this invitation. "
            + _SENTENCES[status].format(organiser=event.organiser_email),
            "email_sent": status in ("queued", "sent"),
            "email_status": status,
        }

    async def _answer(self, write: Write, event: Event, key: str, response: str) -> str:
        if event.source != "inbound_email":
            return "not_invited"
        if event.organiser_email is None or not is_mailable(event.organiser_email):
            return "no_organiser"
        invitation, message_id = await self._invitation(write, event, key)
        zone, calendar = write.calendar.timezone, self._calendar(write)
        vevent = _vevent_of_row(event, key, zone) if invitation is None else vevent_of(invitation, write.now, zone)
        about = f"{response} {vevent.sequence} {vevent.recurrence_id or ''}".rstrip()
        earlier = await self._earlier(write, event, key, about)
        if earlier is not None:
            return earlier
        own = await smtp_of_agent(write.tx, write.caller.agent_id)
        try:
            mail = compose.answer(
                delivery_id=new_id("dlv"),
                calendar=calendar,
                event=vevent,
                organiser=Mailbox(event.organiser_email, event.organiser_name),
                response=_ANSWERS[response],
                stamp=write.now,
                attendee=invited_as(invitation, event, [calendar.address, *([own.sender] if own else [])]),
                in_reply_to=message_id,
            )
        except (ValueError, OverflowError) as fault:  # somebody else's VEVENT; the answer here stands all the same
            log("mail.unanswerable", calendar_id=write.calendar.id, event_id=event.id, error=repr(fault))
            return "unanswerable"
        wire_id = f"{event.id}_{key}" if key else event.id
        queued: Queued = await owe(write, self._transports, [Letter(mail, wire_id, about)])
        return queued.status

    async def _invitation(self, write: Write, event: Event, key: str) -> tuple[Invitation | None, str | None]:
        """With the Message-ID of the mail that brought it."""
        row = await write.tx.one(sql.read_thread, {"calendar_id": write.calendar.id, "uid": event.uid})
        if row is None:
            return None, None
        return invitation_to(thread_from_json(row[0]), event, key, write.calendar.timezone), row[1]

    async def _earlier(self, write: Write, event: Event, key: str, about: str) -> str | None:
        """Where the same answer stands that was owed last; None where another was, or it could not be delivered."""
        params = {"calendar_id": write.calendar.id, "event_id": event.id, "key": key}
        row = await write.tx.one(sql.newest_answer, params)
        if row is None or owed_from_json(row[0]).about != about:
            return None
        return {"pending": "queued", "delivered": "sent"}.get(row[1])

    def _letters(self, write: Write, found: Iterable[Notice]) -> Iterable[Letter]:
        calendar = self._calendar(write)
        for notice in found:
            mail: Mail | None = None
            for attendee in notice.recipients:
                if not is_mailable(attendee.email) or attendee.email == calendar.address.lower():
                    continue
                recipient = Mailbox(attendee.email, attendee.name)
                if mail is None:
                    mail = _mail(notice, calendar, recipient, write)
                else:  # the same to each: written once
                    mail = replace(mail, delivery_id=new_id("dlv"), recipient=recipient)
                yield Letter(mail, notice.event_id)

    def _calendar(self, write: Write) -> Mailbox:
        return Mailbox(calendar_email(self._transports.settings, write.calendar.id), write.calendar.name)


_DONE: Final = {"accepted": "accepted", "declined": "declined", "tentative": "tentatively accepted"}
_ANSWERS: Final[dict[str, Answer]] = {"accepted": "accepted", "declined": "declined", "tentative": "tentative"}


async def _of_new_tail(write: Write, event_id: str) -> list[Notice]:
    """Invitations to the series that this write split off; none where an earlier one did."""
    tail = await read_row(write, event_id)
    if tail is None or tail.version <= write.calendar.seq:
        return []
    return notices(None, await read_scheduled(write, tail))


def _vevent_of_row(event: Event, key: str, zone: str) -> VEvent:
    """What is answered where its thread is not known any more: the event as it is here."""
    made = at(event.series(zone), key) if key else None
    row = event if made is None else override_of(event, key, made.original)
    return replace(component(row, (), None if made is None else event), sequence=event.sequence)


def _mail(notice: Notice, calendar: Mailbox, recipient: Mailbox, write: Write) -> Mail:
    delivery_id = new_id("dlv")
    if notice.method == "CANCEL":
        return compose.cancellation(
            delivery_id=delivery_id,
            calendar=calendar,
            recipient=recipient,
            cancelled=notice.invited[0],
            stamp=write.now,
        )
    return compose.invitation(
        delivery_id=delivery_id,
        calendar=calendar,
        recipient=recipient,
        invited=notice.invited,
        stamp=write.now,
        is_update=notice.is_update,
    )
