"""Structured logs: one JSON object a line on standard error. Secrets are struck out wherever they appear."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from app.metrics.families import EVENTS

# Without a word border before it: in JSON text the n of an escaped line break may stand there.
_SECRET: Final = re.compile(r"(sk_live|feed|inb|whsec)_[0-9A-Za-z+/=]{8,}")
_encode = msgspec.json.Encoder(enc_hook=str).encode


def redact(text: str) -> str:
    """`text` with every secret of ours replaced by its prefix and an ellipsis."""
    return _SECRET.sub(r"\1_…", text)


def log(event: str, **fields: Any) -> None:
    """Write one line. `event` is a dotted noun and verb such as `request.done`; fields are plain values.

    The stamp is the machine's time, not the service's clock: logs tell when something ran.
    """
    if event != "request.done":  # counted by the edge
        EVENTS.add(event)
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = _encode({"at": stamp, "event": event, **fields}).decode()
    sys.stderr.write(redact(line) + "\n")


class _LibraryLogs(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        trace = {"trace": "".join(traceback.format_exception(*record.exc_info))} if record.exc_info else {}
        log("library.said", logger=record.name, level=record.levelname.lower(), message=record.getMessage(), **trace)


def take_library_logs() -> None:
    """Have warnings and worse of the libraries written as lines of ours, instead of as text among them."""
    logging.basicConfig(level=logging.WARNING, handlers=[_LibraryLogs()], force=True)
