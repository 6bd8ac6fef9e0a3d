"""Mails as their providers hand them in."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from typing import Any

import httpx

from tests.inbound.agentmail import KEY
from tests.support.service import Api, Calendar, Service

ORGANISER = "pat@example.org"


def calendar_text(
    uid: str = "u1",
    *,
    method: str | None = "REQUEST",
    start: str = "20260309T100000Z",
    sequence: int = 0,
    stamp: str = "20260301T090000Z",
    organiser: str = ORGANISER,
    lines: tuple[str, ...] = (),
    title: str = "Review",
) -> str:
    """One invitation."""
    event = [
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTAMP:{stamp}",
        f"DTSTART:{start}",
        "DURATION:PT1H",
        f"SEQUENCE:{sequence}",
        f"SUMMARY:{title}",
        f"ORGANIZER:mailto:{organiser}",
        *lines,
        "END:VEVENT",
    ]
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Tests//EN", *([f"METHOD:{method}"] if method else [])]
    return "\r\n".join([*head, *event, "END:VCALENDAR", ""])


def many_events(count: int) -> str:
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:many-{n}\r\nDTSTAMP:20260301T090000Z\r\nDTSTART:20260309T100000Z\r\nDURATION:PT1H\r\n"
        f"SUMMARY:Event {n}\r\nORGANIZER:mailto:{ORGANISER}\r\nEND:VEVENT\r\n"
        for n in range(count)
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\n{events}END:VCALENDAR\r\n"


def attachment(
    content: str | bytes, name: str = "invite.ics", kind: str = 'text/calendar; charset="UTF-8"; method=REQUEST'
) -> dict[str, Any]:
    octets = content.encode() if isinstance(content, str) else content
    return {
        "Name": name,
        "Content": base64.b64encode(octets).decode(),
        "ContentType": kind,
        "ContentLength": len(octets),
        "ContentID": "",
    }


def postmark(*attachments: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A payload of Postmark's; `fields` replace or add."""
    return {
        "FromName": "Pat",
        "From": ORGANISER,
        "FromFull": {"Email": ORGANISER, "Name": "Pat", "MailboxHash": ""},
        "To": "",
        "ToFull": [],
        "Cc": "",
        "CcFull": [],
        "OriginalRecipient": "",
        "Subject": "Invitation",
        "MessageID": secrets.token_hex(16),
        "TextBody": "You are invited.",
        "HtmlBody": "<p>You are invited.</p>",
        "Headers": [{"Name": "Message-ID", "Value": "<m1@mail.example.org>"}],
        "Attachments": list(attachments),
        **fields,
    }


def received(*attachments: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A payload of AgentMail's; `fields` are the message's."""
    message = {
        "inbox_id": "agent@agentmail.to",
        "message_id": f"<{secrets.token_hex(8)}@mail.example.org>",
        "from": f"Pat <{ORGANISER}>",
        "to": ["agent@agentmail.to"],
        "subject": "Invitation",
        "text": "You are invited.",
        "attachments": list(attachments),
        **fields,
    }
    return {"type": "event", "event_type": "message.received", "event_id": "evt_1", "message": message}


def listed(id_: str, name: str = "invite.ics", kind: str = "text/calendar") -> dict[str, Any]:
    """An attachment as AgentMail's payload lists it."""
    return {"attachment_id": id_, "filename": name, "content_type": kind, "size": 700}


def held(content: str | bytes, **more: Any) -> dict[str, Any]:
    """An attachment as the stub holds it."""
    octets = content.encode() if isinstance(content, str) else content
    return {"content_b64": base64.b64encode(octets).decode(), **more}


class Inbox:
    """A calendar and the address mail is handed in at."""

    def __init__(self, service: Service, calendar: Calendar) -> None:
        self.service, self.calendar = service, calendar
        self.http = Api(service.url, None).http
        self.token = calendar.created["inbound_webhook_url"].rsplit("/", 1)[1]

    @property
    def address(self) -> str:
        return str(self.calendar.created["email"])

    def post(self, payload: Any, **headers: str) -> httpx.Response:
        return self.http.post(f"/inbound/{self.token}", json=payload, headers=headers)

    def take(self, payload: Any) -> Any:
        """The answer to a mail that is taken in."""
        response = self.post(payload)
        assert response.status_code == 200, response.text
        return response.json()

    def list(self, **params: Any) -> list[Any]:
        found: list[Any] = self.calendar.api.got(f"{self.calendar.path}/inbound", **params)["mails"]
        return found

    def retry(self, mail_id: str) -> httpx.Response:
        return self.calendar.api.post(f"{self.calendar.path}/inbound/{mail_id}/retry")


def inbox(service: Service, key: str | None = KEY, timezone: str = "UTC", name: str = "Mail") -> Inbox:
    """A new agent's calendar; `key` is for AgentMail."""
    api = Api(service.url, Api(service.url, None).made("/agents")["api_key"])
    more = {} if key is None else {"agentmail_api_key": key}
    return Inbox(service, Calendar(api, api.made("/calendars", name=name, timezone=timezone, **more)))
