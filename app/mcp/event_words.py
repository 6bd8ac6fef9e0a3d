"""Events in a few lines: what happens, under which id, when by the clocks of its zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final

from app.core.wording import MONTHS, WEEKDAYS, numbered
from app.mcp.telling import TEXT_MOST, Telling, short

SHOWN_MOST: Final = 25  # events that are told of a list: the structured result has all of them
_PEOPLE_MOST: Final = 10  # attendees that are named

Event = Mapping[str, Any]


@lru_cache(maxsize=1024)
def day(text: str) -> str:
    """`Mon 2 Mar 2026`."""
    found = date.fromisoformat(text)
    return f"{WEEKDAYS[found.weekday()][:3]} {found.day} {MONTHS[found.month - 1][:3]} {found.year}"


def when(event: Event) -> str:
    """When it happens: of a series its rule in words, else day and local time."""
    if event["status"] == "recurring":
        return str(event["reads"]).rstrip(".")
    start, end = event["start_local"], event["end_local"]
    first, last = day(start[:10]), day(end[:10])
    if event.get("all_day"):
        return f"{first}, all day" if first == last else f"{first} to {last}, all day"
    until = end[11:16] if first == last else f"{last}, {end[11:16]}"
    return f"{first}, {start[11:16]}–{until} ({event['timezone']})"


def one_line(event: Event, to: Telling) -> str:
    """An event as one entry of a list."""
    status = event.get("series_status", event["status"])
    told = "" if status == "confirmed" else f" · {status}"
    return f"{event['id']} · {when(event)}{told} · {_called(event, to)}"


def say_event(event: Event, to: Telling) -> None:
    """All that matters of one event."""
    to.line(one_line(event, to))
    if event.get("recurrence") or event.get("rdates"):
        to.line(f"It is a series. One of its dates has the id {event['id']}_YYYYMMDD, by the date it was planned for.")
    if event.get("parent_event_id"):
        to.line(f"It is one date of the series {event['parent_event_id']}.")
    if event.get("untrusted"):
        _say_invitation(event, to)
    elif event["description"]:
        to.line(f"Description: {short(event['description'], TEXT_MOST)}")
    if event["attendee_details"]:
        to.line(f"{numbered(len(event['attendee_details']), 'attendee')}; their answers are in attendee_details.")


def say_written(done: str, event: Event, to: Telling) -> None:
    """An event after a write, `done` being what was done."""
    to.line(f"{'It would be:' if to.is_preview else done} {one_line(event, to)}")
    if event.get("split_from"):
        to.line(f"The series {event['split_from']} ends before it; from there on it is {event['id']}.")
    elif event["status"] == "recurring":
        to.line(f"It is a series. One of its dates has the id {event['id']}_YYYYMMDD, by the date it was planned for.")
    to.lines(f"Note: {notice}" for notice in event.get("notices", ()))
    if event.get("orphaned_overrides"):
        to.line(f"Edited dates that the series does not have any more: {', '.join(event['orphaned_overrides'])}.")
    if "email_status" in event:
        to.line(f"Mail: {event['email_status']}.")


def say_list(events: Sequence[Event], to: Telling) -> None:
    to.lines(one_line(event, to) for event in events[:SHOWN_MOST])
    if len(events) > SHOWN_MOST:
        to.line(f"… and {len(events) - SHOWN_MOST} more in the structured result; or ask for fewer with limit.")


def _called(event: Event, to: Telling) -> str:
    if event.get("untrusted"):
        return f"came by mail, its words are {to.quote(title=event['title'], location=event['location'])}"
    place = f" at {short(event['location'])}" if event["location"] else ""
    return f"“{short(event['title'])}”{place}"


def _say_invitation(event: Event, to: Telling) -> None:
    answered = event.get("response")
    to.line(f"You answered: {answered}." if answered else "You have not answered: see respond_to_event.")
    to.outside(f"organiser: {event.get('organiser_email') or 'unknown'}")
    if event["description"]:
        to.outside(f"description:\n{event['description']}")
    names = [each["name"] for each in event["attendee_details"][:_PEOPLE_MOST] if each["name"]]
    if names:
        to.outside(f"names of attendees: {', '.join(short(name) for name in names)}")
