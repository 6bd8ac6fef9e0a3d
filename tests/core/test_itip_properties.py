"""In whatever order a thread's messages come, and however often: one meaning.

`KALENDS_FUZZ_EXAMPLES=10000 ./scripts/test tests/core/test_itip_properties.py` looks for longer.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.itip import (
    Attendee,
    Component,
    Message,
    Ours,
    Person,
    Thread,
    When,
    absorb,
    meaning,
    series_of,
    thread_from_json,
    thread_to_json,
)
from app.core.series import at
from app.core.times import Length

ZONE: Final = "America/Denver"
PAT: Final = Person("pat@example.org")
EVE: Final = Person("eve@example.com")
STAMP: Final = datetime(2026, 12, 4, 10, tzinfo=UTC)
EXAMPLES: Final = settings(max_examples=int(os.environ.get("KALENDS_FUZZ_EXAMPLES", "50")), deadline=None)

RULES: Final = (None, "FREQ=WEEKLY;BYDAY=MO", "FREQ=DAILY", "FREQ=DAILY;BYHOUR=9,15", "FREQ=WEEKLY;COUNT=3")
DAYS: Final = ("2026-12-14", "2026-12-21", "2026-12-28")
NAMES: Final = tuple(
    day + form for day in DAYS for form in ("", "T09:00:00", "T16:00:00Z", "T17:00:00Z", "T10:00:00", "T00:00:00Z")
)


@st.composite
def whens(draw: st.DrawFn) -> When:
    day = datetime.fromisoformat(draw(st.sampled_from(DAYS)))
    if draw(st.integers(0, 4)) == 0:
        return When(True, day, ZONE, Length(1, 0))
    zone = draw(st.sampled_from((ZONE, "Europe/Berlin")))
    return When(False, day.replace(hour=draw(st.sampled_from((9, 10)))), zone, Length(0, 3600), True)


@st.composite
def components(draw: st.DrawFn, /, **fixed: Any) -> Component:
    named = draw(st.none() | st.sampled_from(NAMES))
    fields = {
        "recurrence_id": named,
        "this_and_future": named is not None and draw(st.integers(0, 5)) == 0,
        "sequence": draw(st.integers(0, 3)),
        "dtstamp": draw(st.none() | st.integers(0, 3).map(lambda minutes: STAMP + timedelta(minutes=minutes))),
        "summary": draw(st.sampled_from(("A", "B"))),
        "status": draw(st.sampled_from((None, None, None, "confirmed", "cancelled"))),
        "when": draw(whens()),
        "rule": None if named else draw(st.sampled_from(RULES)),
        "exdates": () if named else draw(st.sampled_from(((), ("2026-12-21",), ("2026-12-28T09:00:00",)))),
    }
    return Component(uid="1", organizer=PAT, **(fields | fixed))


@st.composite
def messages(draw: st.DrawFn) -> Message:
    method = draw(st.sampled_from(("REQUEST", "REQUEST", "PUBLISH", "CANCEL", "CANCEL", "ADD", "")))
    fixed = {"recurrence_id": None, "this_and_future": False} if method == "ADD" else {}
    return Message(method, tuple(draw(st.lists(components(**fixed), min_size=1, max_size=3))))


def told(heard: list[Message]) -> Thread:
    thread = Thread("1")
    for message in heard:
        thread, _ = absorb(thread, message, ZONE)
    return thread


@st.composite
def retellings(draw: st.DrawFn) -> tuple[list[Message], list[Message]]:
    """A thread's messages, and the same in another order, some of them several times."""
    first = draw(st.lists(messages(), min_size=1, max_size=6))
    return first, draw(st.permutations(first + draw(st.lists(st.sampled_from(first), max_size=4))))


@given(retellings())
@EXAMPLES
def test_any_order_and_any_repetition_end_in_one_meaning(heard: tuple[list[Message], list[Message]]) -> None:
    first, again = map(told, heard)
    assert first == again
    assert meaning(first, ZONE) == meaning(again, ZONE)


@given(retellings())
@EXAMPLES
def test_a_thread_stored_between_messages_is_the_same(heard: tuple[list[Message], list[Message]]) -> None:
    thread = Thread("1")
    for message in heard[0]:
        thread, _ = absorb(thread_from_json(thread_to_json(thread)), message, ZONE)
    assert meaning(thread, ZONE) == meaning(told(heard[0]), ZONE)


