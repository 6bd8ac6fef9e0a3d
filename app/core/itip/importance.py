"""Whether a change of the organiser's makes an answer void.

Who accepted a time did not accept another one. What counts is compared as values: a new description, a new attendee, a
higher SEQUENCE or the same instant under another zone's name are no reason to ask again.
"""

from __future__ import annotations

from typing import Final, Literal

from app.core.itip.component import Component
from app.core.rule import parse_rule
from app.core.times import end_of, load_zone
from app.errors import Problem

Part = Literal["time", "place", "recurrence", "title"]

ASKS_AGAIN: Final[frozenset[Part]] = frozenset({"time", "place", "recurrence"})
"""What an attendee agreed to (RFC 5546 2.1.4 names the same for a raised SEQUENCE)."""


def changed(old: Component, new: Component, calendar_zone: str) -> frozenset[Part]:
    """Which of the parts differ from one revision of an event, or of one date, to the next. EXDATEs do not count: a
    date less asks nothing of anybody.
    """
    found: set[Part] = set()
    recurs = old.is_series and new.is_series
    if _time(old, calendar_zone, recurs=recurs) != _time(new, calendar_zone, recurs=recurs):
        found.add("time")
    if _words(old.location) != _words(new.location):
        found.add("place")
    if _rule(old) != _rule(new) or sorted(old.rdates) != sorted(new.rdates):
        found.add("recurrence")
    if _words(old.summary) != _words(new.summary):
        found.add("title")
    return frozenset(found)


def asks_again(old: Component, new: Component, calendar_zone: str) -> bool:
    """Whether an accepted answer goes back to tentative."""
    return bool(changed(old, new, calendar_zone) & ASKS_AGAIN)


def _time(component: Component, calendar_zone: str, *, recurs: bool) -> object:
    when = component.when
    if when is None:
        return None
    if when.all_day:
        return when.start_wall, when.length
    start = when.start(calendar_zone)
    end = end_of(start, load_zone(when.zone), when.length)
    # A series recurs on wall time: equal instants of its first date say nothing of the others.
    return (start, end, when.zone) if recurs else (start, end)


def _rule(component: Component) -> object:
    try:
        return component.rule and parse_rule(component.rule)
    except Problem:
        return component.rule


def _words(text: str | None) -> str:
    return " ".join((text or "").split()).casefold()
