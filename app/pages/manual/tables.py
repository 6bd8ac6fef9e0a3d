"""What of the manual is not prose but a list: made of the very constants that the service obeys, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from app.calendars.routes import WAIT_MOST
from app.events.reads import LIST_MOST, REACH, UPCOMING_MOST
from app.events.schemas import (
    ATTENDEES_MOST,
    DATES_MOST,
    DESCRIPTION_MOST,
    LOCATION_MOST,
    METADATA_MOST,
    TITLE_MOST,
)
from app.events.view import VIEW_MOST
from app.http.edge import BODY_LIMIT, FILE_LIMIT, MAIL_LIMIT
from app.http.writes import KEPT as ANSWERS_KEPT
from app.ical.files import MAX_FILE_EVENTS
from app.pages.catalogue import headers
from app.pages.manual.tools import Tools
from app.settings import SETTINGS

Table = Callable[[Tools], str]
_LIMITED_BY: Final = ("_RATE_LIMIT_", "_QUOTA_", "_PER_DAY")  # in names of settings that are numbers


def limits(_: Tools) -> str:
    """Every limit a caller can meet, and the headers that tell of some."""
    sizes = [
        (
            "a body",
            f"{BODY_LIMIT // 1024} KB; of mail that comes in {MAIL_LIMIT // 1024 // 1024} MB, of a file to import "
            f"{FILE_LIMIT // 1024 // 1024} MB and {MAX_FILE_EVENTS:,} components",
        ),
        ("`title`", f"{TITLE_MOST} characters"),
        ("`location`", f"{LOCATION_MOST} characters"),
        ("`description`", f"{DESCRIPTION_MOST // 1024} KB"),
        ("`metadata`", f"{METADATA_MOST // 1024} KB of JSON"),
        ("`attendees`", f"{ATTENDEES_MOST} addresses"),
        ("`exdates`, `rdates`", f"{DATES_MOST} dates in one write"),
        ("a page of a list", f"{LIST_MOST} events; {UPCOMING_MOST} of `upcoming`, {VIEW_MOST} of the view"),
        ("how far a list reaches", f"{REACH.days} days ahead"),
        ("`wait`", f"{WAIT_MOST} seconds"),
        ("answers kept for an `Idempotency-Key`", f"{ANSWERS_KEPT.total_seconds() / 3600:.0f} hours"),
    ]
    counted = [(s.meaning, f"{int(s.default):,}") for s in SETTINGS if any(part in s.name for part in _LIMITED_BY)]
    told = [
        (f"`{header.name}`", header.description) for header in (*headers.REQUEST.values(), *headers.ANSWER.values())
    ]
    return "\n\n".join(
        [
            "## How much\n\nUnless whoever runs this service chose otherwise:",
            _table(("what", "at most"), counted),
            "## How large",
            _table(("what", "at most"), sizes),
            "## Headers",
            _table(("header", "meaning"), told),
        ]
    )


def settings(_: Tools) -> str:
    """Every setting of a deployment."""
    return _table(("variable", "default", "meaning"), ((f"`{s.name}`", s.default, s.meaning) for s in SETTINGS))


def tools(given: Tools) -> str:
    """Every tool, by name."""
    if not given:
        return "No tools are served here: use HTTP."
    rows = ((f"`{t.name}`", ", ".join(f"`{a}`" for a in t.arguments), t.description) for t in given)
    return _table(("tool", "arguments", "when"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
