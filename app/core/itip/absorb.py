"""A message comes in: who may say it, whether it is news, what the thread is afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from app.core.itip.component import Component, Message, Person
from app.core.itip.meaning import Meaning, meaning
from app.core.itip.moments import format_moment
from app.core.itip.replies import Ours, answer_of, with_answer
from app.core.itip.thread import (
    MAX_BYTES,
    MAX_SLOTS,
    MAX_WAITING,
    Answer,
    Slot,
    Thread,
    is_newer,
    is_too_large,
    slot_key,
)
from app.core.times import instant_of, load_zone

VerdictStatus = Literal["created", "updated", "cancelled", "ignored"]
Reason = Literal[
    "reinvited",
    "cancelled_earlier",
    "answered",
    "stale",
    "duplicate",
    "not_the_organiser",
    "our_event",
    "unknown_event",
    "unknown_attendee",
    "unknown_method",
    "counter",
    "refresh",
    "too_many_dates",
    "nothing_to_read",
]

INVITES: Final = frozenset({"REQUEST", "PUBLISH", "ADD", ""})
"""Methods that invite; a calendar without METHOD counts as one (a forwarded .ics loses it)."""

_SENTENCES: Final[dict[Reason, str]] = {
    "reinvited": "The organiser invited again after a cancellation.",
    "cancelled_earlier": "A later message of the organiser, which came first, had already cancelled it.",
    "answered": "An attendee answered.",
    "stale": "A newer revision is already here.",
    "duplicate": "The same revision is already here.",
    "our_event": "This calendar's agent made the event; mail changes no more of it than attendees' answers.",
    "unknown_event": "This calendar does not have the event; the message is kept for when its invitation arrives.",
    "counter": "The organiser or an attendee proposes another time; a proposal changes nothing by itself.",
    "refresh": "An attendee asks for the present state of the event.",
    "too_many_dates": f"Of one event {MAX_SLOTS:,} single dates or {MAX_BYTES:,} bytes are kept, and no more.",
    "nothing_to_read": "The message says nothing about an event: it has no VEVENT with a start.",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a message did. `reason` and `sentence` are always there when it was ignored. `answer` is what a REPLY said,
    also where its attendee is not on the list.
    """

    status: VerdictStatus
    reason: Reason | None = None
    sentence: str | None = None
    answer: Answer | None = None


def _verdict(
    status: VerdictStatus, reason: Reason, sentence: str | None = None, answer: Answer | None = None
) -> Verdict:
    return Verdict(status, reason, sentence or _SENTENCES[reason], answer)


def absorb(
    thread: Thread, message: Message, calendar_zone: str, *, ours: Ours | None = None, sender: str | None = None
) -> tuple[Thread, Verdict]:
    """The thread after a message about its UID, and what the message did; the thread is the same object when nothing
    of it is to be kept.

    `ours` is given when the UID is that of an event the agent made; then only a REPLY counts. `sender` is the address
    the mail came from, which decides nothing but whose answer a REPLY with several attendees holds. All components of
    `message` must have the thread's UID (`by_uid`).
    """
    method = message.method
    if not message.components:
        return thread, _verdict("ignored", "nothing_to_read")
    if method == "REPLY":
        return _answered(thread, message.components, ours, sender)
    if method in ("COUNTER", "DECLINECOUNTER"):
        return thread, _verdict("ignored", "counter")
    if method == "REFRESH":
        return thread, _verdict("ignored", "refresh")
    if method not in INVITES and method != "CANCEL":
        return thread, _verdict("ignored", "unknown_method", f"METHOD:{method[:40]} is not one that calendars know.")
    if ours is not None:
        return thread, _verdict("ignored", "our_event")
    organizer = next((part.organizer for part in message.components if part.organizer is not None), None)
    if thread.organizer is not None and (organizer is None or organizer.address != thread.organizer.address):
        return thread, _not_the_organiser(thread.organizer, organizer)
    return _kept(thread, message, organizer, calendar_zone)


def _not_the_organiser(stored: Person, organizer: Person | None) -> Verdict:
    who = "names no organiser" if organizer is None else f"names {organizer.address} as its organiser"
    return _verdict(
        "ignored",
        "not_the_organiser",
        f"The message {who}, and the event is {stored.address}'s; nobody else can change it.",
    )


# ---------------------------------------------------------------------------------------------- the organiser's


def _kept(thread: Thread, message: Message, organizer: Person | None, calendar_zone: str) -> tuple[Thread, Verdict]:
    who = "" if organizer is None else organizer.address
    slots = dict(thread.slots or thread.waiting.get(who, {}))
    nothing_new = _take(slots, message)
    if nothing_new is not None:
        return thread, _verdict("ignored", nothing_new)
    if any(slot.invite is not None for slot in slots.values()):
        after = msgspec.structs.replace(thread, slots=slots, waiting={}, organizer=thread.organizer or organizer)
    elif who in thread.waiting or len(thread.waiting) < MAX_WAITING:
        after = msgspec.structs.replace(thread, waiting={**thread.waiting, who: slots})
    else:
        return thread, _verdict("ignored", "too_many_dates")
    if is_too_large(after) and not (after.slots and message.method == "CANCEL"):
        return thread, _verdict("ignored", "too_many_dates")
    return after, _news(meaning(thread, calendar_zone), meaning(after, calendar_zone))


