"""The operation on requests that failed, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.errors import CODES
from app.failures.service import KEPT, KEPT_MOST, LIST_DEFAULT, LIST_MOST
from app.pages.catalogue.members import instant, list_of, number, object_of, ref, text, text_or_null
from app.pages.catalogue.shape import Answer, Example, Operation, Parameter, Schema

SECTION: Final = "Failed requests"

OBJECTS: Final[Mapping[str, Schema]] = {
    "Failure": object_of(
        "A request of the agent's own that failed. Bodies and queries are not kept.",
        {
            "at": instant("When."),
            "request_id": text("The same as X-Request-Id of its answer."),
            "method": text("Its method."),
            "route": text_or_null("The template of its path; null where nothing is served there."),
            "path": text("Its path, without what looks like a secret."),
            "status": number("What it was answered with.", 400),
            "code": text("The kind of error.", enum=list(CODES)),
            "error": text("The sentence it was answered with."),
        },
        {"hint": text("The next step it was told."), "field": text("What was at fault.")},
    ),
    "Failures": object_of("Requests that failed.", {"errors": list_of("The newest first.", ref("Failure"))}),
}

OPERATIONS: Final = (
    Operation(
        id="list_errors",
        method="GET",
        path="/errors",
        section=SECTION,
        summary="See which of your requests failed, and why",
        description="All of the agent's keys, errors of ours too, the newest first; nobody else sees them. Kept for "
        f"{KEPT.days} days, the newest {KEPT_MOST} at most, and of a flood only some. What another process answered "
        "shows within a second. A request that came with an unknown key is nobody's.",
        scope="read",
        query=(
            Parameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": LIST_MOST, "default": LIST_DEFAULT},
                "How many; more is taken as the most.",
            ),
            Parameter(
                "route",
                {"type": "string"},
                "Keeps those at one template, such as `/calendars/{calendar_id}/events`, or at one path.",
            ),
        ),
        answers=(Answer(200, "What failed.", "Failures"),),
        examples=(Example(query={"limit": "5"}),),
    ),
)
