"""Settings that cannot be read, that are none, and that do not go together."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from app.doctor.finding import Finding, fault, ok, warning
from app.settings import DEFAULT_EMAIL_DOMAIN, Settings, warnings

CHECK: Final = "settings"


def check_settings(environ: Mapping[str, str], settings: Settings, faults: Mapping[str, str]) -> list[Finding]:
    """`faults` has a sentence for each variable that cannot be read, for which `settings` has the default."""
    findings = [
        fault(CHECK, sentence, f"Correct {name}; `kalends --help` says what each setting takes.")
        for name, sentence in faults.items()
    ]
    findings += [
        warning(CHECK, f"{said}.", f"{meant[:1].upper()}{meant[1:]} Rename it, or take it out.")
        for said, _, meant in (sentence.partition("; ") for sentence in warnings(environ))
    ]
    findings += _openness(settings)
    findings += _addresses(settings)
    findings += _mail(settings)
    return findings or [ok(CHECK, "All settings can be read, and go together.")]


def _openness(settings: Settings) -> Iterator[Finding]:
    """What a deployment that others can reach should not have."""
    if any(network.prefixlen == 0 for network in settings.trusted_proxies):
        yield warning(
            CHECK,
            "KALENDS_TRUSTED_PROXIES trusts everybody: whoever calls can name any address as theirs, "
            "and so evade the limits that go by address.",
            "Name the addresses of the proxies that stand before Kalends.",
        )
    if settings.is_loopback:
        return
    if not settings.rate_limits:
        yield warning(
            CHECK,
            f"Rate limits are off, though KALENDS_HOST ({settings.host}) can be reached by others: "
            "anybody may make agents without end.",
            "Take KALENDS_RATE_LIMITS=off out, or bind to 127.0.0.1.",
        )
    if settings.allow_private_hosts:
        yield warning(
            CHECK,
            "KALENDS_ALLOW_PRIVATE_HOSTS=1 lets whoever makes an agent have this machine call its own network.",
            "Take it out, unless all who can reach Kalends may reach that network too.",
        )


def _addresses(settings: Settings) -> Iterator[Finding]:
    url = urlsplit(settings.public_url or "")
    is_local = _is_local(url.hostname or "")
    if not settings.is_loopback and settings.public_url is None:
        yield warning(
            CHECK,
            f"KALENDS_PUBLIC_URL is not set, though KALENDS_HOST is {settings.host}: feeds and webhooks in answers "
            f"begin with {settings.served_url}, which others cannot reach.",
            "Set KALENDS_PUBLIC_URL to the address that others use, such as https://calendars.example.com.",
        )
    if url.scheme == "http" and not is_local:
        yield warning(
            CHECK,
            f"KALENDS_PUBLIC_URL ({settings.public_url}) is http: keys and feeds can be read by all on the way.",
            "Put a proxy with TLS before Kalends, and name its https address.",
        )
    if url.scheme == "https" and not settings.trusted_proxies:
        yield warning(
            CHECK,
            "KALENDS_PUBLIC_URL is https, so a proxy stands before Kalends, but KALENDS_TRUSTED_PROXIES names none: "
            "all callers seem to come from the proxy and share the limits that go by address.",
            "Set KALENDS_TRUSTED_PROXIES to the proxy's address, such as 127.0.0.1 or 10.0.0.0/8.",
        )


def _mail(settings: Settings) -> Iterator[Finding]:
    has_transport = settings.smtp is not None or settings.postmark_token is not None
    takes_mail = settings.inbound_basic_auth is not None or settings.agentmail_webhook_secret is not None
    if settings.email_domain == DEFAULT_EMAIL_DOMAIN and (has_transport or takes_mail or not settings.is_loopback):
        yield warning(
            CHECK,
            f"The calendars' mail addresses end in {DEFAULT_EMAIL_DOMAIN}, where no mail can arrive.",
            "Set KALENDS_EMAIL_DOMAIN to a domain whose mail your provider passes on.",
        )
    elif not settings.is_loopback and not takes_mail:
        yield warning(
            CHECK,
            "POST /inbound takes no mail: neither KALENDS_INBOUND_BASIC_AUTH nor KALENDS_AGENTMAIL_WEBHOOK_SECRET is "
            "set, without which anybody could post some.",
            "Set the one of your mail provider, unless each calendar's own inbound URL is used.",
        )
    if settings.smtp is not None and settings.postmark_token is not None:
        yield warning(
            CHECK,
            "KALENDS_SMTP_URL and KALENDS_POSTMARK_TOKEN are both set: all mail goes over SMTP.",
            "Take out the one that is not meant.",
        )
    if settings.mail_from is not None and not has_transport:
        yield warning(
            CHECK,
            "KALENDS_MAIL_FROM does nothing: there is neither KALENDS_SMTP_URL nor KALENDS_POSTMARK_TOKEN.",
            "Set one of them, or take KALENDS_MAIL_FROM out.",
        )


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
