"""A write: one transaction on one calendar, under its row lock, that ends with its changes in the log.

    async with open_write(at, tx, key_hash, calendar_id) as write:
        seq = write.record("event.updated", event_id, before, after)
        write.tx.later(statement, …)

Statements given to `tx.later` and the changes are sent together with the commit, in one round trip.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Literal

from app.agents.access import Caller, Scope, admitted
from app.calendars.sql import sql
from app.db.database import Database, Params, Row, Transaction
from app.errors import Problem
from app.http.context import Context
from app.ids import PREVIEWED, new_id
from app.outbox.owing import owe_changes

ChangeType = Literal[
    "event.created",
    "event.updated",
    "event.deleted",
    "event.responded",
    "invite.received",
    "invite.updated",
    "invite.cancelled",
    "attendee.replied",
    "calendar.updated",
]
ALWAYS: Final = datetime(1, 1, 2, tzinfo=UTC)  # nothing is missing before
FOREVER: Final = datetime(9999, 1, 1, tzinfo=UTC)  # nothing is missing after
_SEPARATOR: Final = "\x1e"  # JSON texts never hold it bare
_BY_MAIL: Final[dict[ChangeType, ChangeType]] = {
    "event.created": "invite.received",
    "event.updated": "invite.updated",
    "event.deleted": "invite.cancelled",
}
_BEYOND_ALL: Final = (
    10**15
)  # added to a calendar's seq in a preview: its tags then fit no state that ever was or will be
SERVICE: Final = "kalends"  # `by` of changes the service makes on its own, such as new zone rules


@dataclass(slots=True)
class Calendar:
    """The locked row. What of it changes during the write is stored when the write closes."""

    id: str
    name: str
    timezone: str
    seq: int
    stored_from: datetime
    stored_through: datetime
    longest_seconds: int
    tzdata: str
    is_behind: bool
    """Whether reminders fell due that are not in the outbox yet."""
    is_watched: bool
    """Whether any endpoint is told of changes here."""
    is_overtaken: bool
    """Whether reminders that fell due after the write was asked for are in the outbox already."""


@dataclass(slots=True)
class Quota:
    """What an agent may have of something, and has."""

    what: str
    most: int
    present: int

    def take(self, more: int) -> None:
        """Raises `quota_exceeded`, with the figure, when `more` would be too many; else the agent has them."""
        self.check(more)
        self.present += more

    def check(self, more: int) -> None:
        """Raises `quota_exceeded`, with the figure, when `more` would be too many."""
        if self.present + more > self.most:
            raise Problem(
                "quota_exceeded",
                f"An agent may have {self.most:,} {self.what}; this one has {self.present:,} and needs {more:,} more.",
                hint="Delete what is not needed any more, or ask who runs this service for more.",
                extra={"quota": self.most, "present": self.present},
            )


@dataclass(frozen=True, slots=True)
class Change:
    seq: int
    type: ChangeType
    event_id: str | None
    before: str | None
    after: str | None


@dataclass(slots=True)
class Write:
    tx: Transaction
    caller: Caller
    calendar: Calendar
    now: datetime
    events_quota: Quota
    occurrences_quota: Quota
    changes: list[Change] = field(default_factory=list)
    held_at: datetime | None = None
    """Since when it holds its calendar, which nobody sees changed before: later than `now` where it waited."""
    spilled_from: int | None = None
    """The first of the changes that were sent ahead (`spill`)."""
    is_by_mail: bool = False
    """Whether what is written came by mail: the log then names changes after the invitation."""
    _previewed: int = 0

    @property
    def is_preview(self) -> bool:
        """Whether all of it is undone at its end."""
        return self.tx.is_preview

    def new_event_id(self) -> str:
        """An id for an event that is new; in a preview one that says so, and that no event ever has."""
        if not self.is_preview:
            return new_id("evt")
        self._previewed += 1
        return f"{PREVIEWED}{self._previewed:05}"

    @property
    def next_seq(self) -> int:
        """The number the next recorded change gets; rows written with it carry it as their version."""
        return self.calendar.seq + len(self.changes) + 1

    def record(self, type_: ChangeType, event_id: str | None, before: str | None, after: str | None) -> int:
        """Add one change to the log; `before` and `after` are JSON texts, None for what is not there."""
        seq = self.next_seq
        if self.is_by_mail:
            type_ = _BY_MAIL.get(type_, type_)
        self.changes.append(Change(seq, type_, event_id, before, after))
        return seq

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of the write that can be refused by itself: a `Problem` undoes what the block stored, queued and
        recorded, and passes on; the rest of the write stands."""
        calendar, changes = replace(self.calendar), len(self.changes)
        present = self.events_quota.present, self.occurrences_quota.present
        self.tx.later(sql.begin_part, {})
        try:
            yield
        except Problem:
            self.tx.later(sql.undo_part, {})
            self.tx.later(sql.end_part, {})
            self.calendar = calendar
            del self.changes[changes:]
            self.events_quota.present, self.occurrences_quota.present = present
            raise
        self.tx.later(sql.end_part, {})

    def spill(self) -> None:
        """Queue the changes recorded so far and forget their texts: for a write of very many. Not within a `part`."""
        if not self.changes:
            return
        self._log_changes()
        self.spilled_from = self.spilled_from or self.changes[0].seq
        self.calendar.seq = self.changes[-1].seq
        self.changes.clear()

    def _log_changes(self) -> None:
        calendar = self.calendar
        head = {"calendar_id": calendar.id, "now": self.now, "by": self.caller.key_id}
        if len(self.changes) == 1:
            change = self.changes[0]
            self.tx.later(
                sql.record_change,
                {
                    **head,
                    "seq": change.seq,
                    "type": change.type,
                    "event_id": change.event_id,
                    "before": change.before,
                    "after": change.after,
                },
            )
        elif self.changes:
            self.tx.later(
                sql.record_changes,
                {
                    **head,
                    "first_seq": self.changes[0].seq,
                    "types": ",".join([c.type for c in self.changes]),
                    "event_ids": ",".join([c.event_id or "" for c in self.changes]),
                    "befores": _SEPARATOR.join([c.before or "" for c in self.changes]),
                    "afters": _SEPARATOR.join([c.after or "" for c in self.changes]),
                },
            )

    def _close(self) -> None:
        self.spill()
        first, calendar = self.spilled_from, self.calendar
        if first is not None:
            self.tx.touched.add(calendar.id)
            if calendar.is_watched:
                owe_changes(self.tx, self.caller.agent_id, calendar.id, first, self.now)
            if calendar.is_watched and calendar.is_overtaken:
                params = {"calendar_id": calendar.id, "now": self.now, "seq": first - 1}
                self.tx.later(sql.fire_overtaken, params)
            self.close_calendar(sql.close_write)

    def close_calendar(self, statement: str) -> None:
        calendar = self.calendar
        self.tx.later(
            statement,
            {
                "calendar_id": calendar.id,
                "seq": calendar.seq,
                "now": self.now,
                "held_at": self.held_at or self.now,
                "stored_from": calendar.stored_from,
                "stored_through": calendar.stored_through,
                "longest_seconds": calendar.longest_seconds,
                "tzdata": calendar.tzdata,
            },
        )


