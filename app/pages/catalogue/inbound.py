"""The operations on mail that comes in."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.inbound.listing import MAILS_DEFAULT, MAILS_MOST, STATUSES
from app.inbound.upkeep import MAILS_KEPT
from app.pages.catalogue.shape import Answer, Example, Operation, Parameter

SECTION: Final = "Mail"
_HERE: Final = {"calendar_id": "$CALENDAR"}
_INVITATION: Final = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example//Calendar//EN
METHOD:REQUEST
BEGIN:VEVENT
UID:review-7@example.org
DTSTAMP:20270226T090000Z
DTSTART:20270303T150000Z
DTEND:20270303T153000Z
SUMMARY:Design review
ORGANIZER:mailto:pat@example.org
ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:agent@example.com
END:VEVENT
END:VCALENDAR"""

_TAKE: Final = Operation(
    id="take_mail",
    method="POST",
    path="/inbound/{token}",
    section=SECTION,
    summary="Hand in a mail for a calendar",
    description="What Postmark's inbound webhook, or AgentMail's `message.received`, is to be pointed at: the "
    "calendar's `inbound_webhook_url`. Invitations in it become events, updates and cancellations follow by UID; "
    "whatever it is, the mail is stored first and the answer says what became of it, with 200. The same message again "
    "gets the answer again. An unknown token is `ignored`, and nothing is stored. After 503 or 429 the mail is to be "
    "delivered again. Unknown members are allowed, and bodies up to 35 MB.",
    scope=None,
    accepts="ProviderMail",
    limited=True,
    checks_query=False,
    raises=("unauthorized",),
    answers=(Answer(200, "What became of it.", "TakenMail"),),
    examples=(
        Example(
            path={"token": "$INBOUND_TOKEN"},
            body={
                "MessageID": "73e6d360-66eb-11e1-8e72-a8904824019b",
                "From": "pat@example.org",
                "Subject": "Invitation: Design review",
                "TextBody": _INVITATION,
            },
        ),
    ),
)

OPERATIONS: Final = (
    _TAKE,
    replace(
        _TAKE,
        id="take_mail_of_domain",
        path="/inbound",
        summary="Hand in a mail for whichever calendar it names",
        description="One webhook for the whole mail domain: the calendar follows from the recipients' addresses "
        "(Postmark's OriginalRecipient, else To and Cc). Unless the deployment listens on loopback, the request has to "
        "prove that it is the provider's, as KALENDS_INBOUND_BASIC_AUTH or KALENDS_AGENTMAIL_WEBHOOK_SECRET say. "
        "Otherwise as POST /inbound/{token}.",
        examples=(
            Example(
                body={
                    "MessageID": "8a3c41f2-66eb-11e1-8e72-a8904824019b",
                    "From": "pat@example.org",
                    "OriginalRecipient": "$ADDRESS",
                    "Subject": "Lunch?",
                    "TextBody": "Are you free on Wednesday?",
                },
            ),
        ),
    ),
    Operation(
        id="list_inbound",
        method="GET",
        path="/calendars/{calendar_id}/inbound",
        section=SECTION,
        summary="See what mail came in, and what became of it",
        description=f"The newest first; mail is kept for {MAILS_KEPT.days} days.",
        scope="read",
        query=(
            Parameter("status", {"type": "string", "enum": list(STATUSES)}, "Keeps one status."),
            Parameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MAILS_MOST, "default": MAILS_DEFAULT},
                "Mails a page; more is taken as the most.",
            ),
            Parameter("cursor", {"type": "string"}, "next_cursor of the page before."),
        ),
        answers=(Answer(200, "A page.", "InboundMails"),),
        examples=(Example(path=_HERE, query={"limit": "20"}),),
    ),
    Operation(
        id="retry_inbound",
        method="POST",
        path="/calendars/{calendar_id}/inbound/{mail_id}/retry",
        section=SECTION,
        summary="Interpret a mail again, now",
        description="For one that was ignored, that waits or failed: after a new `agentmail_api_key`, say, or once "
        "there is room under a quota. One that did something is done, and 409.",
        scope="full",
        raises=("conflict",),
        answers=(Answer(200, "The mail, and what became of it.", "InboundMail"),),
        examples=(Example(path={**_HERE, "mail_id": "$MAIL"}),),
    ),
)
