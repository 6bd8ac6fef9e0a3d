"""A mail that is owed: all that does not depend on the moment it leaves, or on the way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from app.core.mailbox import Mailbox, ascii_address, is_mailable
from app.ical.itip_write import Method

ATTACHMENT: Final = "invite.ics"

_DELIVERY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MESSAGE_ID: Final = re.compile(r"<?([!-;=?-~]{1,900})>?")  # in one line, which has room for 998 octets


def checked(mailbox: Mailbox) -> Mailbox:
    """Raises ValueError unless mail can be sent to it."""
    if not is_mailable(mailbox.address):
        raise ValueError(f"{mailbox.address!r} is not an address that mail can be sent to.")
    return mailbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail to one recipient, with its iTIP message; of plain values, so that it can be stored.

    Answers go to `calendar`, whatever address the mail is sent from. `text` has `\\n` between its lines, `ics` is the
    calendar as it is sent, with METHOD `method`. `in_reply_to` is a Message-ID as it was received.

    Raises ValueError where `calendar` or `recipient` has no address that mail can be sent to (`is_mailable`), or the
    delivery id is none of ours: all three become parts of headers.
    """

    delivery_id: str
    calendar: Mailbox
    recipient: Mailbox
    subject: str
    text: str
    method: Method
    ics: str
    in_reply_to: str | None = None

    def __post_init__(self) -> None:
        if not _DELIVERY_ID.fullmatch(self.delivery_id):
            raise ValueError("A delivery id is made of letters, digits, - and _.")
        checked(self.calendar)
        checked(self.recipient)

    def sent_from(self, sender: Mailbox) -> Mailbox:
        """`sender`, with the calendar's name where it has none of its own. Raises ValueError as above."""
        return checked(Mailbox(sender.address, sender.name or self.calendar.name))

    @property
    def message_id(self) -> str:
        """The same for every attempt, so that mail systems recognise what they have had already."""
        domain = ascii_address(self.calendar.address).rpartition("@")[2]
        return f"<{self.delivery_id}@{domain}>"

    @property
    def answered_id(self) -> str | None:
        """`in_reply_to` as a header may hold it; None where it is no Message-ID."""
        found = _MESSAGE_ID.fullmatch(self.in_reply_to.strip()) if self.in_reply_to else None
        return f"<{found[1]}>" if found else None
