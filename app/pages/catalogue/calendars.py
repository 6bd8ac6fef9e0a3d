"""The operations on calendars, their log and their feed."""

from __future__ import annotations

from typing import Final

from app.calendars.routes import CHANGES_DEFAULT, CHANGES_MOST, WAIT_MOST
from app.calendars.schemas import CalendarCreate, CalendarUpdate, Rotate
from app.outbox.endpoints import SECRET_OVERLAP
from app.pages.catalogue.shape import Answer, Example, Operation, Parameter

SECTION: Final = "Calendars"
WATCHING: Final = "Changes and feed"
_HERE: Final = {"calendar_id": "$CALENDAR"}
_OVERLAP: Final = int(SECRET_OVERLAP.total_seconds()) // 3600

OPERATIONS: Final = (
    Operation(
        id="create_calendar",
        method="POST",
        path="/calendars",
        section=SECTION,
        summary="Make a calendar",
        description="Empty, with a feed and a page for people and an address for mail. Keep them as secret as the "
        "calendar.",
        scope="full",
        request=CalendarCreate,
        raises=("invalid_timezone", "quota_exceeded"),
        answers=(Answer(201, "The calendar, with its addresses.", "NewCalendar"),),
        examples=(
            Example(
                body={"name": "Work", "timezone": "America/New_York"},
                keeps={"$CALENDAR": "calendar_id", "$FEED_TOKEN": "feed_token"},
            ),
        ),
    ),
    Operation(
        id="list_calendars",
        method="GET",
        path="/calendars",
        section=SECTION,
        summary="List the calendars",
        description="All of the agent's.",
        scope="read",
        answers=(Answer(200, "The calendars.", "Calendars"),),
        examples=(Example(),),
    ),
    Operation(
        id="get_calendar",
        method="GET",
        path="/calendars/{calendar_id}",
        section=SECTION,
        summary="Read a calendar",
        description="Its addresses are null for a key below scope `full`.",
        scope="read",
        conditional=True,
        answers=(Answer(200, "The calendar.", "Calendar"),),
        examples=(Example(path=_HERE),),
    ),
    Operation(
        id="update_calendar",
        method="PATCH",
        path="/calendars/{calendar_id}",
        section=SECTION,
        summary="Change a calendar",
        description="Changes what is given. A new time zone is for what is written afterwards: timed events "
        "keep their instants, all-day events their dates.",
        scope="full",
        guarded=True,
        request=CalendarUpdate,
        raises=("invalid_timezone",),
        answers=(Answer(200, "The calendar as it is now.", "Calendar"),),
        examples=(
            Example(name="name", summary="Another name", path=_HERE, body={"name": "Work and travel"}),
            Example(
                name="webhook",
                summary="Be called ten minutes before each date, and at its start",
                path=_HERE,
                body={"webhook_url": "$HOOK", "webhook_offsets": ["-10m", "0"]},
            ),
        ),
    ),
    Operation(
        id="delete_calendar",
        method="DELETE",
        path="/calendars/{calendar_id}",
        section=SECTION,
        summary="Remove a calendar",
        description="With its events, its log and its addresses. It cannot be undone.",
        scope="full",
        guarded=True,
        answers=(Answer(204, "Removed."),),
        examples=(Example(path=_HERE),),
    ),
    Operation(
        id="rotate_secrets",
        method="POST",
        path="/calendars/{calendar_id}/rotate",
        section=SECTION,
        summary="Make secrets anew",
        description="Old feed, page and mail addresses are dead at once; the old webhook secret keeps verifying for "
        f"{_OVERLAP} hours. The new values are shown once.",
        scope="full",
        request=Rotate,
        answers=(Answer(200, "The new values.", "Rotated"),),
        examples=(Example(path=_HERE, body={"what": ["feed"]}, keeps={"$FEED_TOKEN": "feed_token"}),),
    ),
)

WATCHING_OPERATIONS: Final = (
    Operation(
        id="list_changes",
        method="GET",
        path="/calendars/{calendar_id}/changes",
        section=WATCHING,
        summary="Read the log, or wait for the next change",
        description="Every write leaves entries, numbered without a gap; replaying them rebuilds the calendar. "
        "Go on from the last `seq` you have seen. With `wait` the answer comes as soon as there is something "
        "new, or empty when the time is up: so nobody needs to poll.",
        scope="read",
        query=(
            Parameter("since", {"type": "integer", "minimum": 0, "default": 0}, "The last seq seen."),
            Parameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": CHANGES_MOST, "default": CHANGES_DEFAULT},
                "Entries a page; more is taken as the most.",
            ),
            Parameter(
                "wait",
                {"type": "integer", "minimum": 0, "maximum": WAIT_MOST, "default": 0},
                "Seconds to wait where there is nothing new; more is taken as the most.",
            ),
        ),
        raises=("gone",),
        answers=(Answer(200, "Entries after `since`.", "Changes"),),
        examples=(Example(path=_HERE, query={"since": "1", "limit": "2", "wait": "30"}),),
    ),
    Operation(
        id="get_feed",
        method="GET",
        path="/feeds/{calendar_id}.ics",
        section=WATCHING,
        summary="Fetch the feed people subscribe to",
        description="RFC 5545, one VEVENT a series with its RRULE. Give people `ical_feed_url` as it stands; "
        "Google, Apple and Outlook subscribe to it. HEAD answers likewise. If-Modified-Since is heeded too.",
        scope=None,
        conditional=True,
        query=(
            Parameter("token", {"type": "string"}, "The calendar's feed_token.", required=True),
            Parameter("busy", {"type": "boolean", "default": False}, "Times only: no titles, texts or places."),
        ),
        raises=("unauthorized",),
        answers=(Answer(200, "The calendar.", None, "text/calendar"),),
        examples=(Example(path=_HERE, query={"token": "$FEED_TOKEN"}),),
    ),
    Operation(
        id="get_feed_insight",
        method="GET",
        path="/calendars/{calendar_id}/feed",
        section=WATCHING,
        summary="See what subscribers have seen",
        description="When the feed was fetched last, at which change, and so whether the newest one was seen.",
        scope="read",
        answers=(Answer(200, "The last fetch.", "FeedInsight"),),
        examples=(Example(path=_HERE),),
    ),
)
