"""The objects in answers about what a write would do, and what became of many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.core.series import MAX_COUNT
from app.events.delete import Removed
from app.events.explain import AHEAD
from app.events.preview import SHOWN
from app.pages.catalogue.members import (
    EVENT_TIME,
    flag,
    instant,
    list_of,
    number,
    object_of,
    one_of,
    ref,
    text,
)
from app.pages.catalogue.shape import Schema

_LOCAL: Final = {
    "start_local": text("When it begins, in the event's zone, with its offset."),
    "end_local": text("When it ends, likewise."),
}
_TIMES: Final = {
    "start": text("When it begins: an instant, or a date of an all-day series.", pattern=EVENT_TIME),
    "end": text("When it ends; of an all-day series the last date, included.", pattern=EVENT_TIME),
    **_LOCAL,
}
PREVIEWED: Final[Mapping[str, Schema]] = {
    "preview": flag("True where nothing was stored: ids of new events and the etag stand for nothing.", const=True),
    "dates": ref("DatesEffect"),
}
ACTUAL: Final = object_of(
    "With expectation_failed: what is true of the start.",
    {
        "start_local": text("The start in the event's zone."),
        "timezone": text("That zone."),
        "weekday": text("Its weekday."),
    },
    {"utc_offset": text("The offset of the clocks there; absent of all-day events.")},
)


def _or_null(component: str, description: str) -> Schema:
    return {"description": description, "anyOf": [ref(component), {"type": "null"}]}


def _count(what: str) -> Schema:
    return number(f"Dates {what}.")


SAFETY: Final[Mapping[str, Schema]] = {
    "LocalTimes": object_of("When a date is.", _LOCAL),
    "DateEffect": object_of(
        "What becomes of one date.",
        {
            "effect": text("What.", enum=["added", "removed", "moved", "cancelled", "restored"]),
            "was": _or_null("LocalTimes", "When it is before the write."),
            "is": _or_null("LocalTimes", "When it is after it."),
        },
    ),
    "DatesEffect": object_of(
        "In a preview: what the write does to the event's dates to come, as far as they are stored.",
        {
            "added": _count("that the event has then and has not now"),
            "removed": _count("that it has now and has not then"),
            "moved": _count("that begin or end at another time"),
            "cancelled": _count("that stay, cancelled"),
            "restored": _count("that are cancelled now and not then"),
            "first": list_of(f"The first of them, up to {SHOWN}.", ref("DateEffect")),
        },
    ),
    "Removal": object_of(
        "What a DELETE would take away.",
        {
            "removes": one_of(
                "A single event, a series with all its dates, the series from this date on, this date (it stays "
                "listed as cancelled), or nothing where it is cancelled already.",
                Removed,
            ),
            "event": {**ref("Event"), "description": "What the id names, as it is now."},
            "preview": PREVIEWED["preview"],
            "dates": PREVIEWED["dates"],
        },
    ),
    "BatchResult": object_of(
        "What became of one event of a batch.",
        {
            "index": number("Its place in the batch, from 0."),
            "status": number(
                "The status it would have had alone: 201, 200 for a client_id known before, or an error's."
            ),
        },
        {
            "event": {**ref("WrittenEvent"), "description": "The event, where it was made or known."},
            "error": text("Why it was not made, in a sentence."),
            "code": text("The kind of error."),
            "hint": text("The next step."),
            "field": text("The member of this event at fault."),
            "actual": ACTUAL,
            "quota": number("With quota_exceeded: how many there may be."),
            "present": number("With quota_exceeded: how many there are."),
        },
    ),
    "BatchOutcome": object_of(
        "What became of a batch.",
        {
            "results": list_of("One for each event, in order.", ref("BatchResult")),
            "created": number("Events made."),
            "replayed": number("Events that were made before under their client_id."),
            "failed": number("Events that were not made."),
        },
        {"preview": PREVIEWED["preview"]},
    ),
    "SeriesDate": object_of(
        "One date of a series.",
        {"key": text("What stands behind the series' id and `_` in this date's id."), **_TIMES},
        {"note": text("Where clocks do not show the time that the rule names, or show it twice: what is meant.")},
    ),
    "ClockChange": object_of(
        "A change of the clocks in the series' zone.",
        {
            "at": instant("When."),
            "at_local": text("The same on the clocks that are changed."),
            "offset_before": text("The offset from UTC up to then."),
            "offset_after": text("The offset from then on: the series stays at its local time, so its instants move."),
            "first_date_after": {**ref("SeriesDate"), "description": "The first date it concerns."},
        },
    ),
    "Explanation": object_of(
        "What a series means.",
        {
            "recurrence": text("The rule in canonical form, as it would be stored."),
            "reads": text("What it means, in a sentence."),
            "timezone": text("The zone on whose wall time it recurs."),
            "all_day": flag("Whether its dates are whole days."),
            **_TIMES,
            "start_is_a_date": flag(
                "Whether the start asked for is a date of the rule; else the first match is shown."
            ),
            "ends": flag("Whether there is a last date."),
            "last": _or_null(
                "SeriesDate", "The last date that is not left out; null where there is none or it is far."
            ),
            "dates_in_all": {
                "type": ["integer", "null"],
                "description": f"How many dates there are; null without end, and beyond {MAX_COUNT:,}.",
            },
            "first_dates": list_of("The dates from the start on.", ref("SeriesDate")),
            "next_dates": list_of("The dates from now on.", ref("SeriesDate")),
            "clock_changes": list_of(
                f"The changes of the clocks in {AHEAD.days} days from now, or from the first date.", ref("ClockChange")
            ),
            "dates_at_clock_changes": list_of(
                "The dates that clocks skip, or show twice, at those.", ref("SeriesDate")
            ),
            "cost": object_of(
                "What it takes to serve it.",
                {
                    "dates_in_90_days": {
                        "type": ["integer", "null"],
                        "description": "Dates in 90 days from now, or from the first one; null where that takes too "
                        "long to find.",
                    },
                    "most_dates_in_90_days": number("How many a series may have."),
                    "stored_occurrences": number("Dates that would be stored at once, of the agent's quota."),
                    "steps": number("Steps that checking the rule took."),
                    "most_steps": number("How many it may take."),
                },
            ),
            "notices": list_of("What was understood otherwise than one might think.", {"type": "string"}),
        },
    ),
}
