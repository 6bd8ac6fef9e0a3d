"""The first page: what this is, how to begin, and whether it works just now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from app.assets.html import templates
from app.core.times import load_zone
from app.core.words import say_single
from app.db.database import Database
from app.errors import Problem
from app.pages.catalogue import OPERATIONS
from app.pages.catalogue.shape import Example
from app.pages.curl import KEY, curl_of
from app.pages.service import check_database

TEMPLATES: Final = templates(Path(__file__).with_name("templates"))
_BY_ID: Final = {operation.id: operation for operation in OPERATIONS}
_AHEAD: Final = timedelta(days=7)  # from now to the event that the page proposes


class Step(NamedTuple):
    """`result` is what to keep of the answer, or a part of it."""

    title: str
    text: str
    result: str
    command: str


async def values_of(db: Database, url: str, now: datetime) -> Mapping[str, Any]:
    """What the template shows; `url` is the deployment's, without a final slash."""
    is_ready = True
    try:
        await check_database(db)
    except Problem:
        is_ready = False
    return {"url": url, "is_ready": is_ready, "steps": _steps(url, now)}


def _steps(url: str, now: datetime) -> list[Step]:
    """Their commands go one after the other in one shell."""
    day = (now + _AHEAD).date().isoformat()
    calendar = {"name": "Work", "timezone": "America/New_York"}
    event = {"title": "Team lunch", "start": f"{day}T12:00:00", "duration": "PT1H"}
    here = {"calendar_id": "$CALENDAR"}
    lunch = datetime.combine(date.fromisoformat(day), time(12), load_zone(calendar["timezone"]))
    reads = say_single(lunch, lunch + timedelta(hours=1), load_zone(calendar["timezone"]))
    return [
        Step(
            "Make an agent",
            "The answer shows its api_key this once. Keep it for the next two:",
            f"export {KEY}=sk_live_…",
            curl_of(_BY_ID["create_agent"], Example(body={"name": "My agent"}), url),
        ),
        Step(
            "Give it a calendar",
            "The answer holds a feed to subscribe to and a page to look at. Keep its id:",
            "export CALENDAR=cal_…",
            curl_of(_BY_ID["create_calendar"], Example(body=calendar), url),
        ),
        Step(
            "Write an event",
            "The answer says what was understood, so that a mistake about time is seen at once:",
            reads,
            curl_of(_BY_ID["create_event"], Example(path=here, body=event), url),
        ),
    ]
