"""The operations that serve pages for people: the first page, a calendar's, and what they are made of."""

from __future__ import annotations

from typing import Final, get_args

from app.assets.files import ASSETS
from app.events.schemas import Status
from app.pages.catalogue.members import flag, list_of, object_of, ref, text, text_or_null
from app.pages.catalogue.shape import Answer, Example, Operation, Parameter, Schema
from app.viewer.page import SHOWS, VIEWS
from app.viewer.service import LIMIT
from app.viewer.window import DAYS_MOST

SECTION: Final = "Pages for people"
_HERE: Final = {"calendar_id": "$CALENDAR"}
_STYLE: Final = ASSETS["site.css"]
_TOKEN: Final = Parameter("token", {"type": "string"}, "The calendar's feed_token.", required=True)
_ZONE: Final = Parameter("tz", {"type": "string"}, "The viewer's IANA zone, shown beside the calendar's.")
_PLACE: Final = {
    "start": text("Where a grid draws its beginning: wall time without a zone, or a date."),
    "end": text("Where it ends, which is not included."),
    "time": text("The time in words."),
    "when": text("Date and time in a sentence."),
}

OBJECTS: Final[dict[str, Schema]] = {
    "PageTimes": object_of("When a happening is, on one zone's clocks.", _PLACE),
    "Happening": object_of(
        "One event or date of a series, as a page shows it. Who takes part is not told.",
        {
            "id": text("The event or date."),
            "title": text("What happens."),
            "all_day": flag("Whether it is of whole days."),
            "status": text("Its status.", enum=list(get_args(Status))),
            "untrusted": flag("Whether it came by mail: its words are a stranger's."),
            "location": text("Where; empty for nowhere."),
            "link": text_or_null("The location, where it is an http or https address."),
            "description": text("More of it, as far as a page shows it."),
            "repeats": text("How the series repeats, in a sentence; empty for a single event."),
            "calendar": ref("PageTimes"),
        },
        {"viewer": ref("PageTimes")},
    ),
    "Happenings": object_of(
        "What happens in some days.",
        {
            "events": list_of(f"In order of start, {LIMIT:,} at most.", ref("Happening")),
            "timezone": text("The calendar's zone."),
            "is_cut": flag("Whether there are more than are shown."),
            "known_until": text_or_null("The first of these dates that is too far ahead to be known."),
        },
    ),
}

OPERATIONS: Final = (
    Operation(
        id="get_page",
        method="GET",
        path="/pages/{calendar_id}",
        section=SECTION,
        summary="Look at a calendar",
        description="Give people `page_url` as it stands: month, week and agenda, read-only, for whoever has the link. "
        "It holds the feed's token, since the page shows the feed's address: rotating `feed` ends both. Without "
        "scripts it is an agenda of four weeks.",
        scope=None,
        query=(
            _TOKEN,
            Parameter("date", {"type": "string", "format": "date"}, "The first day shown; today without it."),
            _ZONE,
            Parameter(
                "show",
                {"type": "string", "enum": list(SHOWS), "default": SHOWS[0]},
                "Whose clocks days and times are told by; the viewer's need `tz`.",
            ),
            Parameter("view", {"type": "string", "enum": list(VIEWS)}, "What a browser with scripts opens."),
        ),
        raises=("unauthorized", "invalid_time", "invalid_timezone"),
        answers=(Answer(200, "The page.", None, "text/html"),),
        examples=(Example(path=_HERE, query={"token": "$FEED_TOKEN", "date": "2027-03-01"}),),
    ),
    Operation(
        id="list_page_events",
        method="GET",
        path="/pages/{calendar_id}/events",
        section=SECTION,
        summary="Read what a page shows",
        description="For the page's own script: each time is said in words and as wall times, on the calendar's clocks "
        "and the viewer's, so that no browser converts one. An agent lists events instead.",
        scope=None,
        query=(
            _TOKEN,
            Parameter("start", {"type": "string", "format": "date"}, "The first day.", required=True),
            Parameter(
                "end",
                {"type": "string", "format": "date"},
                f"The day after the last one, at most {DAYS_MOST} days on.",
                required=True,
            ),
            _ZONE,
        ),
        raises=("unauthorized", "missing_field", "invalid_time", "invalid_timezone", "end_before_start"),
        answers=(Answer(200, "What happens.", "Happenings"),),
        examples=(
            Example(
                path=_HERE,
                query={"token": "$FEED_TOKEN", "start": "2027-03-02", "end": "2027-03-04", "tz": "Europe/Berlin"},
            ),
        ),
    ),
    Operation(
        id="get_home",
        method="GET",
        path="/",
        section=SECTION,
        summary="See what this is",
        description="The first page: how to begin, whether requests would be served just now, and where to read on.",
        scope=None,
        checks_query=False,
        answers=(Answer(200, "The page.", None, "text/html"),),
        examples=(Example(),),
    ),
    Operation(
        id="get_asset",
        method="GET",
        path="/assets/{digest}/{name}",
        section=SECTION,
        summary="Fetch a style, a script or a picture of the pages",
        description="Other content has another address, so each may be kept for ever.",
        scope=None,
        conditional=True,
        asks_database=False,
        answers=(Answer(200, "The file.", None, "text/css"),),
        examples=(Example(path={"digest": _STYLE.digest, "name": _STYLE.name}),),
    ),
)