def _take(slots: dict[str, Slot], message: Message) -> Reason | None:
    """Puts into the slots what is newer than what they hold; the reason when nothing is."""
    found: set[Reason] = set()
    has_news = False
    for component in message.components:
        is_cancel = message.method == "CANCEL" or component.status == "cancelled"
        if component.when is None and not is_cancel:
            continue
        if message.method == "ADD":
            component = _added(component)
        key = slot_key(component)
        slot = slots.get(key, Slot())
        known = slot.cancel if is_cancel else slot.invite
        if key not in slots and len(slots) >= MAX_SLOTS:
            found.add("too_many_dates")
        elif known is not None and not is_newer(component, known):
            found.add("duplicate" if component == known else "stale")
        else:
            has_news = True
            slots[key] = Slot(slot.invite, component) if is_cancel else Slot(component, slot.cancel)
    if has_news:
        return None
    return next((reason for reason in _TELLING if reason in found), "nothing_to_read")


_TELLING: Final[tuple[Reason, ...]] = ("too_many_dates", "duplicate", "stale")


def _added(component: Component) -> Component:
    """ADD (RFC 5546 3.2.4) names its date by DTSTART alone: it is an invitation to that one date."""
    when = component.when
    if component.recurrence_id is not None or when is None:
        return component
    if when.all_day:
        named = format_moment(when.start_wall.date())
    else:
        named = format_moment(instant_of(when.start_wall, load_zone(when.zone)))
    return msgspec.structs.replace(component, recurrence_id=named, rule=None, last=None, rdates=(), exdates=())


def _news(before: Meaning, after: Meaning) -> Verdict:
    if after.is_empty:
        return _verdict("ignored", "unknown_event")
    if before == after:
        return _verdict("ignored", "cancelled_earlier" if _is_off(after) else "stale")
    if before.is_empty:
        return _verdict("cancelled", "cancelled_earlier") if _is_off(after) else Verdict("created")
    if _is_off(after):
        return Verdict("cancelled") if not _is_off(before) else _verdict("ignored", "cancelled_earlier")
    if _is_off(before):
        return _verdict("updated", "reinvited")
    return Verdict("cancelled" if _only_cancels(before, after) else "updated")


def _is_off(what: Meaning) -> bool:
    """Whether nothing is left of it."""
    has_master = what.master is not None and not what.cancelled
    return not (has_master or what.overrides or what.loose)


def _only_cancels(before: Meaning, after: Meaning) -> bool:
    """Whether the only news is that dates are gone."""
    return (
        before.master == after.master
        and before.cancelled == after.cancelled
        and set(after.cancelled_dates) >= set(before.cancelled_dates)
        and after.overrides.items() <= before.overrides.items()
        and after.loose.items() <= before.loose.items()
        and set(after.futures) <= set(before.futures)
    )


# ------------------------------------------------------------------------------------------------- attendees'


def _answered(
    thread: Thread, components: tuple[Component, ...], ours: Ours | None, sender: str | None
) -> tuple[Thread, Verdict]:
    if ours is None:
        return thread, _verdict(
            "ignored", "unknown_event", "The answer is to an event that this calendar did not send."
        )
    first: Verdict | None = None
    for component in components:
        thread, verdict = _one_answer(thread, component, ours, sender)
        if first is None or (first.status == "ignored" and verdict.status != "ignored"):
            first = verdict
    assert first is not None
    return thread, first


def _one_answer(thread: Thread, component: Component, ours: Ours, sender: str | None) -> tuple[Thread, Verdict]:
    answer = answer_of(component, sender)
    if answer is None:
        return thread, _verdict("ignored", "unknown_attendee", "The answer does not say whose it is.")
    if answer.address not in ours.attendees:
        sentence = f"{answer.address} answered {answer.partstat}, and is not among the attendees."
        return thread, _verdict("ignored", "unknown_attendee", sentence, answer)
    if answer.sequence < ours.answerable_from:
        sentence = f"The answer is to revision {answer.sequence}, before time or place changed."
        return thread, _verdict("ignored", "stale", sentence, answer)
    after = with_answer(thread, answer)
    if after is None:
        is_same = answer in thread.answers.values()
        return thread, _verdict("ignored", "duplicate" if is_same else "stale", None, answer)
    return after, _verdict("updated", "answered", f"{answer.address} answered {answer.partstat}.", answer)
