"""What a file says of an event, and what the calendar has of it, to what is to be stored. Pure.

The newer revision counts (RFC 5546 2.1.5): the higher SEQUENCE, then the later LAST-MODIFIED. What says the same is
unchanged, and what is not newer is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal, TypeVar

import msgspec

from app.core.budget import Budget
from app.core.itip import parse_moment
from app.core.series import Series, named
from app.errors import Problem
from app.events.bulk import Desired, Stored
from app.events.model import Event
from app.events.recurrence import dates_by_wall
from app.transfer.reading import Draft

Status = Literal["created", "updated", "unchanged", "ignored"]
Name = tuple[str, str | None]
LOOK_UP: Final = 50  # steps that looking one date up costs, besides those of its series
LOOK_UPS: Final = 4_000_000  # steps of Budgets for all dates of a file that are looked up in their series: some seconds
_OLDER: Final = "The calendar has this revision or a newer one, and keeps it."
_TWICE: Final = "The file has a newer component for the same event or date."


class Result(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What became of one component. `code` is the word for `reason`, which is a sentence."""

    ical_uid: str | None = None
    recurrence_id: str | None = None
    status: Status
    event_id: str | None = None
    code: str | None = None
    reason: str | None = None
    notices: tuple[str, ...] = ()


@dataclass(slots=True)
class Group:
    """All components of a file under one UID."""

    uid: str
    drafts: list[Draft] = field(default_factory=list)


@dataclass(slots=True)
class Merged:
    """What is to be stored of one event, and which results say so; `results` are by the place of their component.
    `joined` are dates that were events of their own until their series came."""

    desired: Desired
    joined: list[Stored] = field(default_factory=list)
    results: dict[int, Result] = field(default_factory=dict)

    @property
    def is_write(self) -> bool:
        return self.desired.is_said or bool(self.desired.changed) or bool(self.joined)


def grouped(drafts: Iterable[Draft]) -> list[Group]:
    found: dict[str, Group] = {}
    for draft in drafts:
        if draft.uid is not None and draft.reason is None:
            found.setdefault(draft.uid, Group(draft.uid)).drafts.append(draft)
    return list(found.values())


