"""The operations on mail that goes out: an agent's own server, and the log."""

from __future__ import annotations

from typing import Final

from app.mail.logs import LOGS_DEFAULT, LOGS_MOST, STATUSES
from app.mail.schemas import SmtpSettings, SmtpTest
from app.pages.catalogue.shape import Answer, Example, Operation, Parameter

SECTION: Final = "Mail"

OPERATIONS: Final = (
    Operation(
        id="put_smtp",
        method="PUT",
        path="/agents/smtp",
        section=SECTION,
        summary="Set the agent's own mail server",
        description="Invitations and answers go over it from now on, those that wait too, without the limits of the "
        "deployment's. TLS from the start on port 465 or with `secure`, else STARTTLS, without which no mail is sent. "
        "The password is sealed, and never shown again.",
        scope="full",
        request=SmtpSettings,
        answers=(Answer(200, "The server, without its password.", "Smtp"),),
        examples=(
            Example(
                body={
                    "host": "$SMTP_HOST",
                    "port": 465,
                    "username": "ada@example.com",
                    "password": "correct horse battery staple",
                    "from": "ada@example.com",
                }
            ),
        ),
    ),
    Operation(
        id="get_smtp",
        method="GET",
        path="/agents/smtp",
        section=SECTION,
        summary="Read the agent's own mail server",
        description="Without its password. 404 where it has none.",
        scope="full",
        raises=("not_found",),
        answers=(Answer(200, "The server.", "Smtp"),),
        examples=(Example(),),
    ),
    Operation(
        id="test_smtp",
        method="POST",
        path="/agents/smtp/test",
        section=SECTION,
        summary="Send one mail over the agent's own server, now",
        description="Waits for the server and tells what it said. A server that refuses, or cannot be reached, is no "
        "error of this request: `success` is false then.",
        scope="full",
        request=SmtpTest,
        body_required=False,
        raises=("not_found",),
        answers=(Answer(200, "How it went.", "SmtpTested"),),
        examples=(Example(body={"to": "ada@example.com"}),),
    ),
    Operation(
        id="delete_smtp",
        method="DELETE",
        path="/agents/smtp",
        section=SECTION,
        summary="Remove the agent's own mail server",
        description="Mail goes over the deployment's again, if it has one, within its limits.",
        scope="full",
        raises=("not_found",),
        answers=(Answer(204, "Removed."),),
        examples=(Example(),),
    ),
    Operation(
        id="list_email_logs",
        method="GET",
        path="/calendars/{calendar_id}/email-logs",
        section=SECTION,
        summary="See what was mailed, what waits and what failed",
        description="The newest first, each with every attempt and what the mail server said. One that failed, or "
        "waits, is tried at once by POST …/deliveries/:id/retry.",
        scope="read",
        query=(
            Parameter("status", {"type": "string", "enum": list(STATUSES)}, "Keeps one status."),
            Parameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": LOGS_MOST, "default": LOGS_DEFAULT},
                "Mails a page; more is taken as the most.",
            ),
            Parameter("cursor", {"type": "string"}, "next_cursor of the page before."),
        ),
        answers=(Answer(200, "A page.", "EmailLogs"),),
        examples=(Example(path={"calendar_id": "$CALENDAR"}, query={"limit": "2"}),),
    ),
)
