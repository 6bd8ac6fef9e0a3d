"""From Postmark's inbound webhook to a mail."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from app.inbound.mail import (
    ADDRESS_MOST,
    ATTACHMENTS_MOST,
    MESSAGE_ID_MOST,
    NAME_MOST,
    PART_MOST,
    SUBJECT_MOST,
    TEXT_MOST,
    Attachment,
    Mail,
    PartsKept,
    calendar_in_text,
    from_base64,
    is_calendar,
    kept_headers,
    part_of,
)
from app.inbound.members import Members, encoded, size_of

_ENCODED_MOST: Final = PART_MOST * 3 // 2  # characters of base64, with line ends, that may hold so many bytes


def is_mail(members: Members) -> bool:
    """Whether a payload looks like one of Postmark's."""
    return any(name in members for name in ("MessageID", "Attachments", "From", "FromFull", "TextBody", "Subject"))


def mail_of(members: Members, body: bytes) -> Mail:
    """`body` names a mail that has no id of its own, so that the same one twice is still known."""
    found, attachments = PartsKept(), list[Attachment]()
    for attachment in members.objects("Attachments"):
        name, kind = attachment.text("Name") or "", attachment.text("ContentType") or ""
        content = attachment.raw("Content")
        if not is_calendar(kind, name):
            size = attachment.number("ContentLength")
            attachments.append(Attachment(name[:NAME_MOST], kind[:NAME_MOST], size))
        elif content is not None and size_of(content) > _ENCODED_MOST:
            found.refuse_size()
        elif content is not None and len(found.parts) + len(found.refused) <= ATTACHMENTS_MOST:
            found.add(part_of(from_base64(encoded(content)), name, kind))
    text = members.text("TextBody", most=PART_MOST) or ""
    pasted = calendar_in_text(text)
    if pasted is not None and not found.parts:
        found.add(part_of(pasted[: PART_MOST + 1].encode(), "", ""))
    sender = members.object("FromFull")
    return Mail(
        provider="postmark",
        message_id=(members.text("MessageID") or f"sha256:{sha256(body).hexdigest()}")[:MESSAGE_ID_MOST],
        sender=(sender.text("Email") or members.text("From") or "")[:ADDRESS_MOST],
        sender_name=(sender.text("Name") or members.text("FromName") or "")[:NAME_MOST],
        subject=(members.text("Subject") or "")[:SUBJECT_MOST],
        headers=kept_headers(
            [(h.text("Name") or "", h.text("Value") or "") for h in members.objects("Headers")],
        ),
        text=text[:TEXT_MOST],
        parts=tuple(found.parts),
        attachments=tuple(attachments[:ATTACHMENTS_MOST]),
        refused=tuple(found.refused),
    )


def recipients_of(members: Members) -> tuple[list[str], list[str]]:
    """Whom the mail was delivered to, and whom it names: texts with addresses in them."""
    named = [each.text("Email") or "" for field in ("ToFull", "CcFull", "BccFull") for each in members.objects(field)]
    named += [members.text(field) or "" for field in ("To", "Cc", "Bcc")]
    return [members.text("OriginalRecipient") or ""], named
