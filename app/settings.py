"""The settings of a deployment, read once from the environment, and the limits of the process.

`SETTINGS` lists every variable; whatever else begins with KALENDS_ is warned about, since a misspelt setting
is otherwise a setting that silently does nothing.
"""

from __future__ import annotations

import base64
import difflib
import ipaddress
import os
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

from app.refusal import Refusal
from app.smtp_server import SmtpServer, parse_smtp_url

# Limits, each with its unit and reason.
STATEMENT_TIMEOUT: Final = 10.0  # seconds: no statement of ours takes one; a runaway must not hold a connection
LOCK_TIMEOUT: Final = 1.6  # seconds a statement waits for another's lock: then the client does better to come back
IDLE_TRANSACTION_TIMEOUT: Final = 10.0  # seconds a process that is cut off may keep a calendar's lock
CONNECT_TIMEOUT: Final = 2  # seconds libpq gives a new connection, so that a dead host is noticed; it takes no fewer
POOL_TIMEOUT: Final = 1.5  # seconds a request waits for a connection before it is answered 503, within two
WAIT_MOST: Final = 1.75  # seconds for a connection and then a lock, together: where many wait for one calendar
PULSE_EVERY: Final = 0.5  # seconds between looks whether the database answers
PULSE_PATIENCE: Final = 1.0  # seconds without an answer until the database counts as away: with the above below two
POOL_MAX: Final = 10  # connections per process: beyond about five a core Postgres only queues them itself
SENDING_POOL: Final = 3  # connections kept for what sends: one looks, one writes down, one reads
CONNECTION_BUDGET: Final = 90  # connections of all web processes together; Postgres' own default allows 100
RETRY_AFTER: Final = 2  # seconds named to clients while the database is away: about a Postgres restart
BACKLOG: Final = 1024  # connections the kernel keeps for us while we are busy
KEEP_ALIVE: Final = 75  # seconds an idle connection stays open: above the 60 that proxies in front keep theirs
HEADER_LIMIT: Final = 32 * 1024  # bytes of request line and headers, where the pure Python parser is in use
GRACE: Final = 8  # seconds requests under way get at a stop, within the ten that process managers commonly allow
WORKERS_MAX: Final = 64  # web processes; more of them would get one database connection each
SECRET_KEY_MIN: Final = 32  # characters: 128 bits even where somebody typed hexadecimal digits
METRICS_TOKEN_MIN: Final = 16  # characters: beyond guessing over a network; it opens numbers only

