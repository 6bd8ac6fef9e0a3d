"""What a webhook says: JSON made of texts that are stored already, the same bytes at every attempt."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from app.core.times import format_instant, format_wait
from app.outbox.model import Delivery

REMINDER: Final = "event.upcoming"
TEST: Final = "test"
LATE_FROM: Final = timedelta(seconds=10)  # a reminder put into the outbox so long after its moment says by how much
_TEST_MESSAGE: Final = "This is a test. Webhooks of this calendar arrive here."


class _Times(msgspec.Struct, omit_defaults=True):
    start: str
    end: str
    start_local: str | None = None
    end_local: str | None = None


_times = msgspec.json.Decoder(_Times).decode
_encode = msgspec.json.Encoder().encode


def body_of(delivery: Delivery) -> bytes:
    """The body of a delivery's requests."""
    if delivery.type == REMINDER:
        return _reminder(delivery)
    if delivery.seq is not None:
        return _change(delivery)
    return _encode(
        {
            "type": delivery.type,
            "calendar_id": delivery.calendar_id,
            "message": _TEST_MESSAGE,
            "timestamp": format_instant(delivery.created_at),
        }
    )


def _reminder(delivery: Delivery) -> bytes:
    assert delivery.fires_at is not None
    late = delivery.created_at - delivery.fires_at
    return (
        f'{{"type":"{delivery.type}","calendar_id":"{delivery.calendar_id}","event_id":"{delivery.event_id}",'
        f'"event":{delivery.event},"offset":"{delivery.offset}","fires_at":"{format_instant(delivery.fires_at)}",'
        + (f'"late_by":"{format_wait(late)}",' if late >= LATE_FROM else "")
        + f'"timestamp":"{format_instant(delivery.created_at)}"}}'
    ).encode()


def _change(delivery: Delivery) -> bytes:
    """What is gone is told as it was last; what was moved, with its times of before."""
    assert delivery.changed_at is not None
    previous = _moved_from(delivery.before, delivery.after)
    return (
        f'{{"type":"{delivery.type}","calendar_id":"{delivery.calendar_id}","event_id":"{delivery.event_id}",'
        f'"event":{delivery.after or delivery.before or "null"},'
        + (f'"previous":{previous},' if previous else "")
        + f'"seq":{delivery.seq},"timestamp":"{format_instant(delivery.changed_at)}"}}'
    ).encode()


def _moved_from(before: str | None, after: str | None) -> str | None:
    if before is None or after is None:
        return None
    was, now = _times(before), _times(after)
    return None if (was.start, was.end) == (now.start, now.end) else _encode(was).decode()
