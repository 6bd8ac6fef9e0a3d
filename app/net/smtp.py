"""Handing a mail to an SMTP server (RFC 5321, 6409), over a connection that the address guard has made."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Final, Protocol, TypeVar

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPConnectResponseError,
    SMTPException,
    SMTPHeloError,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPTimeoutError,
)

from app.core.mailbox import ascii_address, is_mailable
from app.net.sending import Failed, Refused, Sent, said
from app.smtp_server import SmtpServer

SEND_WITHIN: Final = 60.0  # seconds for the whole of it: servers that look for spam take their time after the data
QUIT_WITHIN: Final = 1.0  # seconds for the goodbye, after which the mail has long been taken

_AUTHENTICATION_CODES: Final = frozenset({530, 534, 535, 538})  # RFC 4954 6: asked for, too weak, wrong, needs TLS

T = TypeVar("T")


class Connects(Protocol):
    """The address guard: a connected socket that does not block, or an OSError whose text says why there is none."""

    async def connect(self, host: str, port: int, timeout: float) -> socket.socket: ...  # noqa: ASYNC109 - the guard's


async def send(
    server: SmtpServer,
    message: bytes,
    *,
    sender: str,
    recipients: Sequence[str],
    connects: Connects,
    time_limit: float = SEND_WITHIN,
    context: ssl.SSLContext | None = None,
) -> Sent | Failed:
    """Hands `message` over in one attempt, within `time_limit` seconds; `sender` and `recipients` are the envelope.

    Never raises but for cancellation. The server's certificate must be valid for `server.host`, by `context` or the
    system's authorities. A refusal with 5xx is permanent, unless it is of the user name or password: the mail may yet
    leave when they are corrected. All else is temporary. A connection lost after the data and before the server's
    answer is a failure, although the mail may have been taken: the second copy has the same Message-ID.
    """
    wrong = next((address for address in (sender, *recipients) if not is_mailable(address)), None)
    if wrong is not None or not recipients:
        return Failed(True, None, f"“{said(wrong or '')}” is not an address that mail can be sent from or to.")
    session: _Session | None = None
    try:
        async with asyncio.timeout(time_limit):
            connection = await connects.connect(server.host, server.port, time_limit)
            session = _Session(server, connection, sender, time_limit, context)
            outcome = await session.hand_over(message, recipients)
        await session.quit()  # outside the time limit: what has been taken must not become a failure
    except TimeoutError:
        return Failed(False, None, f"{_where(server)} did not take the mail within {time_limit:g} seconds.")
    except OSError as error:
        return Failed(False, None, f"{_where(server)} cannot be reached: {_reason(error)}.")
    else:
        return outcome
    finally:
        if session is not None:
            session.close()


async def rehearse(
    server: SmtpServer,
    *,
    sender: str,
    connects: Connects,
    time_limit: float,
    context: ssl.SSLContext | None = None,
) -> Failed | None:
    """All that comes before a mail: connection, TLS, user name and password. None where a mail could follow.

    Never raises but for cancellation.
    """
    session: _Session | None = None
    try:
        async with asyncio.timeout(time_limit):
            connection = await connects.connect(server.host, server.port, time_limit)
            session = _Session(server, connection, sender, time_limit, context)
            failed = await session.prepare()
        if failed is None:
            await session.quit()
    except TimeoutError:
        return Failed(False, None, f"{_where(server)} did not answer within {time_limit:g} seconds.")
    except OSError as error:
        return Failed(False, None, f"{_where(server)} cannot be reached: {_reason(error)}.")
    else:
        return failed
    finally:
        if session is not None:
            session.close()


class _Session:
    """One connection, from its greeting on."""

    def __init__(
        self,
        server: SmtpServer,
        connection: socket.socket,
        sender: str,
        time_limit: float,
        context: ssl.SSLContext | None,
    ) -> None:
        self.server = server
        self.connection = connection
        self.sender = ascii_address(sender)
        self.client = SMTP(
            hostname=server.host,
            # For EHLO: not this machine's name, which is nobody's business and slow to find out.
            local_hostname=self.sender.rpartition("@")[2],
            use_tls=server.security == "tls",
            start_tls=False,  # asked for below, where what goes wrong can be told apart
            tls_context=None if server.security == "none" else context or _default_context(),
            timeout=time_limit,
        )

    async def hand_over(self, message: bytes, recipients: Sequence[str]) -> Sent | Failed:
        failed = await self.prepare()
        if failed is not None:
            return failed
        return await self._told_apart(self._transfer(message, [ascii_address(recipient) for recipient in recipients]))

    async def prepare(self) -> Failed | None:
        """What comes before a mail."""
        return await self._told_apart(self._begin())

    async def _told_apart(self, steps: Awaitable[T]) -> T | Failed:
        """What the steps come to, and what they run into as a failure that says what it was."""
        try:
            return await steps
        except ssl.SSLError as error:
            return self._untrusted(error)
        except SMTPTimeoutError as error:
            raise TimeoutError from error
        except SMTPResponseException as error:
            return self._refused(error)
        except SMTPException as error:
            if isinstance(error.__cause__, ssl.SSLError):
                return self._untrusted(error.__cause__)
            what = "ended the connection" if isinstance(error, ConnectionError) else self._said(error.message)
            return Failed(False, None, f"{_where(self.server)} broke off: {what}.")
        except ValueError as error:  # something that the client will not send, or cannot read
            return Failed(False, None, f"The mail cannot be sent: {self._said(str(error))}.")

    async def quit(self) -> None:
        """A goodbye, which changes nothing any more."""
        with suppress(OSError, SMTPException):
            async with asyncio.timeout(QUIT_WITHIN):
                await self.client.quit()

    def close(self) -> None:
        """Ends both directions, so that no TLS transport stays to wait for the server's goodbye. The socket itself is
        closed by its transport, which may still be registered with the event loop."""
        self.client.close()
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    async def _begin(self) -> Failed | None:
        return await self._open() or await self._log_in()

    async def _open(self) -> Failed | None:
        """The greeting, and TLS where it is wanted."""
        await self.client.connect(sock=self.connection)
        await self.client.ehlo()
        if self.server.security != "starttls":
            return None
        if not self.client.supports_extension("starttls"):
            return self._misconfigured(
                "does not offer STARTTLS, without which neither password nor mail is sent: use a port with TLS"
            )
        try:
            await self.client.starttls()
        except SMTPResponseException as error:
            return self._misconfigured(f"refuses STARTTLS ({error.code}: {self._said(error.message)})")
        await self.client.ehlo()
        return None

    async def _log_in(self) -> Failed | None:
        server = self.server
        if server.username is None:
            return None
        offered = self.client.server_auth_methods
        # One method and not one after the other: each failure counts towards a lock-out, or ends the connection.
        for name, log_in in (
            ("plain", self.client.auth_plain),
            ("login", self.client.auth_login),
            ("cram-md5", self.client.auth_crammd5),
        ):
            if name in offered:
                await log_in(server.username, server.password or "")
                return None
        return self._misconfigured("takes no user name and password on this port")

    async def _transfer(self, message: bytes, recipients: Sequence[str]) -> Sent | Failed:
        client = self.client
        options = [f"SIZE={len(message)}"] if client.supports_extension("size") else []
        encoding = "ascii"
        if not (self.sender.isascii() and all(map(str.isascii, recipients)) and message.isascii()):
            if not client.supports_extension("smtputf8"):
                return Failed(True, None, f"{_where(self.server)} takes no addresses outside ASCII (SMTPUTF8).")
            options += ["SMTPUTF8", "BODY=8BITMIME"]
            encoding = "utf-8"
        await client.mail(self.sender, options=options, encoding=encoding)
        refused: list[Refused] = []
        for recipient in recipients:
            try:
                await client.rcpt(recipient, encoding=encoding)
            except SMTPRecipientRefused as error:
                refused.append(Refused(recipient, error.code >= 500, error.code, self._said(error.message)))
        if len(refused) == len(recipients):
            return self._all_refused(refused)
        answer = await client.data(message)
        return Sent(self._said(answer.message), tuple(refused))

    def _all_refused(self, refused: Sequence[Refused]) -> Failed:
        worst = refused[0]
        message = f"{_where(self.server)} refused {worst.recipient} ({worst.code}: {worst.message})."
        return Failed(all(each.permanent for each in refused), worst.code, message)

    def _refused(self, error: SMTPResponseException) -> Failed:
        code, words = error.code, self._said(error.message)
        if code < 100:
            return Failed(False, None, f"{_where(self.server)} does not answer as a mail server does: {words}.")
        if isinstance(error, SMTPAuthenticationError) or code in _AUTHENTICATION_CODES:
            message = f"{_where(self.server)} refused the user name or password ({code}: {words})."
            return Failed(False, code, message, configuration=code >= 500)
        what = "the mail"
        if isinstance(error, SMTPSenderRefused):
            what = "the sender's address"
        elif isinstance(error, (SMTPConnectResponseError, SMTPHeloError)):
            what = "the connection"
        return Failed(code >= 500, code, f"{_where(self.server)} refused {what} ({code}: {words}).")

    def _untrusted(self, error: ssl.SSLError) -> Failed:
        if isinstance(error, ssl.SSLCertVerificationError):
            return self._misconfigured(f"shows a certificate that is not valid for it: {said(error.verify_message)}")
        return self._misconfigured(f"does not speak TLS as this port was said to: {said(error.reason or str(error))}")

    def _misconfigured(self, what: str) -> Failed:
        return Failed(False, None, f"{_where(self.server)} {what}.", configuration=True)

    def _said(self, text: str) -> str:
        password = self.server.password or ""
        return said(text, password, b64encode(password.encode()).decode() if password else None).rstrip(".")


def _where(server: SmtpServer) -> str:
    return f"The mail server {server.host}:{server.port}"


def _reason(error: OSError) -> str:
    known = os.strerror(error.errno) if error.errno else str(error)  # asyncio's own words name the address
    return said(known or type(error).__name__).rstrip(".")


@lru_cache(maxsize=1)
def _default_context() -> ssl.SSLContext:
    return ssl.create_default_context()
