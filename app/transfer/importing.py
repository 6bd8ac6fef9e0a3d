"""The import: a file is read, then merged into the calendar in one transaction under its lock, all of it or nothing.

Reading and rendering happen on the long thread, a bite at a time, so that other requests keep flowing; what a bite
stores is sent before the next is rendered, so that memory holds one bite.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from app.agents.access import admitted
from app.calendars.writing import Write, no_such_calendar, open_write
from app.db.database import Transaction
from app.errors import Problem
from app.events.bulk import Bulk, Stored, read_stored
from app.events.sql import sql as events_sql
from app.http.answers import json_of
from app.http.context import Context
from app.ical.files import CalendarFile, Unfit, open_file
from app.transfer.merging import Group, Merged, Merger, Name, Result, grouped, refusal, unread
from app.transfer.reading import Draft, drafts_of
from app.transfer.sql import sql
from app.transfer.work import Work
from app.workers import in_long_thread

BITE: Final = 200  # components read, or merged and rendered, at once, at most
PIECE: Final = 10  # components read between two looks at the clock
MANY_UIDS: Final = 2_000  # looked up in one statement
RESULTS_MOST: Final = 1_000  # told one by one; what needs a look comes first
_SEPARATOR: Final = "\x1e"  # no UID holds it
_UNSTORABLE: Final = Problem(
    "invalid_time", "Its times contradict each other, or lie beyond the years that are served."
)


@dataclass(slots=True)
class _Outcome:
    results: dict[int, Result] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The answer: counts of all, and results of as many as are told, in the order of the file."""
        counts = Counter(result.status for result in self.results.values())
        places = sorted(self.results, key=lambda place: (_rank(self.results[place]), place))[:RESULTS_MOST]
        answer: dict[str, Any] = {name: counts[name] for name in ("created", "updated", "unchanged", "ignored")}
        answer["results"] = [self.results[place] for place in sorted(places)]
        if len(self.results) > RESULTS_MOST:
            answer["results_left_out"] = len(self.results) - RESULTS_MOST
        if self.notices:
            answer["notices"] = self.notices
        return json_of(answer)


def _rank(result: Result) -> int:
    return 0 if result.status == "ignored" else 1 if result.notices else 2


async def import_file(
    at: Context, tx: Transaction, key_hash: bytes, calendar_id: str, source: bytes, charset: str | None
) -> str:
    """Merge a calendar file into a calendar, and return the answer's text. Nobody is mailed.

    Raises, besides what `open_write` raises: `invalid_field` for what is no calendar file or has too many components,
    `quota_exceeded`, `recurrence_too_costly` or `body_too_large` where the whole would cost too much.
    """
    work = Work()
    zone = await _zone_of(at, key_hash, calendar_id)
    file, drafts = await _read(at, calendar_id, zone, source, charset, work)
    async with open_write(at, tx, key_hash, calendar_id) as write:
        if write.calendar.timezone != zone:  # it was changed meanwhile
            zone = write.calendar.timezone
            file, drafts = await _read(at, calendar_id, zone, source, charset, work)
        outcome = _Outcome(notices=_of_zones(file, drafts, zone))
        outcome.results = {draft.place: unread(draft) for draft in drafts if draft.reason is not None}
        await _merge(write, drafts, outcome, work)
        return outcome.text()


async def _zone_of(at: Context, key_hash: bytes, calendar_id: str) -> str:
    params = {"key_hash": key_hash, "now": at.clock.now(), "calendar_id": calendar_id}
    row = await at.db.one(sql.zone_of, params)
    admitted(row, "full")
    assert row is not None
    if row[3] is None:
        raise no_such_calendar(calendar_id)
    return str(row[3])


async def _read(
    at: Context, calendar_id: str, zone: str, source: bytes, charset: str | None, work: Work
) -> tuple[CalendarFile, list[Draft]]:
    try:
        file = await in_long_thread(open_file, source, floating_zone=zone, charset=charset)
    except Unfit as why:
        hint = "Send the text of an .ics file, from BEGIN:VCALENDAR to END:VCALENDAR; a large one in parts."
        raise Problem("invalid_field", str(why), hint=hint) from None
    drafts: list[Draft] = []
    while len(drafts) < len(file):
        drafts += await in_long_thread(_read_some, file, len(drafts), calendar_id, zone, at.clock.now(), work)
    return file, drafts


def _read_some(file: CalendarFile, begin: int, calendar_id: str, zone: str, now: datetime, work: Work) -> list[Draft]:
    """The next components, as many as are read in a moment."""
    drafts: list[Draft] = []
    with work:
        while begin + len(drafts) < len(file) and len(drafts) < BITE and not work.is_long:
            place = begin + len(drafts)
            drafts += drafts_of(file, place, place + PIECE, calendar_id, zone, now)
    return drafts