DEFAULT_POSTMARK_URL: Final = "https://api.postmarkapp.com"
DEFAULT_AGENTMAIL_URL: Final = "https://api.agentmail.to"
DEFAULT_EMAIL_DOMAIN: Final = "kalends.localhost"  # RFC 6761 keeps .localhost from ever being anybody's mail

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_LOCAL_PART: Final = re.compile(r"(?=.{1,64}\Z)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_PREFIX: Final = "KALENDS_"
T = TypeVar("T")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable; `default` and `meaning` are for readers."""

    name: str
    default: str
    meaning: str


SETTINGS: Final = (
    Setting("KALENDS_HOST", "127.0.0.1", "the address to listen on; 0.0.0.0 for every interface"),
    Setting("KALENDS_PORT", "8000", "the port to listen on; 0 takes a free one, which is printed"),
    Setting("KALENDS_DATA_DIR", "./.kalends", "where the embedded Postgres and the secret key live"),
    Setting("KALENDS_PUBLIC_URL", "the address served", "scheme, host and port that answers name in their URLs"),
    Setting("KALENDS_EMAIL_DOMAIN", "the public URL's host", "the domain of the calendars' mail addresses"),
    Setting("KALENDS_WORKERS", "1", f"web processes, 1 to {WORKERS_MAX}"),
    Setting(
        "KALENDS_DISPATCH",
        "on",
        "on or off: web processes send webhooks and mail too; off leaves that to kalends worker",
    ),
    Setting(
        "KALENDS_SECRET_KEY",
        "made once, in the data directory",
        f"what seals stored secrets, {SECRET_KEY_MIN} characters or more; of a comma-separated list the "
        "first seals and the others only open, so that the key can be changed",
    ),
    Setting("KALENDS_RATE_LIMITS", "on", "on or off: answer 429 to too many requests"),
    Setting("KALENDS_RATE_LIMIT_PER_KEY", "1000", "requests a minute that one key may make"),
    Setting("KALENDS_RATE_LIMIT_NEW_AGENTS", "20", "agents an hour that one address may make"),
    Setting("KALENDS_RATE_LIMIT_INBOUND", "60", "mails a minute that one calendar takes in"),
    Setting("KALENDS_QUOTA_CALENDARS", "1000", "calendars an agent may have"),
    Setting("KALENDS_QUOTA_EVENTS", "100000", "events an agent may have, a series counting as one"),
    Setting("KALENDS_QUOTA_OCCURRENCES", "1000000", "occurrences that may be stored for an agent"),
    Setting(
        "KALENDS_INBOUND_BASIC_AUTH",
        "none",
        "user:password that Postmark's inbound webhook must come with; needed for POST /inbound unless on loopback",
    ),
    Setting(
        "KALENDS_AGENTMAIL_WEBHOOK_SECRET",
        "none",
        "the whsec_ secret that AgentMail's webhook must be signed with; needed for POST /inbound unless on loopback",
    ),
    Setting("KALENDS_AGENTMAIL_URL", DEFAULT_AGENTMAIL_URL, "the AgentMail API"),
    Setting(
        "KALENDS_SMTP_URL",
        "none",
        "the mail server for agents without one of their own: smtps://user:password@host:465, or smtp://…:587, "
        "which must offer STARTTLS unless ?starttls=never is added or the host is loopback",
    ),
    Setting(
        "KALENDS_POSTMARK_TOKEN", "none", "a Postmark server token: mail goes through Postmark without an SMTP URL"
    ),
    Setting("KALENDS_POSTMARK_URL", DEFAULT_POSTMARK_URL, "the Postmark API"),
    Setting("KALENDS_MAIL_FROM", "the calendar's address", "the address that mail sent for agents comes from"),
    Setting("KALENDS_MAILS_PER_DAY", "100", "mails a day that an agent may send without a mail server of its own"),
    Setting("KALENDS_NEW_RECIPIENTS_PER_DAY", "50", "addresses a day that an agent may so write to for the first time"),
    Setting(
        "KALENDS_TRUSTED_PROXIES",
        "none",
        "addresses or networks, separated by commas, whose X-Forwarded-For is believed",
    ),
    Setting(
        "KALENDS_ALLOW_PRIVATE_HOSTS",
        "loopback only, on a local start",
        "1 lets webhooks and mail go to private addresses, 0 forbids even loopback",
    ),
    Setting(
        "KALENDS_METRICS_TOKEN",
        "none",
        f"the bearer token, {METRICS_TOKEN_MIN} characters or more, that GET /metrics asks for; without one it is "
        "served on a local start alone",
    ),
    Setting(
        "KALENDS_METRICS_PORT", "none", "a port on which kalends worker serves GET /metrics; web processes do anyway"
    ),
    Setting("DATABASE_URL", "an embedded Postgres", "the Postgres to use, 15 to 18"),
    Setting(
        "KALENDS_DATABASE_DIRECT_URL",
        "DATABASE_URL",
        "Postgres itself, where DATABASE_URL is a pooler in transaction mode, such as pgbouncer: for what needs a "
        "session of its own",
    ),
    Setting(
        "KALENDS_DATABASE_PREPARE",
        "off behind a pooler, else on",
        "on or off: prepare statements; on behind pgbouncer needs its version 1.22 and max_prepared_statements",
    ),
)

DEFAULT_URL: Final = "http://127.0.0.1:8000"
CLIENT_SETTINGS: Final = (
    Setting("KALENDS_URL", DEFAULT_URL, "the deployment that client commands talk to; --url goes before it"),
    Setting("KALENDS_API_KEY", "the one saved by agent create --save", "the key they come with"),
)
"""What commands read that talk to a deployment; a deployment itself does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this deployment runs. `secret_keys` is empty until `with_secret_keys` has found or made one."""

    host: str = "127.0.0.1"
    port: int = 8000
    data_dir: Path = Path(".kalends")
    public_url: str | None = None
    email_domain: str = DEFAULT_EMAIL_DOMAIN
    workers: int = 1
    dispatch: bool = True
    secret_keys: tuple[str, ...] = field(default=(), repr=False)
    rate_limits: bool = True
    rate_limit_per_key: int = 1000
    rate_limit_new_agents: int = 20
    rate_limit_inbound: int = 60
    inbound_basic_auth: str | None = field(default=None, repr=False)
    agentmail_webhook_secret: str | None = field(default=None, repr=False)
    agentmail_url: str = DEFAULT_AGENTMAIL_URL
    quota_calendars: int = 1000
    quota_events: int = 100_000
    quota_occurrences: int = 1_000_000
    smtp: SmtpServer | None = field(default=None, repr=False)
    postmark_token: str | None = field(default=None, repr=False)
    postmark_url: str = DEFAULT_POSTMARK_URL
    mail_from: str | None = None
    mails_per_day: int = 100
    new_recipients_per_day: int = 50
    trusted_proxies: tuple[Network, ...] = ()
    allow_private_hosts: bool | None = None
    metrics_token: str | None = field(default=None, repr=False)
    metrics_port: int | None = None
    database_url: str | None = field(default=None, repr=False)
    database_direct_url: str | None = field(default=None, repr=False)
    database_prepare: bool | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """The settings that the variables spell; an empty variable counts as absent. Touches no file.

        Raises a `Refusal` with one sentence for each variable at fault.
        """
        settings, faults = cls.examined(environ)
        if faults:
            raise Refusal("\n".join(faults.values()), exit_code=2)
        return settings

    @classmethod
    def examined(cls, environ: Mapping[str, str]) -> tuple[Settings, dict[str, str]]:
        """The settings with the defaults of those at fault, and a sentence for each of these, by its variable."""
        faults: dict[str, str] = {}

        def read(name: str, parse: Callable[[str], T], default: T) -> T:
            given = environ.get(name, "").strip()
            if not given:
                return default
            try:
                return parse(given)
            except ValueError as fault:
                faults[name] = f"{name} {fault}"
                return default

        public_url = read("KALENDS_PUBLIC_URL", _public_url, None)
        settings = cls(
            host=read("KALENDS_HOST", _host, "127.0.0.1"),
            port=read("KALENDS_PORT", _port, 8000),
            data_dir=Path(environ.get("KALENDS_DATA_DIR", "").strip() or ".kalends").expanduser().absolute(),
            public_url=public_url,
            email_domain=read("KALENDS_EMAIL_DOMAIN", _email_domain, _email_domain_of(public_url)),
            workers=read("KALENDS_WORKERS", _workers, 1),
            dispatch=read("KALENDS_DISPATCH", _on_or_off, default=True),
            secret_keys=read("KALENDS_SECRET_KEY", _secret_keys, ()),
            rate_limits=read("KALENDS_RATE_LIMITS", _on_or_off, default=True),
            rate_limit_per_key=read("KALENDS_RATE_LIMIT_PER_KEY", _positive, 1000),
            rate_limit_new_agents=read("KALENDS_RATE_LIMIT_NEW_AGENTS", _positive, 20),
            rate_limit_inbound=read("KALENDS_RATE_LIMIT_INBOUND", _positive, 60),
            inbound_basic_auth=read("KALENDS_INBOUND_BASIC_AUTH", _basic_auth, None),
            agentmail_webhook_secret=read("KALENDS_AGENTMAIL_WEBHOOK_SECRET", _webhook_secret, None),
            agentmail_url=read("KALENDS_AGENTMAIL_URL", _agentmail_url, DEFAULT_AGENTMAIL_URL),
            quota_calendars=read("KALENDS_QUOTA_CALENDARS", _positive, 1000),
            quota_events=read("KALENDS_QUOTA_EVENTS", _positive, 100_000),
            quota_occurrences=read("KALENDS_QUOTA_OCCURRENCES", _positive, 1_000_000),
            smtp=read("KALENDS_SMTP_URL", parse_smtp_url, None),
            postmark_token=read("KALENDS_POSTMARK_TOKEN", _postmark_token, None),
            postmark_url=read("KALENDS_POSTMARK_URL", _postmark_url, DEFAULT_POSTMARK_URL),
            mail_from=read("KALENDS_MAIL_FROM", _mail_from, None),
            mails_per_day=read("KALENDS_MAILS_PER_DAY", _positive, 100),
            new_recipients_per_day=read("KALENDS_NEW_RECIPIENTS_PER_DAY", _positive, 50),
            trusted_proxies=read("KALENDS_TRUSTED_PROXIES", _networks, ()),
            allow_private_hosts=read("KALENDS_ALLOW_PRIVATE_HOSTS", _zero_or_one, None),
            metrics_token=read("KALENDS_METRICS_TOKEN", _metrics_token, None),
            metrics_port=read("KALENDS_METRICS_PORT", _port, None),
            database_url=read("DATABASE_URL", _database_url, None),
            database_direct_url=read("KALENDS_DATABASE_DIRECT_URL", _database_url, None),
            database_prepare=read("KALENDS_DATABASE_PREPARE", _on_or_off, None),
        )
        needs_key = settings.database_url and not settings.secret_keys and not settings.is_loopback
        if needs_key and "KALENDS_SECRET_KEY" not in faults:
            sentence = (
                "KALENDS_SECRET_KEY is not set, though DATABASE_URL is: secrets in a database that outlives "
                "this machine need a lasting key too. Make one with `openssl rand -hex 32` and keep it safe."
            )
            faults["KALENDS_SECRET_KEY"] = sentence
        if settings.database_direct_url and not settings.database_url:
            faults["KALENDS_DATABASE_DIRECT_URL"] = (
                "KALENDS_DATABASE_DIRECT_URL is set, and DATABASE_URL is not: set DATABASE_URL to the pooler's "
                "address, or, where there is no pooler, to this one."
            )
        return settings, faults

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach what is served."""
        return is_loopback_host(self.host)

    @property
    def served_url(self) -> str:
        """The address served, as a URL that works on this machine; without a final slash."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def url(self) -> str:
        """What URLs in answers begin with; without a final slash."""
        return self.public_url or self.served_url

    @property
    def is_pooled(self) -> bool:
        """Whether DATABASE_URL is a pooler's address, behind which each transaction may run in another session."""
        return self.database_direct_url not in (None, self.database_url)

    @property
    def prepares(self) -> bool:
        """Whether statements are prepared, which halves their time."""
        return not self.is_pooled if self.database_prepare is None else self.database_prepare

    @property
    def pool_size(self) -> int:
        """Database connections of one web process."""
        return max(1, min(POOL_MAX, CONNECTION_BUDGET // self.workers - self.sending_pool_size))

    @property
    def sending_pool_size(self) -> int:
        """Of one web process, for sending alone, so that what was sent is on record at once however many requests
        wait. 0 where so many processes share the budget that none can be set apart."""
        return SENDING_POOL if self.dispatch and CONNECTION_BUDGET // self.workers >= 2 * SENDING_POOL else 0

    def with_secret_keys(self) -> Settings:
        """These settings with a key to seal with: the one given, else the data directory's, made if need be.

        The file `secret.key` can be read by its owner only. Raises a `Refusal` where it cannot be used.
        """
        if self.secret_keys:
            return self
        path = self.data_dir / "secret.key"
        try:
            return replace(self, secret_keys=_secret_keys(_read_or_make(path)))
        except OSError as error:
            raise Refusal(
                f"The secret key in {path} can be neither read nor made ({error.strerror}): set "
                "KALENDS_DATA_DIR to a directory of your own, for example ~/kalends-data, "
                "or KALENDS_SECRET_KEY to the key.",
                exit_code=2,
            ) from error
        except ValueError as fault:
            raise Refusal(
                f"The key in {path} {fault} Restore the file from a backup; with another key the secrets "
                "that are stored cannot be opened any more.",
                exit_code=2,
            ) from None


def is_loopback_host(host: str) -> bool:
    """Whether a name or an address stands for this machine alone."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def warnings(environ: Mapping[str, str]) -> list[str]:
    """A sentence for every KALENDS_ variable that is none of ours, naming the one that was probably meant."""
    known = [setting.name for setting in (*SETTINGS, *CLIENT_SETTINGS)]
    sentences = []
    for name in sorted(environ):
        if not name.startswith(_PREFIX) or name in known or name.startswith("KALENDS_TEST_"):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        meant = f"did you mean {near[0]}?" if near else f"the settings are {', '.join(known)}."
        sentences.append(f"{name} is not a setting of Kalends and does nothing; {meant}")
    return sentences


def client_url(text: str) -> str:
    """A deployment's URL as it was given: scheme, host and port. Raises ValueError with the rest of a sentence."""
    return _origin(text, f"for example {DEFAULT_URL}.")


def _host(text: str) -> str:
    bare = text.removeprefix("[").removesuffix("]").lower()
    if _is_address(bare) or _HOST_NAME.fullmatch(bare):
        return bare
    raise ValueError(f"is {text!r}, which is neither an address nor a host name: for example 0.0.0.0.")


def _port(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,5}", text) and int(text) <= 65535:
        return int(text)
    raise ValueError(f"is {text!r}, which is not a port from 0 to 65535: for example 8000.")


def _workers(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,3}", text) and 1 <= int(text) <= WORKERS_MAX:
        return int(text)
    raise ValueError(f"is {text!r}, which is not a number from 1 to {WORKERS_MAX}: for example 2.")


def _on_or_off(text: str) -> bool:
    if text.lower() in ("on", "off"):
        return text.lower() == "on"
    raise ValueError(f"is {text!r}, which is neither on nor off: for example on.")


def _positive(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,9}", text) and int(text) > 0:
        return int(text)
    raise ValueError(f"is {text!r}, which is not a whole number from 1 to 999999999: for example 1000.")


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as fault:
        raise ValueError(f"names something that is no address or network ({fault}): for example 10.0.0.0/8.") from None


def _zero_or_one(text: str) -> bool:
    if text in ("0", "1"):
        return text == "1"
    raise ValueError(f"is {text!r}, which is neither 0 nor 1: for example 0.")


def _public_url(text: str) -> str:
    return _origin(text, "for example https://calendars.example.com.")


def _postmark_url(text: str) -> str:
    return _secret_origin(text, DEFAULT_POSTMARK_URL, "the token")


def _agentmail_url(text: str) -> str:
    return _secret_origin(text, DEFAULT_AGENTMAIL_URL, "calendars' keys")


def _secret_origin(text: str, example: str, secret: str) -> str:
    url = _origin(text, f"for example {example}.")
    host = urlsplit(url).hostname or ""
    if url.startswith("http:") and not is_loopback_host(host):
        raise ValueError(f"begins with http://, which shows {secret} to all on the way: for example https://{host}.")
    return url


def _origin(text: str, example: str) -> str:
    """Scheme, host and port, without a final slash."""
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise ValueError(f"cannot be read as a URL: {example}") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"carries a user name or password, which does not belong there: {example}")
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"is {text!r}, which does not begin with http:// or https://: {example}")
    if not (_is_address(host) or _HOST_NAME.fullmatch(host)):
        raise ValueError(f"is {text!r}, whose host is not a name or an address: {example}")
    if parts.path not in ("", "/") or "?" in text or "#" in text:
        raise ValueError(f"is {text!r}, which has more than scheme, host and port: {example}")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else "")


