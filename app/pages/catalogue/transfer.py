"""The operations that carry a whole calendar in and out."""

from __future__ import annotations

from typing import Final

from app.http.edge import FILE_LIMIT
from app.ical.files import MAX_FILE_EVENTS
from app.pages.catalogue.events import PREVIEW
from app.pages.catalogue.members import list_of, number, object_of, one_of, ref, text
from app.pages.catalogue.safety_objects import PREVIEWED
from app.pages.catalogue.shape import Answer, Example, Operation
from app.transfer.importing import RESULTS_MOST
from app.transfer.merging import Status

SECTION: Final = "Import and export"

_HERE: Final = {"calendar_id": "$CALENDAR"}
_FILE: Final = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example//EN
BEGIN:VEVENT
UID:choir@example.org
DTSTAMP:20270220T090000Z
DTSTART;TZID=America/New_York:20270303T190000
DURATION:PT2H
RRULE:FREQ=WEEKLY;BYDAY=WE
SUMMARY:Choir
END:VEVENT
BEGIN:VTODO
UID:score@example.org
DTSTAMP:20270220T090000Z
SUMMARY:Print the score
END:VTODO
END:VCALENDAR
"""

OBJECTS: Final = {
    "ImportResult": object_of(
        "What became of one component of a file.",
        {"status": one_of("What became of it.", Status)},
        {
            "ical_uid": text("Its UID."),
            "recurrence_id": text("Its RECURRENCE-ID, where it is one date of a series."),
            "event_id": text("The id of the event or date here."),
            "code": text("Where it was passed over: why, in a word. docs/import-export.md has the table."),
            "reason": text("The same in a sentence."),
            "notices": list_of("What was repaired, left out or understood otherwise.", {"type": "string"}),
        },
    ),
    "Imported": object_of(
        "What became of a file. The counts are of all its components.",
        {
            "created": number("Components that are new here."),
            "updated": number("Components that changed what was here."),
            "unchanged": number("Components that say what the calendar has already."),
            "ignored": number("Components that were passed over."),
            "results": list_of(
                "In the order of the file; those that need a look, where there are too many.", ref("ImportResult")
            ),
        },
        {
            "results_left_out": number("How many results are not told."),
            "preview": PREVIEWED["preview"],
            "notices": list_of("What is to be known of the whole file, in sentences.", {"type": "string"}),
        },
    ),
}

OPERATIONS: Final = (
    Operation(
        id="import_calendar",
        method="POST",
        path="/calendars/{calendar_id}/import",
        section=SECTION,
        summary="Import an .ics file",
        description=f"The body is the file itself, of up to {FILE_LIMIT // 1024 // 1024} MB and {MAX_FILE_EVENTS:,} "
        "components. Events are recognised by their UID: what the calendar has not is created, what the file has in a "
        "newer revision is updated, and importing the same file again changes nothing. What cannot be read is passed "
        f"over and said in `results`, which name up to {RESULTS_MOST:,} components, those that need a look first. All "
        "that is good is stored together, or nothing where a quota is met. Nobody is mailed. docs/import-export.md "
        "says what is read how.",
        scope="full",
        takes="text/calendar",
        query=(PREVIEW,),
        raises=("quota_exceeded", "recurrence_too_costly", "unavailable"),
        answers=(Answer(200, "What became of the components.", "Imported"),),
        examples=(Example(path=_HERE, text=_FILE),),
    ),
    Operation(
        id="export_calendar",
        method="GET",
        path="/calendars/{calendar_id}/export.ics",
        section=SECTION,
        summary="Export everything as an .ics file",
        description="All that the calendar holds: cancelled events, attendees and metadata too, which its feed does "
        "not show. Imported into an empty calendar it gives the same again. What iCalendar cannot say stands in "
        "properties that begin with X-KALENDS, which other calendars pass over.",
        scope="read",
        conditional=True,
        answers=(Answer(200, "The file.", None, "text/calendar"),),
        examples=(Example(path=_HERE),),
    ),
)