def _of_zones(file: CalendarFile, drafts: Sequence[Draft], zone: str) -> list[str]:
    """What is read in the calendar's zone moves when that is not the file's."""
    count = sum(1 for draft in drafts if draft.follows_calendar)
    if not count or file.zone_name is None or file.zone_name == zone:
        return []
    return [
        f"The file's calendar is in {file.zone_name[:60]} and this one in {zone}: {count:,} of its events are "
        "all-day or name no zone, and are read here."
    ]


async def _merge(write: Write, drafts: Sequence[Draft], outcome: _Outcome, work: Work) -> None:
    groups = grouped(drafts)
    ids = await _ids(write, groups)
    known = {uid for uid, _ in ids}
    new = {_name(draft) for draft in drafts if draft.event is not None and not draft.is_date} - ids.keys()
    replace(write.events_quota).take(len(new))
    ids |= {name: write.new_event_id() for name in new}
    merger = Merger(write.calendar.timezone, write.new_event_id, ids, await _client_ids(write, drafts))
    bulk = Bulk(write)
    for bite in _bites(groups):
        uids = {draft.event.uid for group in bite for draft in group.drafts if draft.event is not None}
        uids = {uid for uid in uids | {group.uid for group in bite} if uid in known}
        stored = await read_stored(write, sorted(uids)) if uids else {}
        while bite:
            results = await in_long_thread(_gather, bulk, merger, bite, stored, work)
            outcome.results |= results
            await bulk.send()


def _gather(
    bulk: Bulk, merger: Merger, groups: list[Group], stored: Mapping[Name, Stored], work: Work
) -> dict[int, Result]:
    """Decide and render the next groups, as many as are done in a moment, and take them off the list; nothing is sent
    yet. Returns the results by place."""
    results: dict[int, Result] = {}
    with work:
        while groups and not bulk.is_full and not work.is_long:
            results |= _gather_one(bulk, merger, groups.pop(0), stored)
    return results


def _gather_one(bulk: Bulk, merger: Merger, group: Group, stored: Mapping[Name, Stored]) -> dict[int, Result]:
    merged, results = merger.merge(group, stored)
    for each in merged:
        if each.is_write:
            problem = _store(bulk, each)
            if problem is not None:
                places = each.results.keys()
                results |= {draft.place: refusal(draft, problem) for draft in group.drafts if draft.place in places}
                continue
        results |= each.results
    return results


def _store(bulk: Bulk, merged: Merged) -> Problem | None:
    """Gather one event; returns why it cannot be stored. What the whole file must not exceed is raised."""
    try:
        planned = bulk.prepare(merged.desired)
    except Problem as problem:
        return problem
    except (ValueError, OverflowError):
        return _UNSTORABLE
    try:
        bulk.store(merged.desired, planned)
    except (ValueError, OverflowError):
        return _UNSTORABLE
    for stored in merged.joined:
        bulk.remove(stored)
    return None


def _name(draft: Draft) -> Name:
    assert draft.event is not None
    return draft.event.uid, draft.event.recurrence_id


def _bites(groups: Sequence[Group]) -> Iterator[list[Group]]:
    bite: list[Group] = []
    count = 0
    for group in groups:
        bite.append(group)
        count += len(group.drafts)
        if count >= BITE:
            yield bite
            bite, count = [], 0
    if bite:
        yield bite


async def _ids(write: Write, groups: Sequence[Group]) -> dict[Name, str]:
    """The ids of all that the calendar has under the file's UIDs."""
    uids = {group.uid for group in groups}
    for group in groups:
        for draft in group.drafts:
            uids |= set() if draft.event is None else {draft.event.uid}
            uids |= set() if draft.successor is None else {draft.successor.uid}
    ordered = sorted(uids)
    found: dict[Name, str] = {}
    for begin in range(0, len(ordered), MANY_UIDS):
        params = {"calendar_id": write.calendar.id, "uids": _SEPARATOR.join(ordered[begin : begin + MANY_UIDS])}
        for uid, recurrence_id, event_id in await write.tx.all(events_sql.stored_ids, params):
            found[(uid, recurrence_id)] = event_id
    return found


async def _client_ids(write: Write, drafts: Sequence[Draft]) -> dict[str, Name]:
    wanted = {draft.event.client_id for draft in drafts if draft.event is not None and draft.event.client_id}
    params = {"calendar_id": write.calendar.id, "client_ids": sorted(wanted)}
    rows = await write.tx.all(events_sql.client_ids, params) if wanted else []
    return {client_id: (uid, recurrence_id) for client_id, uid, recurrence_id in rows}