@given(st.lists(messages(), min_size=1, max_size=6))
@EXAMPLES
def test_a_meaning_does_not_contradict_itself(heard: list[Message]) -> None:
    found = meaning(told(heard), ZONE)
    assert not found.overrides.keys() & set(found.cancelled_dates)
    assert not found.loose.keys() & found.loose_cancelled.keys()
    if found.master is None:
        assert (found.overrides, found.cancelled_dates, found.futures, found.ends_before) == ({}, (), (), None)
    else:
        series = series_of(found.master, ZONE)
        for key in (*found.overrides, *found.cancelled_dates, *(future.key for future in found.futures)):
            occurrence = at(series, key)
            assert occurrence is not None
            assert occurrence.key == key
    assert found.is_empty or found.cancelled or found.master or found.loose or found.loose_cancelled


@given(st.lists(messages(), min_size=1, max_size=6))
@EXAMPLES
def test_a_verdict_says_what_happened_to_the_meaning(heard: list[Message]) -> None:
    thread = Thread("1")
    for message in heard:
        before = meaning(thread, ZONE)
        thread, verdict = absorb(thread, message, ZONE)
        after = meaning(thread, ZONE)
        if verdict.status == "created":
            assert before.is_empty
        if verdict.status == "ignored":
            assert verdict.reason is not None
            assert verdict.sentence is not None
            assert after == before or after.is_empty or verdict.reason == "cancelled_earlier"
        else:
            assert after != before
        repeated, verdict = absorb(thread, message, ZONE)
        assert (repeated, verdict.status) == (thread, "ignored")


@given(st.lists(messages(), min_size=1, max_size=4), st.lists(messages(), min_size=1, max_size=4))
@EXAMPLES
def test_strangers_change_nothing(heard: list[Message], forged: list[Message]) -> None:
    thread = after = told(heard)
    if thread.organizer is None:
        return
    for message in by_eve(forged):
        after, verdict = absorb(after, message, ZONE)
        assert verdict.reason == "not_the_organiser"
    assert after == thread


@given(st.lists(messages(), min_size=1, max_size=4), st.lists(messages(), min_size=1, max_size=4))
@EXAMPLES
def test_strangers_cannot_cancel_beforehand(heard: list[Message], forged: list[Message]) -> None:
    thread = told(heard)
    cancels = [Message("CANCEL", message.components) for message in by_eve(forged)]
    if thread.organizer is not None:
        assert told([*cancels, *heard]) == thread


def by_eve(heard: list[Message]) -> list[Message]:
    return [
        Message(message.method, tuple(Component(**{**fields(part), "organizer": EVE}) for part in message.components))
        for message in heard
    ]


def fields(component: Component) -> dict[str, Any]:
    return {name: getattr(component, name) for name in component.__struct_fields__}


ANSWERS: Final = st.builds(
    lambda who, partstat, sequence, minutes, named: Message(
        "REPLY",
        (
            Component(
                uid="1",
                recurrence_id=named,
                sequence=sequence,
                dtstamp=STAMP + timedelta(minutes=minutes),
                attendees=(Attendee(who, partstat=partstat),),
            ),
        ),
    ),
    st.sampled_from(("kim@example.com", "lee@example.com", "eve@example.com")),
    st.sampled_from(("ACCEPTED", "DECLINED")),
    st.integers(0, 2),
    st.integers(0, 2),
    st.none() | st.sampled_from(NAMES[:3]),
)


@given(st.lists(ANSWERS, min_size=1, max_size=6).flatmap(lambda each: st.tuples(st.just(each), st.permutations(each))))
@EXAMPLES
def test_answers_in_any_order_end_in_the_same_ones(heard: tuple[list[Message], list[Message]]) -> None:
    ours = Ours({"kim@example.com", "lee@example.com"}, answerable_from=1)
    ends = []
    for order in heard:
        thread = Thread("1")
        for message in (*order, order[0]):
            thread, _ = absorb(thread, message, ZONE, ours=ours)
        ends.append(thread)
    assert ends[0] == ends[1]
    assert {answer.address for answer in ends[0].answers.values()} <= ours.attendees  # type: ignore[operator]