def _postmark_token(text: str) -> str:
    if re.fullmatch(r"[\x21-\x7e]+", text):
        return text
    # The token itself is not shown: this sentence goes to logs.
    raise ValueError("has blanks or characters outside ASCII: copy the server's API token, for example 01234567-89ab.")


def _metrics_token(text: str) -> str:
    if len(text) >= METRICS_TOKEN_MIN and re.fullmatch(r"[\x21-\x7e]+", text):
        return text
    # The token itself is not shown: this sentence goes to logs.
    raise ValueError(
        f"is shorter than {METRICS_TOKEN_MIN} characters, or has blanks or characters outside ASCII: make one with "
        "`openssl rand -hex 32`."
    )


def _basic_auth(text: str) -> str:
    user, colon, password = text.partition(":")
    if user and colon and password and text.isascii() and text.isprintable():
        return text
    # The password itself is not shown: this sentence goes to logs.
    raise ValueError("is not user:password in ASCII: for example postmark:and-a-long-random-password.")


def _webhook_secret(text: str) -> str:
    try:
        is_whole = text.startswith("whsec_") and bool(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    except ValueError:
        is_whole = False
    if is_whole:
        return text
    # The secret itself is not shown: this sentence goes to logs.
    raise ValueError("is not whsec_ and base64 behind it: copy the webhook's signing secret from AgentMail.")


def _mail_from(text: str) -> str:
    local, _, domain = text.rpartition("@")
    if _LOCAL_PART.fullmatch(local) and _HOST_NAME.fullmatch(domain.lower()):
        return f"{local}@{domain.lower()}"
    raise ValueError(f"is {text!r}, which is not one plain mail address: for example calendars@example.com.")


def _email_domain(text: str) -> str:
    domain = text.lower()
    if _HOST_NAME.fullmatch(domain) and "." in domain and not domain.rpartition(".")[2].isdigit():
        return domain
    raise ValueError(f"is {text!r}, which is not a mail domain: for example calendars.example.com.")


def _email_domain_of(public_url: str | None) -> str:
    try:
        return _email_domain(urlsplit(public_url or "").hostname or "")
    except ValueError:
        return DEFAULT_EMAIL_DOMAIN


def _secret_keys(text: str) -> tuple[str, ...]:
    keys = tuple(part.strip() for part in text.split(",") if part.strip())
    if not keys or any(len(key) < SECRET_KEY_MIN for key in keys):
        # The key itself is not shown: this sentence goes to logs.
        raise ValueError(f"has a key of fewer than {SECRET_KEY_MIN} characters: make one with `openssl rand -hex 32`.")
    return keys


def _database_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        well_formed = parts.scheme in ("postgresql", "postgres") and parts.port != 0
    except ValueError:
        well_formed = False
    if well_formed:
        return text
    # The URL itself is not shown: it carries a password.
    raise ValueError("is not a Postgres URL: for example postgresql://user:password@db.example.com:5432/kalends.")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _read_or_make(path: Path) -> str:
    """The text of the key file. It appears whole or not at all, and the first of several makers wins."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(unfinished, path)
    finally:
        unfinished.unlink()
    return path.read_text(encoding="ascii").strip()
