"""The mails around iTIP messages (RFC 6047): answers, invitations, cancellations.

Each recipient gets a mail of their own, which names nobody else in its head: one refused address or slow server then
holds up no other, limits count what really leaves, and whoever is invited learns of the others only what the calendar
text shows to all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from app.core.mailbox import Mailbox
from app.ical import itip_write
from app.ical.itip_write import Answer, Attendee, Invited
from app.ical.write import VEvent
from app.mail.message import Mail
from app.mail.words import NAME_MOST, details, one_line, title

_SUBJECTS: Final = {"accepted": "Accepted", "declined": "Declined", "tentative": "Tentative"}
_ANSWERS: Final = {
    "accepted": "has accepted the invitation",
    "declined": "has declined the invitation",
    "tentative": "has tentatively accepted the invitation",
}
_SIGNATURE: Final = (
    "This mail comes from the calendar of an AI agent, kept by Kalends; a reply to it reaches that calendar."
)


def answer(
    *,
    delivery_id: str,
    calendar: Mailbox,
    event: VEvent,
    organiser: Mailbox,
    response: Answer,
    stamp: datetime,
    attendee: Mailbox | None = None,
    in_reply_to: str | None = None,
) -> Mail:
    """The answer to an invitation, for its organiser. `event` and `attendee` are as in `itip_write.reply`; the attendee
    is the calendar itself unless another address of it was invited. `in_reply_to` is the invitation's Message-ID.

    Raises ValueError where no mail can be sent to the organiser (`is_mailable`).
    """
    attendee = attendee or calendar
    said = f"{_name(calendar)} {_ANSWERS[response]}: {title(event)}"
    return Mail(
        delivery_id=delivery_id,
        calendar=calendar,
        recipient=organiser,
        subject=f"{_SUBJECTS[response]}: {title(event)}",
        text=_text(
            said, [Invited(_without_description(event), [Attendee(attendee.address, attendee.name)])], organiser
        ),
        method="REPLY",
        ics=itip_write.reply(event, organiser, attendee, response, stamp),
        in_reply_to=in_reply_to,
    )


def invitation(
    *,
    delivery_id: str,
    calendar: Mailbox,
    recipient: Mailbox,
    invited: Sequence[Invited],
    stamp: datetime,
    is_update: bool = False,
) -> Mail:
    """An invitation to an event of `calendar`, or with `is_update` what changed of it; `invited` as in
    `itip_write.request`. Raises ValueError where no mail can be sent to the recipient (`is_mailable`)."""
    event = invited[0].event
    said = "has changed what you were invited to" if is_update else "invites you"
    return Mail(
        delivery_id=delivery_id,
        calendar=calendar,
        recipient=recipient,
        subject=f"{'Updated invitation' if is_update else 'Invitation'}: {title(event)}",
        text=_text(f"{_name(calendar)} {said}: {title(event)}", invited, calendar),
        method="REQUEST",
        ics=itip_write.request(invited, calendar, stamp),
    )


def cancellation(
    *, delivery_id: str, calendar: Mailbox, recipient: Mailbox, cancelled: Invited, stamp: datetime
) -> Mail:
    """The news that an event of `calendar`, or one date of it, is off; `cancelled` as in `itip_write.cancel`. Raises
    ValueError where no mail can be sent to the recipient (`is_mailable`)."""
    event = cancelled.event
    which = "one date of what you were invited to" if event.recurrence_id is not None else "what you were invited to"
    shown = Invited(_without_description(event), cancelled.attendees)
    return Mail(
        delivery_id=delivery_id,
        calendar=calendar,
        recipient=recipient,
        subject=f"Canceled: {title(event)}",
        text=_text(f"{_name(calendar)} has cancelled {which}: {title(event)}", [shown], calendar),
        method="CANCEL",
        ics=itip_write.cancel(cancelled, calendar, stamp),
    )


def _text(said: str, invited: Sequence[Invited], organiser: Mailbox) -> str:
    return f"{said}\n\n{details(invited, organiser)}\n\n-- \n{_SIGNATURE}\n"


def _name(calendar: Mailbox) -> str:
    return one_line(calendar.name, NAME_MOST) or calendar.address


def _without_description(event: VEvent) -> VEvent:
    return replace(event, description=None)
