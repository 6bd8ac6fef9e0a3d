"""The ways a mail can leave: the agent's own server, else the deployment's, else Postmark. Chosen when it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from app.core.mailbox import Mailbox
from app.mail.agent_smtp import AgentSmtp
from app.mail.message import Mail
from app.mail.mime import mime
from app.mail.postmark import postmark_json
from app.net import postmark, smtp
from app.net.client import HttpClient
from app.net.guard import Guard
from app.net.sending import Failed, Sent
from app.seal import SealBroken, Sealer
from app.settings import Settings

Way = Literal["agent_smtp", "smtp", "postmark"]

_NO_WAY: Final = Failed(
    False, None, "There is no mail server to send it over: set one with PUT /agents/smtp.", configuration=True
)


@dataclass(frozen=True, slots=True)
class Transports:
    """`guard` judges hosts that agents named; the operator's are trusted, and `client` calls Postmark."""

    settings: Settings
    sealer: Sealer
    guard: Guard
    client: HttpClient

    def way(self, own: AgentSmtp | None) -> Way | None:
        """The way that mails of an agent take now, `own` being its server."""
        if own is not None:
            return "agent_smtp"
        if self.settings.smtp is not None:
            return "smtp"
        return "postmark" if self.settings.postmark_token is not None else None

    async def send(self, mail: Mail, own: AgentSmtp | None, date: datetime) -> Sent | Failed:
        """Hand a mail over in one attempt. Never raises but for cancellation."""
        settings, sender = self.settings, Mailbox(self.settings.mail_from or mail.calendar.address)
        if own is not None:
            return await self._over_own(mail, own, date)
        if settings.smtp is not None:
            return await smtp.send(
                settings.smtp,
                mime(mail, sender, date),
                sender=sender.address,
                recipients=[mail.recipient.address],
                connects=Guard.trusting(),
            )
        if settings.postmark_token is not None:
            body = postmark_json(mail, sender)
            return await postmark.send(settings.postmark_url, settings.postmark_token, body, client=self.client)
        return _NO_WAY

    async def hand_in(
        self, own: AgentSmtp, message: bytes, recipient: str, time_limit: float = smtp.SEND_WITHIN
    ) -> Sent | Failed:
        """`message` over the agent's own server, from its address. Never raises but for cancellation."""
        try:
            server = own.server(self.sealer)
        except SealBroken as broken:
            return Failed(False, None, f"The stored password does not open: {broken}", configuration=True)
        return await smtp.send(
            server, message, sender=own.sender, recipients=[recipient], connects=self.guard, time_limit=time_limit
        )

    async def _over_own(self, mail: Mail, own: AgentSmtp, date: datetime) -> Sent | Failed:
        return await self.hand_in(own, mime(mail, Mailbox(own.sender), date), mail.recipient.address)
