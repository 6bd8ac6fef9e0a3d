"""What became of an attempt to hand a mail over, whichever way it went. Attempts never raise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

SAID_MOST: Final = 300  # characters of a server's own words that are kept

_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Refused:
    """One recipient that a server would not take, while it took others."""

    recipient: str
    permanent: bool
    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The mail was taken; `message` is what the server said, or the id it gave. Those in `refused` do not get it."""

    message: str
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The mail was not taken, as far as is known. Unless `permanent`, another attempt may succeed.

    `code` is the server's (SMTP), or the status (HTTP), where one answered. `message` is a sentence for the agent or
    the operator, without secrets. With `configuration` it is not the mail that is at fault but the settings: attempts
    fail until somebody corrects them.
    """

    permanent: bool
    code: int | None
    message: str
    configuration: bool = False


def said(text: str, *secrets: str | None) -> str:
    """A server's words in one line, without `secrets`."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    line = _BLANK.sub(" ", text).strip()
    return line if len(line) <= SAID_MOST else f"{line[: SAID_MOST - 1]}…"