def no_such_calendar(calendar_id: str) -> Problem:
    return Problem("not_found", f"There is no calendar {calendar_id[:40]}.", hint="GET /calendars lists yours.")


@asynccontextmanager
async def open_write(
    at: Context, tx: Transaction, key_hash: bytes, calendar_id: str, scope: Scope = "full"
) -> AsyncIterator[Write]:
    """Lock the caller's calendar, yield, then put the changes before the commit of `tx`.

    Raises `unauthorized`, `scope_missing`, or `not_found` alike for a strange and for another agent's calendar.
    """
    now = tx.asked_at or at.clock.now()
    row = await tx.one(sql.lock_calendar, {"key_hash": key_hash, "now": now, "calendar_id": calendar_id})
    write = _write_of(at, tx, row, calendar_id, now, scope)
    write.held_at = at.clock.now()
    if tx.is_preview:
        write.calendar.seq += _BEYOND_ALL
    _catch_up(write)
    yield write
    write._close()


async def look_at(at: Context, tx: Transaction, key_hash: bytes, calendar_id: str, scope: Scope = "full") -> Write:
    """What a write would find, without lock or transaction: to prepare a statement that guards itself. Raises as
    `open_write`."""
    now = tx.asked_at or at.clock.now()
    params = {"key_hash": key_hash, "now": now, "calendar_id": calendar_id}
    return _write_of(at, tx, await tx.alone(sql.look_at_calendar, params), calendar_id, now, scope)


@asynccontextmanager
async def open_arrival(
    at: Context, tx: Transaction, calendar_id: str, mail_id: str, *statements: tuple[str, Params]
) -> AsyncIterator[tuple[Write | None, list[list[Row]]]]:
    """A write of what came by mail, logged as done by `mail_id`, within its agent's quotas. Yields it with the rows of
    `statements`, which are asked under the lock and travel with it; None for the write when the calendar is gone."""
    now = at.clock.now()
    lock = (sql.lock_calendar_for_arrival, {"calendar_id": calendar_id, "now": now})
    found, *answers = await tx.several(lock, *statements)
    if not found:
        yield None, answers
        return
    (row,) = found
    write = Write(tx, Caller(mail_id, row[1], "full"), _calendar(row), now, *_quotas(at, row), is_by_mail=True)
    write.held_at = at.clock.now()
    _catch_up(write)
    yield write, answers
    write._close()


@asynccontextmanager
async def open_upkeep(db: Database, calendar_id: str, now: datetime) -> AsyncIterator[Write | None]:
    """A write of the service's own. Yields None when the calendar is gone or another process works on it."""
    async with db.transaction() as tx:
        row = await tx.one(sql.lock_calendar_for_upkeep, {"calendar_id": calendar_id, "now": now})
        if row is None:
            yield None
            return
        caller = Caller(SERVICE, row[1], "full")
        write = Write(tx, caller, _calendar(row), now, Quota("", sys.maxsize, 0), Quota("", sys.maxsize, 0))
        _catch_up(write)
        yield write
        write._close()


def _write_of(at: Context, tx: Transaction, row: Row | None, calendar_id: str, now: datetime, scope: Scope) -> Write:
    caller = admitted(row, scope)
    assert row is not None
    if row[3] is None:
        raise no_such_calendar(calendar_id)
    return Write(tx, caller, _calendar(row), now, *_quotas(at, row))


def _quotas(at: Context, row: Row) -> tuple[Quota, Quota]:
    events = Quota("events", at.settings.quota_events, int(row[14]))
    return events, Quota("stored occurrences", at.settings.quota_occurrences, int(row[15]))


def _calendar(row: Row) -> Calendar:
    return Calendar(*row[3:14])


def _catch_up(write: Write) -> None:
    """What fell due before this write is owed as things stood before it."""
    if write.calendar.is_behind:
        write.tx.later(sql.fire_behind, {"calendar_id": write.calendar.id, "now": write.now})
        write.tx.wakes_dispatchers = True
