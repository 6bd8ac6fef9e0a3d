"""A mail server on loopback: aiosmtpd in a thread, that keeps what it takes and answers as it is told."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

import icalendar
import vobject
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from app.smtp_server import SmtpServer

USER, PASSWORD = "ada@example.com", "correct horse battery staple"


@dataclass(frozen=True)
class Arrived:
    """A mail as the server took it."""

    sender: str
    to: str
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def id(self) -> str:
        return str(self.message["Message-ID"])

    @property
    def calendar_part(self) -> EmailMessage:
        [part] = [part for part in self.message.walk() if part.get_content_type() == "text/calendar"]
        return part

    @property
    def ics(self) -> str:
        return cast("bytes", self.calendar_part.get_payload(decode=True)).decode()

    @property
    def method(self) -> str:
        """What the calendar says, where its part says the same."""
        method = str(icalendar.Calendar.from_ical(self.ics)["METHOD"])
        assert self.calendar_part.get_param("method") == method
        return method

    @property
    def events(self) -> list[Any]:
        """The VEVENTs as icalendar reads them; vobject must read as many."""
        found = list(icalendar.Calendar.from_ical(self.ics).walk("VEVENT"))
        assert len(list(vobject.readOne(self.ics).vevent_list)) == len(found)
        return found

    @property
    def event(self) -> Any:
        [event] = self.events
        return event


@dataclass
class MailServer:
    """`recipient` gives the answer to RCPT, by address; `data` the one to the mail itself, None for a connection that
    is dropped once the mail was taken. With `authenticates` only USER with PASSWORD may send."""

    port: int = 0
    authenticates: bool = False
    recipient: Callable[[str], str] = lambda _: "250 OK"
    data: Callable[[str], str | None] = lambda _: "250 Taken as 4711"
    mails: list[Arrived] = field(default_factory=list)
    _came: threading.Condition = field(default_factory=threading.Condition)

    @property
    def server(self) -> SmtpServer:
        return SmtpServer("127.0.0.1", self.port, security="none")

    def behave(self) -> None:
        """As a server does that is well."""
        self.recipient, self.data = (lambda _: "250 OK"), (lambda _: "250 Taken as 4711")

    def from_calendar(self, email: str) -> list[Arrived]:
        with self._came:
            return [mail for mail in self.mails if email in str(mail.message["Reply-To"])]

    def wait_for(self, email: str, count: int, within: float = 10.0) -> list[Arrived]:
        """The mails from a calendar, once there are so many. Fails where there are not in time, or more."""
        deadline = time.monotonic() + within
        while len(found := self.from_calendar(email)) < count:
            assert time.monotonic() < deadline, [(mail.to, mail.subject) for mail in found]
            time.sleep(0.005)
        assert len(found) == count, [(mail.to, mail.subject) for mail in found]
        return found

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.recipient(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        [to] = envelope.rcpt_tos
        assert isinstance(envelope.content, bytes)
        answer = self.data(to)
        if answer is None or answer.startswith("250"):
            message = message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)
            with self._came:
                self.mails.append(Arrived(envelope.mail_from or "", to, message))
        if answer is None:
            assert server.transport is not None
            server.transport.close()
        return answer or "421 gone"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        is_known = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_known, handled=False)


@contextmanager
def mail_server(*, authenticates: bool = False) -> Iterator[MailServer]:
    made = MailServer(authenticates=authenticates)
    loop = asyncio.new_event_loop()

    def session() -> SMTP:
        options: dict[str, Any] = {}
        if authenticates:
            options = {"authenticator": made.authenticate, "auth_required": True, "auth_require_tls": False}
        return SMTP(made, hostname="smtp.example.test", loop=loop, **options)

    server = loop.run_until_complete(loop.create_server(session, "127.0.0.1", 0))
    made.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
