"""What a series is, and what one of its occurrences is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from app.core.rule import Rule
from app.core.times import Length

MAX_DATES_PER_WINDOW: Final = 2_500  # dates in any WINDOW_DAYS; HOURLY makes 2,160, anything denser is a data feed
WINDOW_DAYS: Final = 90
MAX_COUNT: Final = 10_000  # COUNT has to be walked to its end once: about 20 ms; daily for 27 years
MAX_RDATES: Final = 1_000  # single dates added to a series; each is looked at in every question


class Occurrence(NamedTuple):
    """One concrete time at which an event happens.

    `original` is the wall time that the rule or the RDATE said, before a gap moved it; `fold` 1 on a second
    pass. `start` and `end` are instants, of an all-day one the local midnights, `end` exclusive.
    """

    key: str
    original: datetime
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Series:
    """When an event happens: once where `rule` is None, else as its rule and `rdates` say, on wall time in
    `zone`.

    `start` is naive, its time zero when `all_day`. `rdates` are naive datetimes, or dates, which mean that
    local date at the series' time of day. With `start_counts` the start is a date even where the rule does
    not make it, and one of COUNT (mail, import); without, dates begin at the first match and COUNT counts
    matches (API). `last` remembers the wall time of the rule's final date, and must be recomputed by `check`
    when anything else changes.
    """

    start: datetime
    zone: ZoneInfo
    length: Length
    rule: Rule | None = None
    all_day: bool = False
    rdates: tuple[date | datetime, ...] = ()
    start_counts: bool = False
    last: datetime | None = None

    @property
    def several_a_day(self) -> bool:
        """Whether keys carry a time of day."""
        return self.rule is not None and self.rule.several_a_day and not self.all_day
