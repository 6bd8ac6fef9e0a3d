"""What a write does to dates, told where it is only previewed: by a look before it and one after it, both in the
transaction that is undone then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from app.calendars.writing import Write
from app.core.series import at
from app.events.find import read_row
from app.events.model import Event
from app.events.sql import sql

_EDGE: Final = timedelta(
    days=2
)  # where stored dates end, another time of day or another zone may decide what is stored
SHOWN: Final = 3  # dates told one by one: enough to see the pattern


class _Stored(NamedTuple):
    start: datetime
    end: datetime
    is_cancelled: bool
    own_json: str


class _Times(msgspec.Struct):
    start_local: str
    end_local: str


_times: Final = msgspec.json.Decoder(_Times).decode


@dataclass(frozen=True, slots=True)
class Look:
    """The stored dates of some events by key, which a date keeps when it goes over to another series by a split."""

    dates: Mapping[str, _Stored]
    series: list[Event]
    zone: str

    def has(self, key: str, start: datetime) -> bool:
        """Whether a series here makes a date that is not stored of it, because it lies at the horizon or beyond."""
        beyond = [each for each in self.series if each.stored_through is None or start >= each.stored_through - _EDGE]
        return any(at(each.series(self.zone), key) is not None for each in beyond)

    def dated(self) -> Look:
        """The same with a single event under its day, as the date of a series would be."""
        dates = {
            key or _times_of(stored).start_local[:10].replace("-", ""): stored for key, stored in self.dates.items()
        }
        return replace(self, dates=dates)


async def look(write: Write, *event_ids: str | None) -> Look | None:
    """What is stored of these events; None where the write is no preview, which needs no such look."""
    if not write.is_preview:
        return None
    ids = [event_id for event_id in event_ids if event_id is not None]
    rows = await write.tx.all(sql.stored_dates, {"calendar_id": write.calendar.id, "event_ids": ids})
    events = [await read_row(write, event_id) for event_id in ids]
    series = [event for event in events if event is not None and event.is_series]
    return Look({row[0]: _Stored(*row[1:]) for row in rows}, series, write.calendar.timezone)


async def effect(write: Write, before: Look | None, event_id: str) -> dict[str, Any]:
    """Members for the answer of a preview: what became of the dates to come that `look` found before, of the event and
    of the series that a split made of it. None of a write that is no preview."""
    if before is None:
        return {}
    after = await look(write, event_id, *_created(write))
    assert after is not None
    if ("" in before.dates) != ("" in after.dates):  # it becomes a series, or is one no more
        before, after = before.dated(), after.dated()
    return {"dates": _difference(before, after, write.now)}


def _created(write: Write) -> list[str | None]:
    return [change.event_id for change in write.changes if change.type == "event.created"]


def _difference(before: Look, after: Look, now: datetime) -> dict[str, Any]:
    counts = dict.fromkeys(("added", "removed", "moved", "cancelled", "restored"), 0)
    changed: list[tuple[datetime, dict[str, Any]]] = []
    for key in {*before.dates, *after.dates}:
        was, now_is = before.dates.get(key), after.dates.get(key)
        known = [each for each in (was, now_is) if each is not None]
        kind = _kind(was, now_is)
        if kind is None or max(each.end for each in known) <= now:
            continue
        if len(known) == 1 and (before if was is None else after).has(key, known[0].start):
            continue
        counts[kind] += 1
        begins = min(each.start for each in known)
        changed.append((begins, {"effect": kind, "was": _shown(was), "is": _shown(now_is)}))
    changed.sort(key=lambda each: each[0])
    return {**counts, "first": [each for _, each in changed[:SHOWN]]}


def _kind(was: _Stored | None, now_is: _Stored | None) -> str | None:
    if was is None:
        return "added"
    if now_is is None:
        return "removed"
    if was.is_cancelled != now_is.is_cancelled:
        return "cancelled" if now_is.is_cancelled else "restored"
    return "moved" if was[:2] != now_is[:2] else None


def _shown(stored: _Stored | None) -> dict[str, str] | None:
    if stored is None:
        return None
    times = _times_of(stored)
    return {"start_local": times.start_local, "end_local": times.end_local}


def _times_of(stored: _Stored) -> _Times:
    return _times(f"{{{stored.own_json}}}")
