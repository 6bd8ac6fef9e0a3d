"""A delivery as a dispatcher holds it, and what became of an attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

State = Literal["pending", "delivered", "failed"]


class Delivery(NamedTuple):
    """One message owed to one destination: the columns of `read_due`, in order.

    A change carries its moment and its texts before and after; a reminder the event's text as it was when it fell due,
    and whether it still stands: not cancelled, not moved. `url` and what follows are the endpoint's;
    `mail` is what a mail says, as `app.mail.owing` stores it. `owed_at` tells where the row lies.
    """

    kind: str
    lane: str
    position: int
    id: str
    agent_id: str
    calendar_id: str | None
    type: str
    event_id: str | None
    seq: int | None
    offset: str | None
    fires_at: datetime | None
    event: str | None
    attempts: int
    created_at: datetime
    changed_at: datetime | None
    before: str | None
    after: str | None
    stands: bool
    url: str | None
    owner: str | None
    secret_sealed: bytes | None
    previous_sealed: bytes | None
    previous_until: datetime | None
    is_failing: bool
    mail: str | None
    owed_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery.

    `attempted` counts it as an attempt of the round; `log` is its entry as JSON text, '' for none. `due_at` is when a
    pending one is tried next. `well` says what this tells of the endpoint, None for nothing; `disables` is why it is to
    be called no more.
    """

    state: State
    reason: str | None = None
    due_at: datetime | None = None
    attempted: bool = True
    log: str = ""
    well: bool | None = None
    disables: str | None = None


class Carrier(Protocol):
    """Sends the deliveries of one kind of lane."""

    def is_ordered(self, delivery: Delivery) -> bool:
        """Whether it may only go after the one before it in its lane has gone."""
        ...

    async def attempt(self, delivery: Delivery) -> Outcome:
        """Try once. Never raises for what a destination does."""
        ...


class Tick(Protocol):
    """Something that falls due by the clock. Returns how much it did, and the next moment at which there may be
    something, None for none in sight."""

    async def __call__(self, now: datetime) -> tuple[int, datetime | None]: ...


def delivery_of_row(row: Sequence[Any]) -> Delivery:
    return Delivery(*row)


def lateness_of(delivery: Delivery, now: datetime) -> tuple[float, str] | None:
    """Seconds from the moment a message was due until `now`, and what it is: reminder, change, mail or test. None where
    it was tried before."""
    if delivery.attempts:
        return None
    due = delivery.fires_at or delivery.changed_at or delivery.created_at
    named = {delivery.fires_at: "reminder", delivery.changed_at: "change"}.get(due, delivery.type.partition(".")[0])
    return max(0.0, (now - due).total_seconds()), named
