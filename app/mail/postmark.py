"""A mail as Postmark's API takes it: the body of `POST /email`."""

from __future__ import annotations

from base64 import b64encode

import msgspec

from app.core.mailbox import Mailbox, ascii_address
from app.mail.message import ATTACHMENT, Mail
from app.mail.words import NAME_MOST, one_line


def postmark_json(mail: Mail, sender: Mailbox) -> bytes:
    """The mail from `sender`, whose name is the calendar's where it has none of its own.

    Postmark puts parts together itself, so there is one calendar part, which is both: its type carries the method, as
    an invitation needs it, and it has the file's name. The date is Postmark's; opens and links are not tracked.
    Raises ValueError for a sender that is no address.
    """
    headers = {
        "Message-ID": mail.message_id,
        "X-PM-KeepID": "true",  # or Postmark replaces the Message-ID
        "Auto-Submitted": "auto-generated",
    }
    if mail.answered_id:
        headers |= {"In-Reply-To": mail.answered_id, "References": mail.answered_id}
    return msgspec.json.encode(
        {
            "From": _mailbox(mail.sent_from(sender)),
            "To": _mailbox(mail.recipient),
            "ReplyTo": _mailbox(mail.calendar),
            "Subject": one_line(mail.subject, len(mail.subject)),
            "TextBody": mail.text,
            "Headers": [{"Name": name, "Value": value} for name, value in headers.items()],
            "Attachments": [
                {
                    "Name": ATTACHMENT,
                    "Content": b64encode(mail.ics.encode()).decode(),
                    "ContentType": f"text/calendar; method={mail.method}; charset=UTF-8",
                }
            ],
            "TrackOpens": False,
            "TrackLinks": "None",
        }
    )


def _mailbox(mailbox: Mailbox) -> str:
    address = ascii_address(mailbox.address)
    name = one_line(mailbox.name, NAME_MOST).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}" <{address}>' if name else address