@dataclass(slots=True)
class Merger:
    """`ids` has the id of every event of the file and of the calendar by its name; `taken`, whose a client_id is;
    `new_id` makes one for an event that is new."""

    calendar_zone: str
    new_id: Callable[[], str]
    ids: dict[Name, str]
    taken: dict[str, Name]
    budget: Budget = field(default_factory=lambda: Budget(LOOK_UPS))
    _done: set[Name] = field(default_factory=set)

    def merge(self, group: Group, stored: Mapping[Name, Stored]) -> tuple[list[Merged], dict[int, Result]]:
        """What becomes of a group; and results of components that nothing becomes of. Raises `recurrence_too_costly`
        where looking up the dates of the whole file costs too much."""
        refused: dict[int, Result] = {}
        wholes: dict[Name, Draft] = {}
        for draft in group.drafts:
            if draft.event is not None and not draft.is_date:
                self._claim(wholes, (draft.event.uid, draft.event.recurrence_id), draft, refused)
        main = _main(wholes, group.uid)
        dates: dict[str, Draft] = {}
        cancels: dict[str, list[Draft]] = {}
        series = self._series(wholes.get(main), None if main in self._done else stored.get(main))
        for draft in group.drafts:
            if draft.event is None or draft.is_date:
                self._sort_out(draft, series, wholes, dates, cancels, refused)
        joining = self._joining(group.uid, series, {*wholes, main}, stored)
        self._done |= wholes.keys() | {(each.event.uid, each.event.recurrence_id) for each in joining.values()}
        merged = []
        for name, draft in wholes.items():
            if name == main:
                merged.append(self._whole(draft, stored.get(name), dates, cancels, joining))
            else:
                merged.append(self._whole(draft, stored.get(name), {}, {}, {}))
        if main not in wholes and (dates or cancels):
            self._done.add(main)
            merged.append(self._dates_of(stored[main], dates, cancels))
        return merged, refused

    # ------------------------------------------------------------------------------------- which date is whose

    def _series(self, draft: Draft | None, old: Stored | None) -> Series | None:
        """The series that the dates of a group belong to: the file's, else the calendar's."""
        event = draft.event if draft is not None else None if old is None else old.event
        return event.series(self.calendar_zone) if event is not None and event.is_series else None

    def _joining(
        self, uid: str, series: Series | None, named_here: set[Name], stored: Mapping[Name, Stored]
    ) -> dict[str, Stored]:
        """The calendar's events that are dates of the series which has come, by key."""
        found: dict[str, Stored] = {}
        for name, each in stored.items():
            if series is not None and name[0] == uid and name not in named_here and name not in self._done:
                named_by = each.event.recurrence_id
                key = None if named_by is None or each.event.goes_on else self._look_up(series, named_by)
                if key is not None:
                    found[key] = each
        return found

    def _sort_out(
        self,
        draft: Draft,
        series: Series | None,
        wholes: dict[Name, Draft],
        dates: dict[str, Draft],
        cancels: dict[str, list[Draft]],
        refused: dict[int, Result],
    ) -> None:
        """Put a date where it belongs: among those that change one of the series, those that cancel one and say nothing
        else, or among the events, where no series here has it."""
        key = self._key(draft, series)
        if draft.event is None:
            if key is None:
                reason = "It cancels a date that no series here has."
                refused[draft.place] = _result(draft, "ignored", code="no_such_date", reason=reason)
            else:
                cancels.setdefault(key, []).append(draft)
        elif key is not None:
            _take(dates, key, draft, refused)
        else:
            alone = draft.recurrence_id or draft.event.key
            draft.event = replace(draft.event, key="", recurrence_id=alone, rule=None, rdates=())
            draft.named = None
            draft.notices.append("Its series is not here, or has no such date: it is an event of its own.")
            self._claim(wholes, (draft.event.uid, alone), draft, refused)

    def _claim(self, wholes: dict[Name, Draft], name: Name, draft: Draft, refused: dict[int, Result]) -> None:
        """Take a component for an event, unless another group had it: a VEVENT that poses as ours may say another UID
        than it shows."""
        if name in self._done:
            refused[draft.place] = _result(draft, "ignored", code="said_twice", reason=_TWICE)
        else:
            _take(wholes, name, draft, refused)

    def _key(self, draft: Draft, series: Series | None) -> str | None:
        if series is None:
            return None
        if draft.event is not None and draft.event.key:
            return draft.event.key
        assert draft.named is not None
        return self._look_up(series, draft.named)

    def _look_up(self, series: Series, text: str) -> str | None:
        self.budget.spend(LOOK_UP)
        try:
            found = named(series, parse_moment(text), budget=self.budget)
        except (ValueError, OverflowError):
            return None
        return None if found is None else found.key

    # ---------------------------------------------------------------------------------------- file and calendar

    def _whole(
        self,
        draft: Draft,
        old: Stored | None,
        dates: Mapping[str, Draft],
        cancels: Mapping[str, Sequence[Draft]],
        joining: Mapping[str, Stored],
    ) -> Merged:
        event = draft.event
        assert event is not None
        if not event.is_series:
            event = replace(event, start_counts=False)
        cancelled = self._cancelled(draft, event, dates) | cancels.keys()
        name = (event.uid, event.recurrence_id)
        if name not in self.ids:
            self.ids[name] = self.new_id()
        event = self._with_successor(draft, replace(event, id=self.ids[name]))
        event = self._own_client_id(draft, event, name)
        hidden = {said.key: (said, row) for said, row in draft.hidden if event.is_series}
        cancelled |= {key for key, (said, _) in hidden.items() if said.cancelled}
        rows = {key: _as_date(each.event, event, key) for key, each in joining.items()}
        rows |= {key: _row(each, event, key) for key, each in dates.items()}
        rows |= {key: replace(row, id=event.id, uid=event.uid) for key, (_, row) in hidden.items() if row is not None}
        if old is None:
            merged = Merged(Desired(event, rows, cancelled, changed=set(rows)), list(joining.values()))
            self._tell(merged, [draft, *dates.values()], "created")
            for key, some in cancels.items():
                self._tell(merged, some, "created", key)
            return merged
        event = _as_known(event, old.event, is_known=draft.is_known)
        kept = {key for key, each in old.specials.items() if each.cancelled}
        is_same = _alike(event, old.event) and cancelled == kept
        is_said = not is_same and _revision(event) > _revision(old.event)
        base = event if is_said else old.event
        desired = Desired(base, {}, cancelled if is_said else kept | cancels.keys(), old, is_said)
        merged = Merged(desired, list(joining.values()))
        self._tell(merged, [draft], "unchanged" if is_same else "updated" if is_said else "ignored")
        self._merge_rows(merged, rows, dates, since=None if is_said else _revision(old.event))
        self._merge_cancels(merged, cancels, kept)
        return merged

    def _dates_of(self, old: Stored, dates: Mapping[str, Draft], cancels: Mapping[str, Sequence[Draft]]) -> Merged:
        """Dates of a series that the calendar has and the file has not."""
        kept = {key for key, each in old.specials.items() if each.cancelled}
        merged = Merged(Desired(old.event, {}, kept | cancels.keys(), old, is_said=False))
        rows = {key: _row(each, old.event, key) for key, each in dates.items()}
        self._merge_rows(merged, rows, dates, since=None)
        self._merge_cancels(merged, cancels, kept)
        return merged

    def _merge_rows(
        self, merged: Merged, rows: Mapping[str, Event], dates: Mapping[str, Draft], since: tuple[int, datetime] | None
    ) -> None:
        """Give the event its dates: of each the newer of what the file and the calendar have. With `since`, the
        calendar keeps what it has, and a date that follows its series there counts when it was changed later."""
        desired, old = merged.desired, merged.desired.old
        assert old is not None
        if not desired.event.is_series:
            self._tell(merged, dates.values(), "ignored")
            return
        if since is not None or not desired.is_said:
            desired.rows = dict(old.rows)
        for key, row in rows.items():
            known, draft = old.rows.get(key), dates.get(key)
            told: Status
            if known is not None:
                row = _as_known(row, known, is_known=draft is None or draft.is_known)
            cancels = draft is not None and draft.date_cancelled
            if known is not None and _alike(row, known) and cancels == (key in desired.cancelled):
                desired.rows[key], told = known, "unchanged"
            elif known is not None and _revision(row) <= _revision(known):
                desired.rows[key], told = known, "ignored"
            elif known is None and since is not None and _revision(row)[1] <= since[1]:
                told = "ignored"
            else:
                desired.rows[key], told = row, "updated"
                desired.changed.add(key)
                desired.cancelled = desired.cancelled | {key} if cancels else desired.cancelled - {key}
            if draft is not None:
                self._tell(merged, [draft], told)

    def _merge_cancels(self, merged: Merged, cancels: Mapping[str, Sequence[Draft]], kept: set[str]) -> None:
        for key, drafts in cancels.items():
            is_news = key not in kept
            if is_news:
                merged.desired.changed.add(key)
            self._tell(merged, drafts, "updated" if is_news else "unchanged", key)

    def _cancelled(self, draft: Draft, event: Event, dates: Mapping[str, Draft]) -> set[str]:
        if not event.is_series:
            return set()
        if draft.is_ours:
            return {*draft.cancelled_dates, *(key for key, each in dates.items() if each.date_cancelled)}
        series = event.series(self.calendar_zone)
        values = [parse_moment(text) for text in draft.exdates]
        known = dates_by_wall(series, values)
        keys = set()
        for text, value in zip(draft.exdates, values, strict=True):
            found = known.get((value, getattr(value, "fold", 0)))
            keys.add(self._look_up(series, text) if found is None else found.key)
        return {key for key in keys if key is not None and key not in dates}

    def _with_successor(self, draft: Draft, event: Event) -> Event:
        said = draft.successor
        found = None if said is None else self.ids.get((said.uid, None))
        key = None if said is None or found is None else said.key
        return replace(event, successor_id=found, successor_key=key)

    def _own_client_id(self, draft: Draft, event: Event, name: Name) -> Event:
        if event.client_id is None or self.taken.setdefault(event.client_id, name) == name:
            return event
        draft.notices.append(f"Its client_id, {event.client_id[:60]}, is another event's here and was left out.")
        return replace(event, client_id=None)

    def _tell(self, merged: Merged, drafts: Iterable[Draft], status: Status, key: str = "") -> None:
        event_id = merged.desired.event.id
        for draft in drafts:
            key_of = key or (draft.event.key if draft.event is not None else "")
            wire_id = f"{event_id}_{key_of}" if key_of else event_id
            why = {"code": "not_newer", "reason": _OLDER} if status == "ignored" else {}
            merged.results[draft.place] = _result(draft, status, wire_id, **why)


