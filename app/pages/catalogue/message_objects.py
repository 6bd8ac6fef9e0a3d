"""What answers about webhooks, deliveries and mail consist of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

from app.ical.itip_write import Method
from app.inbound.listing import STATUSES as MAIL_STATUSES
from app.pages.catalogue.members import (
    ONCE,
    flag,
    instant,
    instant_or_null,
    list_of,
    number,
    object_of,
    one_of,
    ref,
    text,
    text_or_null,
)
from app.pages.catalogue.shape import Schema
from app.smtp_server import Security
from app.webhooks.deliveries import STATUSES

SECRET: Final = text(f"The secret made for signing webhooks, where none was given. {ONCE}")
_MAIL_STATUS: Final = text("What it did.", enum=["created", "updated", "cancelled", "ignored"])
_OUTCOME: Final = {
    "event_id": text("The event or series."),
    "reason": text("Why it was ignored, or what else is to be said, in a sentence."),
    "code": text("A word for the reason: see docs/mail.md."),
    "recurrence": text("Of a series: its rule."),
    "instances_created": number("Of a series: how many dates were stored."),
    "notices": list_of("What was repaired or left out, in sentences.", {"type": "string"}),
}

_WEBHOOK: Final = {
    "id": text("The webhook."),
    "url": text("The address it calls."),
    "types": {"type": ["array", "null"], "items": {"type": "string"}, "description": "What for; null for all types."},
    "calendars": {
        "type": ["array", "null"],
        "items": {"type": "string"},
        "description": "The calendars it hears of; null for all the agent has.",
    },
    "is_own_of_calendar": flag("Whether it is the `webhook_url` of a calendar."),
    "active": flag("Whether it is called."),
    "disabled_reason": text_or_null("Why it is not."),
    "created_at": instant("When it was made."),
    "updated_at": instant("When it was changed last."),
}
MESSAGES: Final[Mapping[str, Schema]] = {
    "Webhook": object_of("An address that is called.", _WEBHOOK),
    "NewWebhook": object_of("A webhook that was made.", _WEBHOOK, {"secret": SECRET}),
    "Webhooks": object_of("The webhooks of an agent.", {"webhooks": list_of("All of them.", ref("Webhook"))}),
    "RotatedWebhook": object_of(
        "A webhook's new secret.",
        {
            "id": text("The webhook."),
            "secret": text(f"The new secret. {ONCE}"),
            "previous_secret_verifies_until": instant("Until then messages are signed with the old secret too."),
        },
    ),
    "WebhookTest": object_of(
        "How a test call went.",
        {
            "success": flag("Whether the answer was a 2xx."),
            "status_code": {"type": ["integer", "null"], "description": "The answer's status; null where none came."},
            "webhook_url": text("The address that was called."),
            "message": text("How it went, in a sentence."),
            "delivery_id": text("Its entry in the log."),
        },
    ),
    "Attempt": object_of(
        "One attempt at a delivery.",
        {
            "at": instant("When."),
            "ms": {"type": "number", "description": "How long it took, in milliseconds."},
            "status_code": {"type": ["integer", "null"], "description": "The answer's status; null where none came."},
            "error": text_or_null("Why none came, or of a mail why it was not taken, in a sentence."),
            "response": text("The beginning of the answer."),
        },
        {"via": text_or_null("Of a mail: the way it took, `agent_smtp`, `smtp` or `postmark`; null for none.")},
    ),
    "Delivery": object_of(
        "One message owed to one webhook, or one mail.",
        {
            "id": text("The delivery; its header `webhook-id`."),
            "endpoint_id": text_or_null("The webhook; null for a mail."),
            "type": text("What it tells."),
            "event_id": text_or_null("The event or date it tells of."),
            "seq": {"type": ["integer", "null"], "description": "Of a change: its number in the log."},
            "offset": text_or_null("Of a reminder: its offset."),
            "fires_at": instant_or_null("Of a reminder: its moment."),
            "status": text("Where it stands.", enum=list(STATUSES)),
            "reason": text_or_null("Why it failed or was not sent: see docs/webhooks.md."),
            "next_attempt_at": instant_or_null("When it is tried next; null where it is not."),
            "created_at": instant("When it was put into the outbox."),
            "ended_at": instant_or_null("When it was delivered or given up."),
            "attempts": list_of("Every attempt so far, in order.", ref("Attempt")),
        },
    ),
    "WebhookLogs": object_of(
        "A page of deliveries.",
        {
            "logs": list_of("The newest first.", ref("Delivery")),
            "next_cursor": text_or_null("What to give as `cursor` for the next page; null on the last."),
        },
    ),
    "Smtp": object_of(
        "An agent's own mail server.",
        {
            "host": text("The server."),
            "port": number("Its port.", 1),
            "username": text("Who the agent is there."),
            "from": text("The address that mails come from."),
            "secure": flag("Whether TLS from the start was asked for."),
            "security": one_of("How the connection is protected.", Security),
            "updated_at": instant("When it was set."),
        },
    ),
    "SmtpTested": object_of(
        "How a test went.",
        {
            "success": flag("Whether the server took the mail."),
            "message": text("What happened, with the server's words."),
            "code": {"type": ["integer", "null"], "description": "The server's answer; null where none came."},
            "to": text("Whom the mail was for."),
        },
    ),
    "Email": object_of(
        "One mail to one recipient.",
        {
            "id": text("The delivery; the Message-ID begins with it."),
            "to": text("Whom it is for."),
            "subject": text("Its subject."),
            "method": text("What it does, as in RFC 5546.", enum=list(get_args(Method))),
            "event_id": text("The event or date it is about."),
            "status": text("Where it stands.", enum=list(STATUSES)),
            "reason": text_or_null("Why it failed: `refused`, `exhausted`, `over_limit`; see docs/mail.md."),
            "next_attempt_at": instant_or_null("When it is tried next; null where it is not."),
            "created_at": instant("When it was put into the outbox."),
            "ended_at": instant_or_null("When a server took it, or it was given up."),
            "attempts": list_of("Every attempt so far, in order.", ref("Attempt")),
        },
    ),
    "EmailLogs": object_of(
        "A page of mails.",
        {
            "logs": list_of("The newest first.", ref("Email")),
            "next_cursor": text_or_null("What to give as `cursor` for the next page; null on the last."),
        },
    ),
    "Replayed": object_of(
        "What a replay owes.",
        {
            "replayed": number("Messages, over all webhooks."),
            "through": number("The last change that was replayed."),
            "last_seq": number("The newest entry of the log."),
        },
    ),
    "ProviderMail": {
        "type": "object",
        "description": "A mail as Postmark's inbound webhook or AgentMail's message.received has it; further members "
        "are allowed, and members of another type count as absent.",
        "properties": {
            "MessageID": text("Postmark: its name for the mail; the same again gets the first answer again."),
            "From": text("Postmark: the sender."),
            "OriginalRecipient": text("Postmark: the address the mail was delivered to."),
            "Subject": text("Postmark: the subject."),
            "TextBody": text("Postmark: the text. A calendar that was pasted into it counts."),
            "Headers": list_of("Postmark: `Name` and `Value` each.", {"type": "object"}),
            "Attachments": list_of("Postmark: `Name`, `ContentType` and `Content` (base64) each.", {"type": "object"}),
            "event_type": text("AgentMail: only `message.received` is taken in."),
            "message": {
                "type": "object",
                "description": "AgentMail: the message. Attachments are fetched with the calendar's agentmail_api_key.",
            },
        },
    },
    "MailOutcome": object_of(
        "What became of one event of a mail that holds several.",
        {"status": _MAIL_STATUS},
        {
            "ical_uid": text("The event's UID, where it is known."),
            "calendar_id": text("The calendar, of a mail that was sent to several."),
            **_OUTCOME,
        },
    ),
    "TakenMail": object_of(
        "What became of a mail; of one that holds several events, what became of the first that something did.",
        {"status": _MAIL_STATUS},
        {**_OUTCOME, "events": list_of("Each of them, where there are several.", ref("MailOutcome"))},
    ),
    "SenderCheck": object_of(
        "What the mail's provider reports of the sender. It is told, and decides nothing.",
        {
            "spf": text_or_null("The result of SPF, such as `pass`; null where none is reported."),
            "dkim": text_or_null("The result of DKIM."),
            "dmarc": text_or_null("The result of DMARC."),
            "organiser_is_sender": {
                "type": ["boolean", "null"],
                "description": "Whether the organiser sent the mail; null where it invites to nothing.",
            },
        },
    ),
    "InboundMail": object_of(
        "A mail that came in.",
        {
            "id": text("The mail."),
            "received_at": instant("When it came first."),
            "provider": text("Who delivered it.", enum=["postmark", "agentmail"]),
            "message_id": text("The provider's name for it."),
            "from": text_or_null("The sender's address. A stranger's words, as the subject is."),
            "subject": text_or_null("The subject."),
            "status": text("What became of it, or that it waits or failed.", enum=list(MAIL_STATUSES)),
            "reason": text_or_null("Why, in a sentence."),
            "code": text_or_null("A word for it: see docs/mail.md."),
            "attempts": number("How often it was interpreted, or tried to be."),
            "next_attempt_at": instant_or_null("When it is tried next; null where it is not."),
            "event_ids": list_of("The events it made or changed.", {"type": "string"}),
            "sender_check": ref("SenderCheck"),
        },
    ),
    "InboundMails": object_of(
        "A page of mails.",
        {
            "mails": list_of("The newest first.", ref("InboundMail")),
            "next_cursor": text_or_null("What to give as `cursor` for the next page; null on the last."),
        },
    ),
}
