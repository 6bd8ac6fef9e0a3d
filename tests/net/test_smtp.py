"""Sending against real SMTP servers on loopback: aiosmtpd, and some that misbehave."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any, Final

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.mail.mime import mime
from app.net.sending import Failed, Refused, Sent
from app.net.smtp import send
from app.smtp_server import Security, SmtpServer
from tests.mail.test_compose import LATER, SENDER, invited

NAME: Final = "smtp.example.test"
MAIL: Final = b"From: <work@kalends.example>\r\nTo: <ada@example.com>\r\nSubject: Hi\r\n\r\n.a dot\r\nand a line\r\n"
PASSWORD: Final = "correct horse"


class Loopback:
    """Connects to this machine, whatever the name."""

    async def connect(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ASYNC109
        connection = socket.socket()
        connection.setblocking(False)
        try:
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port)), timeout)
        except BaseException:
            connection.close()
            raise
        return connection


class Certificate:
    """A self-made certificate for one name: contexts for its server and for clients that trust it."""

    def __init__(self, name: str, directory: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        file = directory / f"{name}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = made.public_bytes(serialization.Encoding.PEM)
        file.write_bytes(private + public)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(file)
        self.client = ssl.create_default_context(cadata=public.decode())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(NAME, tmp_path_factory.mktemp("certificate"))


class Inbox:
    """aiosmtpd's handler: keeps what it took, and answers to some as told."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.mails: list[Envelope] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.answers.get(address.partition("@")[0], "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.answers.get("MAIL", "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append(envelope)
        return self.answers.get("DATA", "250 Taken as 4711")


def knows_user(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=(data.login, data.password) == (b"user", PASSWORD.encode()), handled=False)


