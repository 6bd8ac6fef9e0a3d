"""The deployment's own way for mail. Nothing is sent, and nobody is called who is not in the settings."""

from __future__ import annotations

import asyncio
import re
import socket
from typing import Final
from urllib.parse import urlsplit

from app.doctor.finding import Finding, fault, ok, warning
from app.net import smtp
from app.net.guard import Guard
from app.settings import Settings
from app.smtp_server import SmtpServer

CHECK: Final = "mail"
ANSWER_WITHIN: Final = 8.0  # seconds: servers that look for spam wait before their greeting
_TOKEN: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def check_mail(settings: Settings) -> list[Finding]:
    if settings.smtp is not None:
        return [_smtp(settings.smtp, settings.mail_from or f"doctor@{settings.email_domain}")]
    if settings.postmark_token is not None:
        return [_postmark(settings.postmark_url, settings.postmark_token)]
    message = "There is no mail server: only agents with one of their own (PUT /agents/smtp) send mail."
    if settings.is_loopback:
        return [ok(CHECK, message)]
    return [warning(CHECK, message, "Set KALENDS_SMTP_URL or KALENDS_POSTMARK_TOKEN, unless that is meant.")]


def _smtp(server: SmtpServer, sender: str) -> Finding:
    rehearsal = smtp.rehearse(server, sender=sender, connects=Guard.trusting(), time_limit=ANSWER_WITHIN)
    failed = asyncio.run(rehearsal)
    if failed is None:
        how = {"tls": "with TLS", "starttls": "with STARTTLS", "none": "in the clear"}[server.security]
        who = "and takes the user name and password" if server.username else "without a user name"
        return ok(CHECK, f"The mail server {server.host}:{server.port} answers, {how}, {who}.")
    if failed.configuration:
        return fault(CHECK, failed.message, "Correct KALENDS_SMTP_URL: user, password, port and ?starttls=.")
    return fault(CHECK, failed.message, "Start the mail server, or correct host and port in KALENDS_SMTP_URL.")


def _postmark(url: str, token: str) -> Finding:
    if not _TOKEN.fullmatch(token):
        message = "KALENDS_POSTMARK_TOKEN does not look like a server token, 36 digits and hyphens."
        return warning(CHECK, message, "Copy the server's API token from Postmark once more.")
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), ANSWER_WITHIN).close()
    except OSError as error:
        message = f"Postmark at {url} cannot be reached: {error.strerror or error}."
        return fault(CHECK, message, "Let this machine through to it, or correct KALENDS_POSTMARK_URL.")
    return ok(CHECK, f"Postmark at {url} can be reached; whether it knows the token shows when a mail is sent.")
