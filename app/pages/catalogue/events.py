"""The operations on events."""

from __future__ import annotations

from typing import Any, Final, get_args

from app.events.reads import (
    LIST_DEFAULT,
    LIST_MOST,
    OFFSET_MOST,
    REACH,
    UPCOMING_DEFAULT,
    UPCOMING_MOST,
    WORDS_MOST,
)
from app.events.schemas import EventCreate, EventUpdate, Respond, Status
from app.events.update import MODES
from app.events.view import FORMATS, VIEW_DEFAULT, VIEW_MOST
from app.pages.catalogue.shape import Answer, Example, Operation, Parameter

SECTION: Final = "Events"
HERE: Final = {"calendar_id": "$CALENDAR"}
_ONE: Final = {**HERE, "event_id": "$EVENT"}
WHEN: Final = ("invalid_time", "invalid_timezone", "offset_mismatch", "end_before_start")
RECURRING: Final = (
    "invalid_recurrence",
    "recurrence_too_costly",
    "recurrence_without_dates",
    "not_a_date_of_the_series",
)
_CLAMPED: Final = "more is taken as the most."


def _limit(what: str, default: int, most: int) -> Parameter:
    schema: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return Parameter("limit", schema, f"{what}; {_CLAMPED}")


def _flag(name: str, description: str, *, default: bool = False) -> Parameter:
    return Parameter(name, {"type": "boolean", "default": default}, description)


def _mode(description: str) -> Parameter:
    return Parameter("mode", {"type": "string", "enum": list(MODES)}, description)


PREVIEW: Final = _flag(
    "preview", "true answers what the write would, and undoes it: nothing is stored, mailed or told."
)