@asynccontextmanager
async def smtpd(inbox: Inbox, *, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[int]:
    """The port of a server; with `tls` in TLS from the first octet."""

    def session() -> SMTP:
        return SMTP(inbox, hostname=NAME, loop=asyncio.get_running_loop(), enable_SMTPUTF8=True, **options)

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def scripted(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server that does what `script` does with each connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await script(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


def answering(*answers: str, then: str = "close", greeting: str = "220 hello") -> Script:
    """One answer to each command, then the end or silence."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting.encode() + b"\r\n" if greeting else b"")
        for answer in answers:
            line = await reader.readline()
            if answer == "354":
                assert line == b"DATA\r\n"
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
            elif answer:
                writer.write(answer.encode() + b"\r\n")
        if then == "silence":
            await reader.read()
            await asyncio.sleep(60)

    return script


def run(work: Coroutine[Any, Any, Sent | Failed]) -> Sent | Failed:
    return asyncio.run(work)


async def hand_in(
    port: int,
    *,
    security: Security = "none",
    username: str | None = None,
    password: str | None = None,
    context: ssl.SSLContext | None = None,
    recipients: Sequence[str] = ("ada@example.com",),
    sender: str = "work@kalends.example",
    message: bytes = MAIL,
    time_limit: float = 5,
    host: str = NAME,
) -> Sent | Failed:
    return await send(
        SmtpServer(host, port, username, password, security),
        message,
        sender=sender,
        recipients=recipients,
        connects=Loopback(),
        time_limit=time_limit,
        context=context,
    )


# ------------------------------------------------------------------------------------------------ what gets through


def test_a_mail_arrives_as_it_was_written() -> None:
    inbox = Inbox()

    async def work() -> Sent | Failed:
        async with smtpd(inbox) as port:
            return await hand_in(port)

    assert run(work()) == Sent("Taken as 4711")
    [mail] = inbox.mails
    assert (mail.mail_from, mail.rcpt_tos, mail.content) == ("work@kalends.example", ["ada@example.com"], MAIL)


def test_a_composed_mail_arrives_with_its_calendar_octet_by_octet() -> None:
    inbox = Inbox()
    mail = invited()
    octets = mime(mail, SENDER, LATER)

    async def work() -> Sent | Failed:
        async with smtpd(inbox) as port:
            return await hand_in(port, message=octets)

    assert isinstance(run(work()), Sent)
    content = inbox.mails[0].content
    assert content == octets
    [calendar] = [part for part in message_from_bytes(octets).walk() if part.get_content_type() == "text/calendar"]
    assert calendar.get_payload(decode=True) == mail.ics.encode()


def test_over_starttls_with_a_password(certificate: Certificate) -> None:
    inbox = Inbox()

    async def work() -> Sent | Failed:
        async with smtpd(
            inbox, tls_context=certificate.server, require_starttls=True, authenticator=knows_user, auth_required=True
        ) as port:
            return await hand_in(
                port, security="starttls", username="user", password=PASSWORD, context=certificate.client
            )

    assert isinstance(run(work()), Sent)
    assert len(inbox.mails) == 1


def test_over_tls_from_the_first_octet_with_a_password(certificate: Certificate) -> None:
    inbox = Inbox()

    async def work() -> Sent | Failed:
        async with smtpd(inbox, tls=certificate.server, authenticator=knows_user, auth_require_tls=False) as port:
            return await hand_in(port, security="tls", username="user", password=PASSWORD, context=certificate.client)

    assert isinstance(run(work()), Sent)
    assert len(inbox.mails) == 1


def test_international_domains_are_sent_in_ascii_and_local_parts_with_smtputf8() -> None:
    inbox = Inbox()

    async def work() -> list[Sent | Failed]:
        async with smtpd(inbox) as port:
            return [
                await hand_in(port, recipients=["ada@bücher.example"], sender="work@bücher.example"),
                await hand_in(port, recipients=["jürgen@example.com"]),
            ]

    assert [type(outcome) for outcome in asyncio.run(work())] == [Sent, Sent]
    first, second = inbox.mails
    assert (first.mail_from, first.rcpt_tos) == ("work@xn--bcher-kva.example", ["ada@xn--bcher-kva.example"])
    assert "SMTPUTF8" not in first.mail_options
    assert second.rcpt_tos == ["jürgen@example.com"]
    assert "SMTPUTF8" in second.mail_options


def test_once_the_mail_is_taken_a_goodbye_that_hangs_makes_it_no_failure() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering("250 hello", "250 ok", "250 ok", "354")(reader, writer)
        writer.write(b"250 taken\r\n")
        await reader.read()
        await asyncio.sleep(60)  # says nothing to QUIT

    async def work() -> Sent | Failed:
        async with scripted(script) as port:
            return await hand_in(port, time_limit=0.5)  # less than the goodbye takes

    began = time.monotonic()
    assert run(work()) == Sent("taken")
    assert time.monotonic() - began < 10


class Said(str):
    """Equal to every sentence that ends so; the beginning names a port."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and other.startswith(f"The mail server {NAME}:") and other.endswith(str(self))


# ---------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"ada": "550 No such user"}, Failed(True, 550, Said("refused ada@example.com (550: No such user)."))),
        ({"ada": "450 Try later"}, Failed(False, 450, Said("refused ada@example.com (450: Try later)."))),
        ({"DATA": "554 Looks like spam."}, Failed(True, 554, Said("refused the mail (554: Looks like spam)."))),
        ({"DATA": "451 Disk full"}, Failed(False, 451, Said("refused the mail (451: Disk full)."))),
        ({"MAIL": "553 Not yours"}, Failed(True, 553, Said("refused the sender's address (553: Not yours)."))),
        (
            {"MAIL": "530 Log in first"},
            Failed(False, 530, Said("refused the user name or password (530: Log in first)."), configuration=True),
        ),
    ],
)
def test_5xx_is_final_and_4xx_is_not(answers: dict[str, str], outcome: Failed) -> None:
    async def work() -> Sent | Failed:
        async with smtpd(Inbox(**answers)) as port:
            return await hand_in(port)

    assert run(work()) == outcome


def test_one_refused_recipient_does_not_keep_the_mail_from_the_others() -> None:
    inbox = Inbox(bob="550 Unknown", eve="452 Full")

    async def work(*recipients: str) -> Sent | Failed:
        async with smtpd(inbox) as port:
            return await hand_in(port, recipients=recipients)

    assert run(work("ada@example.com", "bob@example.com", "eve@example.com")) == Sent(
        "Taken as 4711",
        (Refused("bob@example.com", True, 550, "Unknown"), Refused("eve@example.com", False, 452, "Full")),
    )
    assert run(work("bob@example.com", "eve@example.com")) == Failed(
        False, 550, Said("refused bob@example.com (550: Unknown).")
    )


def test_a_wrong_password_is_a_fault_of_the_settings_and_is_never_repeated(certificate: Certificate) -> None:
    async def work() -> Sent | Failed:
        async with smtpd(Inbox(), tls=certificate.server, authenticator=knows_user, auth_require_tls=False) as port:
            return await hand_in(port, security="tls", username="user", password="wrong", context=certificate.client)

    outcome = run(work())
    assert isinstance(outcome, Failed)
    assert (outcome.permanent, outcome.code, outcome.configuration) == (False, 535, True)


def test_a_server_that_repeats_the_password_cannot_put_it_into_our_words() -> None:
    encoded = base64.b64encode(PASSWORD.encode()).decode()
    script = answering("250-hello\r\n250 AUTH PLAIN", f"535 {PASSWORD} or {encoded} is wrong")

    async def work() -> Sent | Failed:
        async with scripted(script) as port:
            return await hand_in(port, username="user", password=PASSWORD)

    assert run(work()) == Failed(
        False, 535, Said("refused the user name or password (535: … or … is wrong)."), configuration=True
    )


def test_a_password_is_not_sent_where_none_is_asked_for() -> None:
    async def work() -> Sent | Failed:
        async with smtpd(Inbox()) as port:
            return await hand_in(port, username="user", password=PASSWORD)

    assert run(work()) == Failed(False, None, Said("takes no user name and password on this port."), configuration=True)


def test_an_international_local_part_needs_a_server_that_takes_it() -> None:
    async def work() -> Sent | Failed:
        async with scripted(answering("250 hello", "221 bye")) as port:
            return await hand_in(port, recipients=["jürgen@example.com"])

    assert run(work()) == Failed(True, None, Said("takes no addresses outside ASCII (SMTPUTF8)."))


# -------------------------------------------------------------------------------------------------- who is trusted


def test_nothing_is_said_to_a_server_that_hides_starttls() -> None:
    heard: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        heard.append(await reader.readline())
        writer.write(b"250-hello\r\n250 AUTH PLAIN\r\n")
        heard.append(await reader.read())
        ended.set()

    ended = asyncio.Event()

    async def work() -> Sent | Failed:
        async with scripted(script) as port:
            outcome = await hand_in(port, security="starttls", username="user", password=PASSWORD)
            await ended.wait()
            return outcome

    outcome = run(work())
    assert isinstance(outcome, Failed)
    assert outcome.configuration
    assert "STARTTLS" in outcome.message
    assert heard == [b"EHLO kalends.example\r\n", b"QUIT\r\n"]


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize("why", ["other name", "unknown authority"])
def test_a_certificate_must_be_valid_for_the_name(certificate: Certificate, security: Security, why: str) -> None:
    inbox = Inbox()
    is_tls = security == "tls"
    host, context = ("mail.example.test", certificate.client) if why == "other name" else (NAME, None)

    async def work() -> Sent | Failed:
        async with smtpd(
            inbox,
            tls=certificate.server if is_tls else None,
            tls_context=None if is_tls else certificate.server,
        ) as port:
            return await hand_in(port, security=security, context=context, host=host)

    outcome = run(work())
    assert isinstance(outcome, Failed)
    assert (outcome.permanent, outcome.configuration) == (False, True)
    assert "certificate that is not valid" in outcome.message
    assert inbox.mails == []


def test_plain_smtp_on_a_port_for_tls_is_told_as_that() -> None:
    async def work() -> Sent | Failed:
        async with smtpd(Inbox()) as port:
            return await hand_in(port, security="tls")

    outcome = run(work())
    assert isinstance(outcome, Failed)
    assert outcome.configuration
    assert "does not speak TLS" in outcome.message


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (
            answering("250-hello\r\n250 STARTTLS", "502 no"),
            Failed(False, None, Said("refuses STARTTLS (502: no)."), True),
        ),
        (answering("550 not you"), Failed(True, 550, Said("refused the connection (550: not you)."))),
        (answering(greeting="554 not here"), Failed(True, 554, Said("refused the connection (554: not here)."))),
    ],
)
def test_a_refusal_before_the_mail_says_what_was_refused(script: Script, outcome: Failed) -> None:
    async def work() -> Sent | Failed:
        async with scripted(script) as port:
            return await hand_in(port, security="starttls")

    assert run(work()) == outcome


