"""The operations that try a write, write many events at once, and explain a rule."""

from __future__ import annotations

from typing import Final

from app.events.batch import DATES_MOST
from app.events.schemas import BATCH_MOST, EventBatch, EventCreate, Explain
from app.pages.catalogue.events import HERE, PREVIEW, RECURRING, WHEN
from app.pages.catalogue.shape import Answer, Example, Operation

SECTION: Final = "Trying, explaining, and many at once"

OPERATIONS: Final = (
    Operation(
        id="preview_event",
        method="POST",
        path="/calendars/{calendar_id}/events/preview",
        section=SECTION,
        summary="See what an event would be, without writing it",
        description="The checks and the answer of creating it, and no effect: nothing is stored, mailed, told to "
        "webhooks or counted, and an Idempotency-Key is not used up. The id begins with `evt_preview` and names "
        "nothing. Every other write of events takes `?preview=true` instead.",
        scope="full",
        has_effect=False,
        request=EventCreate,
        raises=(*WHEN, *RECURRING, "quota_exceeded", "expectation_failed"),
        answers=(Answer(200, "The event as it would be.", "WrittenEvent"),),
        examples=(
            Example(
                path=HERE,
                body={
                    "title": "Review",
                    "start": "2027-03-08T09:00:00",
                    "duration": "PT1H",
                    "recurrence": "FREQ=WEEKLY;COUNT=4",
                    "expect": {"weekday": "monday", "utc_offset": "-05:00"},
                },
            ),
        ),
    ),
    Operation(
        id="create_events",
        method="POST",
        path="/calendars/{calendar_id}/events/batch",
        section=SECTION,
        summary="Write many events at once",
        description=f"Up to {BATCH_MOST}, in one transaction: each is made or refused by itself, and its result says "
        f"which. All of them may store {DATES_MOST:,} dates together. With `atomic` the first that cannot be made "
        "refuses the whole batch, with the error it would have alone.",
        scope="full",
        request=EventBatch,
        query=(PREVIEW,),
        raises=(*WHEN, *RECURRING, "quota_exceeded", "expectation_failed"),
        answers=(Answer(200, "What became of each.", "BatchOutcome"),),
        examples=(
            Example(
                path=HERE,
                body={
                    "events": [
                        {"title": "Kick-off", "start": "2027-09-06T09:00:00", "duration": "PT1H"},
                        {
                            "title": "Retrospective",
                            "start": "2027-09-09T16:00:00",
                            "duration": "PT1H",
                            "expect": {"weekday": "friday"},
                        },
                    ]
                },
            ),
        ),
    ),
    Operation(
        id="explain_recurrence",
        method="POST",
        path="/recurrence/explain",
        section=SECTION,
        summary="Explain a rule before using it",
        description="In words and in dates, across the changes of the clocks, with what it costs. What could not be "
        "written is refused as writing it would be. Nothing is stored, and no calendar is needed.",
        scope="read",
        has_effect=False,
        request=Explain,
        raises=(*WHEN, *RECURRING),
        answers=(Answer(200, "What it means.", "Explanation"),),
        examples=(
            Example(
                body={
                    "start": "2027-03-01T02:30:00",
                    "timezone": "America/New_York",
                    "recurrence": "FREQ=DAILY;COUNT=30",
                    "duration": "PT30M",
                    "limit": 2,
                },
            ),
        ),
    ),
)
