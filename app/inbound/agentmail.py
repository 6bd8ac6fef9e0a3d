"""From AgentMail's webhook to a mail, and the bytes of its attachments from AgentMail's API."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from email.utils import parseaddr
from hashlib import sha256
from typing import Final
from urllib.parse import quote

import msgspec

from app.inbound.mail import (
    ADDRESS_MOST,
    ATTACHMENTS_MOST,
    MESSAGE_ID_MOST,
    NAME_MOST,
    PART_MOST,
    PARTS_MOST,
    SUBJECT_MOST,
    TEXT_MOST,
    Attachment,
    Mail,
    PartsKept,
    calendar_in_text,
    is_calendar,
    kept_headers,
    part_of,
)
from app.inbound.members import Members, members_of, text_of
from app.net.client import HttpClient

RECEIVED: Final = "message.received"
FETCH_WITHIN: Final = 10.0  # seconds for all attachments of a mail: AgentMail waits 15 for its webhook's answer
ID_MOST: Final = 1_000  # characters of an id that goes into a path
_ADDRESS_SEEN: Final = 1_000  # characters of a From that are looked at


def is_mail(members: Members) -> bool:
    return "event_type" in members or "message" in members


def mail_of(members: Members, body: bytes) -> Mail:
    """`body` names a message that has no id of its own."""
    message = members.object("message")
    name, address = _sender(message)
    found = PartsKept()
    attachments = [_attachment(each) for each in message.objects("attachments")]
    calendars = [each for each in attachments if each.fetch is not None]
    if len(calendars) > PARTS_MOST:
        found.refuse("too_many_parts", f"A mail may carry {PARTS_MOST} calendars, of 4 MB together.")
    text = message.text("text", "extracted_text", most=PART_MOST) or ""
    pasted = calendar_in_text(text)
    if pasted is not None and not calendars:
        found.add(part_of(pasted[: PART_MOST + 1].encode(), "", ""))
    others = [each for each in attachments if each.fetch is None]
    return Mail(
        provider="agentmail",
        message_id=(message.text("message_id", "id") or f"sha256:{sha256(body).hexdigest()}")[:MESSAGE_ID_MOST],
        sender=address[:ADDRESS_MOST],
        sender_name=name[:NAME_MOST],
        subject=(message.text("subject") or "")[:SUBJECT_MOST],
        headers=kept_headers(list(message.pairs("headers"))),
        text=text[:TEXT_MOST],
        parts=tuple(found.parts),
        attachments=(*calendars[:PARTS_MOST], *others[:ATTACHMENTS_MOST]),
        refused=tuple(found.refused),
        inbox_id=(message.text("inbox_id") or "")[:ID_MOST],
    )


def recipients_of(members: Members) -> tuple[list[str], list[str]]:
    """Whom the mail was delivered to, and whom it names: texts with addresses in them."""
    message = members.object("message")
    named = [text for field in ("to", "cc", "bcc") for text in _addresses(message, field)]
    return [message.text("inbox_id") or ""], named


def _addresses(message: Members, field: str) -> list[str]:
    found = [message.text(field) or ""]
    for raw in message.items(field):
        entry = members_of(raw)
        found.append((text_of(raw) if entry is None else entry.text("email", "address")) or "")
    return found


def _sender(message: Members) -> tuple[str, str]:
    """Name and address: a string in the present payload, a list of strings or objects in the older."""
    for field in ("from", "from_"):
        if (text := message.text(field)) is not None:
            return parseaddr(text[:_ADDRESS_SEEN])
        for raw in message.items(field):
            entry = members_of(raw)
            if entry is not None:
                return entry.text("name") or "", entry.text("email", "address") or ""
            if (text := text_of(raw)) is not None:
                return parseaddr(text[:_ADDRESS_SEEN])
    return "", ""


def _attachment(entry: Members) -> Attachment:
    name, kind = entry.text("filename", "name") or "", entry.text("content_type", "type") or ""
    id_ = entry.text("attachment_id", "id")
    fetch = id_ if id_ is not None and 0 < len(id_) <= ID_MOST and is_calendar(kind, name) else None
    return Attachment(name[:NAME_MOST], kind[:NAME_MOST], entry.number("size"), fetch)


# ------------------------------------------------------------------------------------------------ attachments


class NotFetched(Exception):
    """An attachment could not be had: a code, a sentence, and whether to try again can help."""

    def __init__(self, code: str, sentence: str, *, passes: bool) -> None:
        super().__init__(sentence)
        self.code, self.passes = code, passes


class _Answer(msgspec.Struct):
    download_url: str


_answer = msgspec.json.Decoder(_Answer).decode


@dataclass(frozen=True, slots=True)
class AgentMail:
    """Its API at `url`, asked with a calendar's own key. What is downloaded comes from wherever AgentMail says, through
    the address guard, and never sees the key."""

    client: HttpClient
    url: str
    key: str

    async def with_parts(self, mail: Mail) -> Mail:
        """The mail with its calendars in it. Raises `NotFetched` where one of them may be had later, or where none was
        to be had."""
        found = PartsKept(mail.parts, mail.refused)
        failure: NotFetched | None = None
        try:
            async with asyncio.timeout(FETCH_WITHIN):
                for attachment in mail.to_fetch:
                    try:
                        data = await self._fetch(mail, attachment)
                    except NotFetched as why:
                        if why.passes or why.code == "api_key_refused":
                            raise
                        failure = why
                        found.refuse(why.code, str(why))
                        continue
                    found.add(part_of(data, attachment.name, attachment.type))
        except TimeoutError:
            raise _later(f"AgentMail took more than {FETCH_WITHIN:g} seconds") from None
        if failure is not None and not found.parts:
            raise failure
        fetched = tuple(msgspec.structs.replace(each, fetch=None) for each in mail.attachments)
        return msgspec.structs.replace(
            mail, parts=tuple(found.parts), refused=tuple(found.refused), attachments=fetched
        )

    async def _fetch(self, mail: Mail, attachment: Attachment) -> bytes:
        place = await self._place(mail, attachment)
        reply = await self.client.fetch("GET", place, timeout=FETCH_WITHIN, most=PART_MOST)
        if reply.error == "too_large":
            raise NotFetched("too_large", "A calendar in it is larger than 1 MB.", passes=False)
        if reply.error is not None:
            raise _later(f"The attachment could not be downloaded ({reply.error})")
        if reply.status == 200:
            return reply.body
        raise _later(f"The download of the attachment was answered with {reply.status}")

    async def _place(self, mail: Mail, attachment: Attachment) -> str:
        """Where AgentMail says that the bytes are."""
        inbox, message, id_ = (
            quote(text, safe="") for text in (mail.inbox_id, mail.message_id, attachment.fetch or "")
        )
        reply = await self.client.fetch(
            "GET",
            f"{self.url}/v0/inboxes/{inbox}/messages/{message}/attachments/{id_}",
            headers={"Authorization": f"Bearer {self.key}", "Accept": "application/json"},
            timeout=FETCH_WITHIN,
        )
        if reply.error is not None:
            raise _later(f"AgentMail could not be asked for the attachment ({reply.error})")
        if reply.status in (401, 403):
            raise NotFetched(
                "api_key_refused",
                f"AgentMail refused the calendar's agentmail_api_key ({reply.status}): PATCH the calendar with a valid "
                "one, then retry this mail.",
                passes=False,
            )
        if reply.status in (404, 410):
            raise NotFetched("attachment_gone", "AgentMail does not have the attachment any more.", passes=False)
        if reply.status != 200:
            raise _later(f"AgentMail answered {reply.status} when asked for the attachment")
        return _download_url(reply.body)


def _download_url(body: bytes) -> str:
    try:
        return _answer(body).download_url
    except msgspec.MsgspecError:
        raise _later("AgentMail's answer does not say where the attachment is") from None


def _later(what: str) -> NotFetched:
    return NotFetched("not_fetched_yet", f"{what}; the mail is kept, and it is tried again.", passes=True)
