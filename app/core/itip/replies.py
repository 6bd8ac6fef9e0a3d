"""Answers to our own events: METHOD:REPLY (RFC 5546 3.2.3)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from app.core.itip.component import Attendee, Component
from app.core.itip.thread import MAX_ANSWERS, Answer, Thread, version

PARTSTATS = frozenset({"NEEDS-ACTION", "ACCEPTED", "DECLINED", "TENTATIVE", "DELEGATED"})
"""RFC 5545 3.2.12, for events; any other word counts as NEEDS-ACTION, as it says there."""


@dataclass(frozen=True, slots=True)
class Ours:
    """An event that the agent organises.

    `attendees` are their addresses in lower case. `answerable_from` is the SEQUENCE of the last change that asked for
    new answers: one to an earlier revision is stale.
    """

    attendees: Collection[str]
    answerable_from: int = 0


def answer_of(component: Component, sender: str | None) -> Answer | None:
    """The answer that a REPLY's component holds: that of its one ATTENDEE; where it wrongly has several, of the one who
    sent the mail. None when that leaves nobody.
    """
    attendee = _who(component.attendees, sender)
    if attendee is None:
        return None
    partstat = attendee.partstat or "NEEDS-ACTION"
    return Answer(
        address=attendee.address,
        partstat=partstat if partstat in PARTSTATS else "NEEDS-ACTION",
        recurrence_id=component.recurrence_id,
        name=attendee.name,
        comment=component.comment,
        sequence=component.sequence,
        dtstamp=component.dtstamp,
    )


def _who(attendees: tuple[Attendee, ...], sender: str | None) -> Attendee | None:
    if len(attendees) == 1:
        return attendees[0]
    address = (sender or "").lower()
    return next((attendee for attendee in attendees if attendee.address == address), None)


def with_answer(thread: Thread, answer: Answer) -> Thread | None:
    """The thread with the answer, or None when it has this or a newer one of that attendee for that date, or as many
    answers as are kept.
    """
    key = f"{answer.address} {answer.recurrence_id or ''}"
    known = thread.answers.get(key)
    if known is not None and not _is_newer(answer, known):
        return None
    if known is None and len(thread.answers) >= MAX_ANSWERS:
        return None
    return msgspec.structs.replace(thread, answers={**thread.answers, key: answer})


def _is_newer(one: Answer, other: Answer) -> bool:
    mine, theirs = _version(one), _version(other)
    return mine > theirs or (mine == theirs and one != other and msgspec.json.encode(one) > msgspec.json.encode(other))


def _version(answer: Answer) -> tuple[object, ...]:
    return version(Component(uid="", sequence=answer.sequence, dtstamp=answer.dtstamp))
