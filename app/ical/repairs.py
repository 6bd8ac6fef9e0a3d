"""The vendors' deviations that are mended in a VEVENT before it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from app.ical.lines import Block
from app.ical.quirks import (
    count_and_until,
    exchange_busy_status,
    google_conference,
    google_unknown_organizer,
    outlook_all_day,
    teams_conference,
)

REPAIRS: Final[tuple[Callable[[Block], str | None], ...]] = (
    outlook_all_day.repair,
    exchange_busy_status.repair,
    google_unknown_organizer.repair,
    google_conference.repair,
    teams_conference.repair,
    count_and_until.repair,
)
"""Each changes the VEVENT where it must, and returns a sentence where a reader should know."""
