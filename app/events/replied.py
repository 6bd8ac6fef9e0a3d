"""What attendees answered to an event of the agent's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from app.calendars.writing import Write
from app.core.itip import Answer, Ours, Thread
from app.errors import Problem
from app.events.edits import override_of
from app.events.find import Date, Whole, find_date, open_whole, read_overrides
from app.events.invitation import key_named
from app.events.invited import Applied
from app.events.materialise import first_of
from app.events.model import Attendee, Event
from app.events.sql import sql
from app.events.storing import put_override, put_series, put_single


def ours_of(rows: Iterable[Event]) -> Ours | None:
    """What an answer may be to: the event among `rows` that the agent made. Mail changes no more of it than its
    attendees' answers."""
    event = _ours(rows)
    if event is None:
        return None
    return Ours(frozenset(each.email for each in event.attendees), event.asked_sequence)


async def store_answers(write: Write, rows: Iterable[Event], thread: Thread) -> Applied:
    """Bring the attendees of our event among `rows` to what they answered last, on the whole and on single dates; each
    event or date that this changes is logged as `attendee.replied`. Anything else about the event stays."""
    event = _ours(rows)
    whole = None if event is None else await open_whole(write, event.id)
    if whole is None:
        return Applied()
    of_all = {each.address: each for each in thread.answers.values() if each.recurrence_id is None}
    _answer_whole(write, whole, of_all)
    if whole.event.is_series:
        await _answer_dates(write, whole.event, of_all, thread.answers.values())
    return Applied(whole.event.id, whole.event.rule)


def _ours(rows: Iterable[Event]) -> Event | None:
    return next((row for row in rows if not row.key and row.source != "inbound_email"), None)


def _answer_whole(write: Write, whole: Whole, answers: Mapping[str, Answer]) -> None:
    new = _answered(write, whole.event, answers)
    if new is whole.event:
        return
    if new.is_series:
        first = first_of(new.series(write.calendar.timezone))
        assert first is not None
        text = put_series(write, new, sql.update_event, first, whole.excluded)
    else:
        text = put_single(write, new, sql.update_event)
    write.record("attendee.replied", new.id, whole.text, text)


async def _answer_dates(write: Write, series: Event, of_all: Mapping[str, Answer], answers: Iterable[Answer]) -> None:
    """Answers to single dates, and answers to the whole on dates that have a row of their own."""
    by_key: dict[str, dict[str, Answer]] = {row.key: {} for row in await read_overrides(write, series.id)}
    for answer in answers:
        key = None if answer.recurrence_id is None else key_named(series, answer.recurrence_id, write.calendar.timezone)
        if key is not None:
            by_key.setdefault(key, {})[answer.address] = answer
    for key, own in sorted(by_key.items()):
        try:
            date = await find_date(write, series, key, f"{series.id}_{key}")
        except Problem:  # a date the series does not make any more
            continue
        _answer_date(write, series, date, {**of_all, **own})


def _answer_date(write: Write, series: Event, date: Date, answers: Mapping[str, Answer]) -> None:
    old = date.row or override_of(series, date.key, date.occurrence.original)
    new = _answered(write, old, answers)
    if new is old:
        return
    statement = sql.insert_event if date.row is None else sql.update_event
    text = put_override(write, new, series, statement, cancelled=date.cancelled)
    write.record("attendee.replied", new.wire_id, date.text, text)


def _answered(write: Write, event: Event, answers: Mapping[str, Answer]) -> Event:
    """The very event where no answer changes it."""
    attendees = tuple(_with_answer(each, answers.get(each.email)) for each in event.attendees)
    if attendees == event.attendees:
        return event
    return replace(event, attendees=attendees, version=write.next_seq, updated_at=write.now)


def _with_answer(attendee: Attendee, answer: Answer | None) -> Attendee:
    if answer is None or answer.partstat == attendee.partstat:
        return attendee
    return Attendee(attendee.email, attendee.name or answer.name, attendee.role, answer.partstat)
