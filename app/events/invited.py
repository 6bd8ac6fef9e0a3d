"""Storing what a thread of invitations means: its event or series, the dates that differ, those that are cancelled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from app.calendars.writing import Write
from app.core.itip import Component, Meaning
from app.db.database import Params, Row
from app.events.find import read_text
from app.events.invitation import change_type, ending_before, from_then_on, invited, key_named, said_alike
from app.events.invited_series import Dates, store_series
from app.events.model import LATER, Event, event_of_row
from app.events.sql import sql
from app.events.storing import put_single

_SEPARATOR: Final = "\x1e"  # no UID holds it: control characters are taken out when one is read


@dataclass(frozen=True, slots=True)
class Applied:
    """What is stored now: the event or series (else the first date invited alone), its rule, how many of its dates are
    stored, and sentences for a reader."""

    event_id: str | None = None
    recurrence: str | None = None
    instances_created: int | None = None
    notices: tuple[str, ...] = ()


@dataclass(slots=True)
class _Part:
    """One event of a thread as it is to be stored; `old` is its row so far."""

    event: Event
    old: Event | None
    dates: Dates = field(default_factory=Dates)


def all_under(calendar_id: str, uids: Sequence[str]) -> tuple[str, Params]:
    """The statement that reads all that the calendar has under these UIDs; its rows are for `by_uid`."""
    return sql.read_by_uids, {"calendar_id": calendar_id, "uids": _SEPARATOR.join(uids)}


def by_uid(rows: Iterable[Row]) -> dict[str, list[Event]]:
    """The rows that `all_under` reads, by their UID; those without any are absent."""
    found: dict[str, list[Event]] = {}
    for row in rows:
        event = event_of_row(row)
        found.setdefault(event.uid, []).append(event)
    return found


async def store_meaning(
    write: Write, rows: Sequence[Event], before: Meaning, after: Meaning, *, sender_check: str | None
) -> Applied:
    """Bring `rows`, all that the calendar has of a thread, from what it meant to what it means, with a change in the
    log for each event and date that differs. What the agent did itself stays: its metadata, its answers to what did not
    change, dates it deleted.

    Raises `quota_exceeded` where the agent has no room for it.
    """
    whole = {row.recurrence_id: row for row in rows if not row.key}
    overrides = {row.id: [each for each in rows if each.id == row.id and each.key] for row in whole.values()}
    parts, notices = _parts(write, whole, before, after, sender_check)
    for named, row in whole.items():
        if named not in parts:
            await _remove(write, row)
    applied = Applied(notices=tuple(notices))
    for named, part in parts.items():
        carried = _carried(write, whole, parts, after) if named is None else {}
        own = overrides.get(part.old.id, []) if part.old is not None else []
        stored = await _store(write, part, own, carried)
        applied = stored if applied.event_id is None else applied
    return replace(applied, notices=tuple(notices))


def _parts(
    write: Write, whole: Mapping[str | None, Event], before: Meaning, after: Meaning, sender_check: str | None
) -> tuple[dict[str | None, _Part], list[str]]:
    """The events a meaning calls for, by their recurrence id; None for the event or series itself, first of all."""

    def made(component: Component, named: str | None, *, withdrawn: bool) -> _Part:
        old = whole.get(named)
        event = invited(
            component,
            old,
            calendar_id=write.calendar.id,
            calendar_zone=write.calendar.timezone,
            now=write.now,
            sender_check=sender_check if old is None or sender_check is not None else old.sender_check,
            withdrawn=withdrawn,
            recurrence_id=named,
        )
        return _Part(event, old)

    parts: dict[str | None, _Part] = {}
    notices: list[str] = []
    if after.master is not None:
        notices += after.master.notices
        main = parts[None] = made(after.master, None, withdrawn=after.cancelled)
        zone, complete = write.calendar.timezone, main.event
        ends = after.ends_before
        for future in after.futures:
            later = made(future.component, future.key + LATER, withdrawn=after.cancelled)
            later.event, said = from_then_on(complete, future.key, future.component, later.event, zone)
            notices += said
            parts[future.key + LATER] = later
        for part, until in _borders(parts, after):
            head = part.event if until is None else ending_before(part.event, until, zone)
            part.event = replace(part.event, withdrawn=True, status="cancelled") if head is None else head
        _share_out(parts, before, after, ends)
    for components, withdrawn in ((after.loose, False), (after.loose_cancelled, True)):
        for named, component in components.items():
            parts[named] = made(component, named, withdrawn=withdrawn)
    return parts, notices


def _borders(parts: Mapping[str | None, _Part], after: Meaning) -> Iterable[tuple[_Part, str | None]]:
    """Each part of a series with the date before which it ends."""
    ordered = list(parts.values())
    begins = [future.key for future in after.futures]
    for part, following in zip(ordered, [*begins, None], strict=True):
        ends = [key for key in (following, after.ends_before) if key is not None]
        yield part, min(ends, default=None)


def _share_out(parts: Mapping[str | None, _Part], before: Meaning, after: Meaning, ends: str | None) -> None:
    """Give each part of a series the dates that are on its side."""
    begins = sorted(future.key for future in after.futures)
    for named, part in parts.items():
        low = "" if named is None else named.removesuffix(LATER)
        high = next((key for key in begins if key > low), ends)

        def is_here(key: str, low: str = low, high: str | None = high) -> bool:
            return low <= key and (high is None or key < high)

        part.dates = Dates(
            overrides={key: each for key, each in after.overrides.items() if is_here(key)},
            cancelled=frozenset(key for key in after.cancelled_dates if is_here(key)),
            overrides_before={key: each for key, each in before.overrides.items() if is_here(key)},
            cancelled_before=frozenset(key for key in before.cancelled_dates if is_here(key)),
        )


def _carried(
    write: Write, whole: Mapping[str | None, Event], parts: Mapping[str | None, _Part], after: Meaning
) -> dict[str, Event]:
    """Dates that were events of their own until their series came, by the key the series has for them."""
    found = {}
    for named, row in whole.items():
        if named is not None and named not in parts and not named.endswith(LATER) and after.master is not None:
            key = key_named(parts[None].event, named, write.calendar.timezone)
            if key is not None:
                found[key] = row
    return found


async def _remove(write: Write, row: Event) -> None:
    before = await read_text(write, row)
    write.tx.later(sql.delete_event, {"calendar_id": row.calendar_id, "event_id": row.id})
    write.record("event.deleted", row.id, before, None)


async def _store(write: Write, part: _Part, overrides: list[Event], carried: Mapping[str, Event]) -> Applied:
    if part.old is None:
        write.events_quota.take(1)
    if part.event.is_series:
        instances = await store_series(write, part.event, part.old, part.dates, overrides, carried)
        return Applied(part.event.id, part.event.rule, instances)
    await _store_single(write, part.event, part.old)
    return Applied(part.event.id)


async def _store_single(write: Write, event: Event, old: Event | None) -> None:
    if old is not None and not old.is_series and said_alike(old, event):
        return
    event = replace(event, version=write.next_seq, stored_from=None, stored_through=None)
    before = None if old is None else await read_text(write, old)
    if old is not None and old.is_series:
        params = {"calendar_id": old.calendar_id, "event_id": old.id}
        write.tx.later(sql.delete_all_overrides, params)
        write.tx.later(sql.delete_all_occurrences, params)
    text = put_single(write, event, sql.insert_event if old is None else sql.update_event)
    write.record(change_type(old, event), event.id, before, text)