# ------------------------------------------------------------------------------------------------ faults on the way


def test_nobody_listening_is_temporary() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        outcome = run(hand_in(taken.getsockname()[1]))
    assert outcome == Failed(False, None, Said("cannot be reached: Connection refused."))


def test_what_the_guard_says_is_told() -> None:
    class Refusing:
        async def connect(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ASYNC109
            raise OSError(f"{host} is at a private or reserved address, which is not called from here.")

    outcome = run(
        send(SmtpServer(NAME, 25), MAIL, sender="a@x.example", recipients=["b@x.example"], connects=Refusing())
    )
    words = f"cannot be reached: {NAME} is at a private or reserved address, which is not called from here."
    assert outcome == Failed(False, None, Said(words))


@pytest.mark.parametrize(
    "script",
    [
        answering(then="close"),
        answering("250 hello"),
        answering("250 hello", "250 ok", "250 ok"),
        answering("250 hello", "250 ok", "250 ok", "354"),
        answering("250 hello", "421 too busy"),
        answering("250 hello", "250 ok", "421 too busy"),
        answering(greeting="421 too busy"),
        answering(greeting="HTTP/1.1 400 Bad Request"),
        answering("x" * 100_000),
        answering("250 hello", "25\x00 ok"),
    ],
)
def test_a_server_that_breaks_off_or_talks_nonsense_is_temporary(script: Script) -> None:
    async def work() -> Sent | Failed:
        async with scripted(script) as port:
            return await hand_in(port)

    outcome = run(work())
    assert isinstance(outcome, Failed)
    assert not outcome.permanent
    assert not outcome.configuration


@pytest.mark.parametrize(
    "script",
    [
        answering(greeting="", then="silence"),
        answering(then="silence"),
        answering("250 hello", "250 ok", then="silence"),
        answering("250 hello", "250 ok", "250 ok", "354", then="silence"),
    ],
)
def test_a_server_that_hangs_is_left_when_the_time_is_up(script: Script) -> None:
    async def work() -> Sent | Failed:
        async with scripted(script) as port:
            return await hand_in(port, time_limit=0.2)

    began = time.monotonic()
    assert isinstance(outcome := run(work()), Failed)
    assert outcome == Failed(False, None, Said("did not take the mail within 0.2 seconds."))
    assert time.monotonic() - began < 5


def test_a_handshake_that_hangs_is_left_when_the_time_is_up() -> None:
    async def work(security: Security, script: Script) -> Sent | Failed:
        async with scripted(script) as port:
            return await hand_in(port, security=security, time_limit=0.2)

    offers = answering("250-hello\r\n250 STARTTLS", "220 go on", then="silence")
    for outcome in (run(work("starttls", offers)), run(work("tls", answering(greeting="", then="silence")))):
        assert isinstance(outcome, Failed)
        assert "within 0.2 seconds" in outcome.message


def test_many_failed_sends_leave_no_socket_behind(certificate: Certificate) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        problems: list[dict[str, Any]] = []
        loop.set_exception_handler(lambda _, context: problems.append(context))
        async with (
            scripted(answering(greeting="554 go away"), certificate.server) as refusing,
            scripted(answering(greeting="220 hi", then="silence"), certificate.server) as hanging,
        ):
            before = open_files()
            for _ in range(10):
                await hand_in(refusing, security="tls", context=certificate.client)
                await hand_in(hanging, security="tls", context=certificate.client, time_limit=0.1)
            for _ in range(100):
                await asyncio.sleep(0.01)
                if open_files() <= before:
                    break
            assert open_files() <= before + 10  # the servers' ends of the connections that hang
        assert problems == []

    asyncio.run(work())


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    "sender", ["work@kalends.example\r\nRCPT TO:<eve@example.com>", "a b@kalends.example", "ü\n@x.y"]
)
def test_an_envelope_that_is_none_is_refused_before_anything_is_sent(sender: str) -> None:
    inbox = Inbox()

    async def work() -> Sent | Failed:
        async with smtpd(inbox) as port:
            return await hand_in(port, sender=sender)

    outcome = run(work())
    assert isinstance(outcome, Failed)
    assert outcome.permanent
    assert inbox.mails == []
