"""What is kept of one UID in one calendar."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from app.core.itip.component import Component, Person

MAX_SLOTS: Final = 1_000  # dates named one by one in a thread, at about 1 KB each; a series lists rarely more than 50
MAX_WAITING: Final = 8  # organisers whose cancellations wait in one thread; more than one is forgery or chance
MAX_ANSWERS: Final = 2_000  # answers kept: every attendee there may be, and as many for single dates
MAX_BYTES: Final = 4_000_000  # of JSON text in one thread: four of the largest calendars that are read
_MANY: Final = 10  # slots from which on a thread is measured: fewer, at 200 KB for each of two components, fit

_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)
MASTER: Final = ""
_FUTURE: Final = "+"


class Slot(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was said of the whole event, or of one of its dates: the newest invitation, the newest cancellation.

    Both are kept, since a cancellation may hold no text, and may come before what it cancels.
    """

    invite: Component | None = None
    cancel: Component | None = None

    @property
    def is_cancelled(self) -> bool:
        if self.cancel is None:
            return False
        return self.invite is None or version(self.cancel) >= version(self.invite)


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """An attendee's newest REPLY, to the whole event or (with `recurrence_id`) for one date."""

    address: str
    partstat: str
    recurrence_id: str | None = None
    name: str | None = None
    comment: str | None = None
    sequence: int = 0
    dtstamp: datetime | None = None


class Thread(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that is known of one UID in one calendar; grows by `absorb` alone.

    `slots` are keyed by `slot_key`: "" for the whole event, a recurrence id for one date, with `+` after it for that
    and all later ones. `organizer` is the first one that invited: nobody else changes the event. `waiting` holds
    cancellations of what is not here yet, by the address of who sent them ("" for nobody): whose invitation comes first
    finds their own, and the others' are dropped.
    """

    uid: str
    organizer: Person | None = None
    slots: Mapping[str, Slot] = msgspec.field(default_factory=dict)
    waiting: Mapping[str, Mapping[str, Slot]] = msgspec.field(default_factory=dict)
    answers: Mapping[str, Answer] = msgspec.field(default_factory=dict)


_decode = msgspec.json.Decoder(Thread).decode


def thread_to_json(thread: Thread) -> str:
    """JSON text that `thread_from_json` reads back as an equal thread."""
    return msgspec.json.encode(thread).decode()


def thread_from_json(text: str) -> Thread:
    """Raises `msgspec.DecodeError` for what `thread_to_json` did not write."""
    return _decode(text)


def is_too_large(thread: Thread) -> bool:
    """Whether the thread has more text than is kept."""
    count = len(thread.slots) + sum(map(len, thread.waiting.values()))
    return count > _MANY and len(msgspec.json.encode(thread)) > MAX_BYTES


def slot_key(component: Component) -> str:
    if component.recurrence_id is None:
        return MASTER
    return component.recurrence_id + (_FUTURE if component.this_and_future else "")


def date_of_slot(key: str) -> tuple[str, bool]:
    """The recurrence id of a slot that is not the whole event's, and whether it means all later dates too."""
    return key.removesuffix(_FUTURE), key.endswith(_FUTURE)


def version(component: Component) -> tuple[int, datetime]:
    """What orders components about one and the same date (RFC 5546 2.1.5): SEQUENCE, then DTSTAMP."""
    return component.sequence, component.dtstamp or _BEFORE_ALL


def is_newer(one: Component, other: Component) -> bool:
    """Whether `one` takes the place of `other` in their slot. Of equal versions that differ the later modified one
    counts, then the greater text: which is arbitrary, and the same in every order of arrival.
    """
    if version(one) != version(other):
        return version(one) > version(other)
    if one == other:
        return False
    return _tie(one) > _tie(other)


def _tie(component: Component) -> tuple[datetime, bytes]:
    return component.last_modified or _BEFORE_ALL, msgspec.json.encode(component)


def is_after(one: Component, other: Component) -> bool:
    """Whether `one` was said after `other`, about another date or the whole: by DTSTAMP, then SEQUENCE.

    Organisers count SEQUENCE for each date apart (Google does), so that it says nothing across dates by itself.
    """
    if one.dtstamp is None or other.dtstamp is None or one.dtstamp == other.dtstamp:
        return one.sequence > other.sequence
    return one.dtstamp > other.dtstamp