def _main(wholes: Mapping[Name, Draft], uid: str) -> Name:
    """The name of the series that the dates of a group belong to; what other calendars call so is plain."""
    found = [name for name, draft in wholes.items() if draft.event is not None and draft.event.is_series]
    return found[0] if len(found) == 1 else (uid, None)


K = TypeVar("K")


def _take(found: dict[K, Draft], name: K, draft: Draft, refused: dict[int, Result]) -> None:
    """The newer of two for one thing, the later in the file where they are as new."""
    other = found.get(name)
    if other is not None:
        assert other.event is not None
        assert draft.event is not None
        if _revision(other.event) > _revision(draft.event):
            other, draft = draft, other
        refused[other.place] = _result(other, "ignored", code="said_twice", reason=_TWICE)
    found[name] = draft


def _row(draft: Draft, series: Event, key: str) -> Event:
    assert draft.event is not None
    draft.event = _as_date(draft.event, series, key)
    return draft.event


def _as_date(event: Event, series: Event, key: str) -> Event:
    """An event as one date of a series."""
    event = replace(event, id=series.id, uid=series.uid, key=key, recurrence_id=None)
    return replace(event, rule=None, rdates=(), start_counts=False)


def _as_known(new: Event, old: Event, *, is_known: bool) -> Event:
    """What the agent knows of an event stays, where the file says nothing of it; and so does what the calendar says of
    its origin."""
    new = replace(new, id=old.id, source=old.source, stored_from=old.stored_from, stored_through=old.stored_through)
    if old.sender_check is not None and new.sender_check is None:
        new = replace(new, sender_check=old.sender_check)
    if is_known:
        return new
    return replace(
        new,
        metadata=old.metadata,
        client_id=old.client_id,
        response=old.response,
        successor_id=old.successor_id,
        successor_key=old.successor_key,
    )