OPERATIONS: Final = (
    Operation(
        id="create_event",
        method="POST",
        path="/calendars/{calendar_id}/events",
        section=SECTION,
        summary="Write an event, single or recurring",
        description="With `recurrence` or `rdates` it is a series. It recurs on wall time in its zone: nine "
        "o'clock stays nine o'clock when the clocks change. `notices` says where something was understood "
        "otherwise than one might think, such as a start that the rule does not produce.",
        scope="full",
        request=EventCreate,
        query=(PREVIEW,),
        raises=(*WHEN, *RECURRING, "quota_exceeded", "expectation_failed"),
        answers=(
            Answer(201, "The event.", "WrittenEvent"),
            Answer(
                200,
                "The event made before under the same client_id, as it is now; with `preview`, the event as it would "
                "be.",
                "WrittenEvent",
            ),
        ),
        examples=(
            Example(
                name="single",
                summary="A single event",
                path=HERE,
                body={
                    "title": "Dentist",
                    "start": "2027-03-02T15:00:00",
                    "end": "2027-03-02T15:45:00",
                    "location": "12 Main Street",
                    "client_id": "dentist-2027-03",
                },
                keeps={"$EVENT": "id"},
            ),
            Example(
                name="series",
                summary="A series: every weekday, across the change of clocks",
                path=HERE,
                body={
                    "title": "Standup",
                    "start": "2027-03-01T09:00:00",
                    "duration": "PT15M",
                    "recurrence": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
                    "exdates": ["2027-03-05"],
                },
                keeps={"$SERIES": "id"},
            ),
            Example(
                name="invitation",
                summary="An event that others are invited to",
                path=HERE,
                body={
                    "title": "Review",
                    "start": "2027-03-03T10:00:00",
                    "duration": "PT1H",
                    "attendees": ["bob@example.com"],
                },
            ),
            Example(
                name="all_day",
                summary="Whole days, the last one included",
                path=HERE,
                body={"title": "Conference", "start": "2027-04-12", "end": "2027-04-14", "transparency": "transparent"},
            ),
        ),
    ),
    Operation(
        id="list_events",
        method="GET",
        path="/calendars/{calendar_id}/events",
        section=SECTION,
        summary="List what happens",
        description="Single events and the dates of series, ordered by start, then id; cancelled ones too, "
        "unless `status` says otherwise. Without `end`, series reach as far as their dates are stored, each "
        "with its next date at least.",
        scope="read",
        query=(
            Parameter("start", {"type": "string"}, "Keeps what starts at or after this time or date."),
            Parameter(
                "end",
                {"type": "string"},
                "Keeps what starts at or before it. A later one than "
                f"{REACH.days} days from now is taken as that. Without offset, both are read in the calendar's zone.",
            ),
            Parameter("status", {"type": "string", "enum": list(get_args(Status))}, "Keeps one status."),
            _limit("Events a page", LIST_DEFAULT, LIST_MOST),
            Parameter(
                "offset",
                {"type": "integer", "minimum": 0, "maximum": OFFSET_MOST, "default": 0},
                "Events to skip; `cursor` goes further.",
            ),
            Parameter("cursor", {"type": "string"}, "next_cursor of the page before."),
            Parameter(
                "q",
                {"type": "string"},
                f"Words, up to {WORDS_MOST}, that are all in title, description or location.",
            ),
            _flag("expand", "false lists series as written instead of their dates.", default=True),
            Parameter(
                "updated_since",
                {"type": "string", "format": "date-time"},
                "Keeps what was changed at or after this instant.",
            ),
            _flag("overlapping", "Keeps all that touch the window from `start` to `end`, whenever it began."),
        ),
        raises=("invalid_time",),
        answers=(Answer(200, "A page.", "EventPage"),),
        examples=(Example(path=HERE, query={"start": "2027-03-01", "end": "2027-03-31", "limit": "2"}),),
    ),
    Operation(
        id="get_event",
        method="GET",
        path="/calendars/{calendar_id}/events/{event_id}",
        section=SECTION,
        summary="Read an event",
        description="A single event, a series, or one date of a series, however far ahead: the series' id, `_` "
        "and the date it was planned for.",
        scope="read",
        conditional=True,
        answers=(Answer(200, "The event.", "Event"),),
        examples=(
            Example(name="single", summary="A single event", path=_ONE),
            Example(name="date", summary="One date of a series", path={**HERE, "event_id": "${SERIES}_20270304"}),
        ),
    ),
    Operation(
        id="update_event",
        method="PATCH",
        path="/calendars/{calendar_id}/events/{event_id}",
        section=SECTION,
        summary="Change an event, a series, or one date of it",
        description="Changes what is given; null clears. `start` alone keeps the length, `end` alone the start. "
        "A series changes all its dates but those changed on their own; a date's id changes that one. Dates "
        "keep their ids, and what was cancelled stays cancelled.",
        scope="full",
        guarded=True,
        request=EventUpdate,
        query=(
            _mode(
                "Under a date's id: `single` (the default) that date, `future` the series from it on, which "
                "goes on as a series of its own, `all` the whole series."
            ),
            PREVIEW,
        ),
        raises=(*WHEN, *RECURRING, "quota_exceeded", "expectation_failed"),
        answers=(Answer(200, "The event as it is now; after a split, the new series.", "WrittenEvent"),),
        examples=(
            Example(
                name="date",
                summary="Move one date",
                path={**HERE, "event_id": "${SERIES}_20270304"},
                body={"start": "2027-03-04T11:00:00"},
            ),
            Example(
                name="future",
                summary="From one date on",
                path={**HERE, "event_id": "${SERIES}_20270401"},
                query={"mode": "future"},
                body={"title": "Standup in the new room", "location": "Room 2"},
            ),
        ),
    ),
    Operation(
        id="delete_event",
        method="DELETE",
        path="/calendars/{calendar_id}/events/{event_id}",
        section=SECTION,
        summary="Remove an event, end a series, or cancel one date",
        description="A single event goes; a date is cancelled and stays listed as such.",
        scope="full",
        guarded=True,
        query=(
            _mode(
                "Under a date's id: `single` (the default) cancels it, `future` ends the series before it, "
                "`all` removes the series. Under a series' id only `all`, which has to be said."
            ),
            PREVIEW,
        ),
        raises=("mode_required",),
        answers=(Answer(204, "Done."), Answer(200, "With `preview`: what would be removed.", "Removal")),
        examples=(
            Example(name="date", summary="Cancel one date", path={**HERE, "event_id": "${SERIES}_20270308"}),
            Example(
                name="series",
                summary="Remove a whole series",
                path={**HERE, "event_id": "$SERIES"},
                query={"mode": "all"},
            ),
        ),
    ),
    Operation(
        id="respond",
        method="POST",
        path="/calendars/{calendar_id}/events/{event_id}/respond",
        section=SECTION,
        summary="Answer an invitation",
        description="accepted makes it confirmed, declined cancelled, tentative tentative; a series' answer is "
        "for all dates, except those deleted or cancelled by the organiser. Who invited by mail is told by mail, once "
        "for each answer.",
        scope="book",
        request=Respond,
        query=(PREVIEW,),
        answers=(Answer(200, "The event, with what became of the answer.", "AnsweredEvent"),),
        examples=(Example(path=_ONE, body={"response": "accepted"}),),
    ),
    Operation(
        id="get_upcoming",
        method="GET",
        path="/calendars/{calendar_id}/upcoming",
        section=SECTION,
        summary="See what is next",
        description="From now on, without what is cancelled. `next_event_starts_in` says how long an agent may sleep.",
        scope="read",
        query=(
            _limit("Events", UPCOMING_DEFAULT, UPCOMING_MOST),
            _flag("include_current", "Adds what is under way."),
        ),
        answers=(Answer(200, "What is next.", "Upcoming"),),
        examples=(Example(path=HERE, query={"limit": "2"}),),
    ),
    Operation(
        id="get_view",
        method="GET",
        path="/calendars/{calendar_id}/view",
        section=SECTION,
        summary="See what is next as text",
        description="For a terminal or a prompt: a table of columns, an agenda by local days, or a table in Markdown "
        "in which every text is escaped and no link is live. Agenda and Markdown also show what is under way, and mark "
        "what came by mail as untrusted. Columns heed the width of each character.",
        scope="read",
        query=(
            _limit("Rows", VIEW_DEFAULT, VIEW_MOST),
            Parameter("format", {"type": "string", "enum": list(FORMATS), "default": FORMATS[0]}, "How it is written."),
            Parameter(
                "tz",
                {"type": "string"},
                "The IANA zone to show times in. Without it a table is in UTC, the others in the calendar's zone.",
            ),
        ),
        raises=("invalid_timezone",),
        answers=(Answer(200, "The text.", None, "text/plain"),),
        examples=(
            Example(path=HERE, query={"limit": "4"}),
            Example(name="agenda", summary="By days", path=HERE, query={"format": "agenda", "limit": "4"}),
            Example(
                name="markdown",
                summary="For a prompt, in another zone",
                path=HERE,
                query={"format": "markdown", "tz": "Europe/Berlin", "limit": "4"},
            ),
        ),
    ),
)
