"""What a mail's provider reports about its sender. It is told, and decides nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from app.core.itip import Message, Person
from app.inbound.mail import Mail

_RESULT: Final = re.compile(r"\b(spf|dkim|dmarc)\s*=\s*([a-z]{2,12})\b", re.IGNORECASE)
_WORD: Final = re.compile(r"\s*([a-z]{2,12})\b", re.IGNORECASE)
_RESULTS: Final = frozenset(
    {"pass", "fail", "softfail", "neutral", "none", "temperror", "permerror", "policy", "bestguesspass"}
)
_SPAM_TESTS: Final[Mapping[str, Mapping[str, str]]] = {
    "spf": {"SPF_PASS": "pass", "SPF_FAIL": "fail", "SPF_SOFTFAIL": "softfail", "SPF_NEUTRAL": "neutral",
            "SPF_NONE": "none"},
    "dkim": {"DKIM_VALID": "pass", "DKIM_INVALID": "fail"},
    "dmarc": {"DMARC_PASS": "pass", "DMARC_REJECT": "fail", "DMARC_QUAR": "fail", "DMARC_NONE": "none"},
}  # fmt: skip


class SenderCheck(msgspec.Struct, frozen=True):
    """Results as RFC 8601 names them, None where none is reported. `organiser_is_sender` compares addresses: None where
    no invitation is in the mail."""

    spf: str | None = None
    dkim: str | None = None
    dmarc: str | None = None
    organiser_is_sender: bool | None = None

    def as_json(self) -> str:
        return msgspec.json.encode(self).decode()


def sender_check(mail: Mail) -> SenderCheck:
    """From the provider's own headers first (Received-SPF, X-Spam-Tests), then from the topmost Authentication-Results,
    which the last server on the way put there; those below may be the sender's invention."""
    told = {name.lower(): value.lower() for name, value in _RESULT.findall(mail.header("authentication-results") or "")}
    tests = set(re.split(r"[,\s]+", mail.header("x-spam-tests") or ""))
    found: dict[str, str | None] = {}
    for name, known in _SPAM_TESTS.items():
        seen = next((result for test, result in known.items() if test in tests), None)
        found[name] = _known(seen or told.get(name))
    by_header = _WORD.match(mail.header("received-spf") or "")
    if by_header is not None and _known(by_header[1]) is not None:
        found["spf"] = _known(by_header[1])
    return SenderCheck(found["spf"], found["dkim"], found["dmarc"])


def _known(result: str | None) -> str | None:
    word = (result or "").lower()
    return word if word in _RESULTS else None


def with_organiser(check: SenderCheck, mail: Mail, message: Message, known: Person | None) -> SenderCheck:
    """The check with whether the message's organiser, or who sends on the organiser's behalf, sent the mail."""
    if message.method == "REPLY":
        return check
    organiser = next((part.organizer for part in message.components if part.organizer is not None), known)
    sender = mail.sender.strip().lower()
    is_sender = organiser is not None and sender != "" and sender in (organiser.address, organiser.sent_by)
    return msgspec.structs.replace(check, organiser_is_sender=is_sender)