def _alike(new: Event, old: Event) -> bool:
    """Whether a file says nothing that the calendar does not have."""
    return (
        old
        == replace(
            new,
            version=old.version,
            sequence=old.sequence,
            exclusions=old.exclusions,
            excluded_at=old.excluded_at,
            asked_sequence=old.asked_sequence,
            last_wall=old.last_wall,
            created_at=old.created_at,
            updated_at=old.updated_at,
            successor_id=old.successor_id,
            successor_key=old.successor_key,
            sender_check=old.sender_check,
        )
        and _revision(new)[0] <= _revision(old)[0]
    )


def _revision(event: Event) -> tuple[int, datetime]:
    """SEQUENCE as a file says it, and when the event was last changed, in the whole seconds that a file has."""
    changed = max(event.updated_at, event.excluded_at or event.updated_at)
    return event.sequence + event.exclusions, changed.replace(microsecond=0)


def _result(
    draft: Draft, status: Status, event_id: str | None = None, *, code: str | None = None, reason: str | None = None
) -> Result:
    return Result(
        ical_uid=draft.uid,
        recurrence_id=draft.recurrence_id,
        status=status,
        event_id=event_id,
        code=code,
        reason=reason,
        notices=tuple(draft.notices),
    )


def refusal(draft: Draft, problem: Problem) -> Result:
    """Of a component that cannot be stored."""
    return _result(draft, "ignored", code=problem.code, reason=problem.message)


def unread(draft: Draft) -> Result:
    return _result(draft, "ignored", code=draft.reason, reason=draft.sentence)
