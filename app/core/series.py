"""A series and its occurrences: what happens in a window, what is first, what a key names, where to split.

This is the face of the recurrence engine; what lies behind it, from the bottom up: `budget` (cost), `offsets` (zones in
seconds), `days` and `ticks` (which days, which instants a rule names), `shape` (what a series is), `expand` (what its
rule makes), `dates` (with start and RDATEs), `questions`, `check`, `split`.

Everything is derived from the series itself, near the time asked about and never by walking from its start, except
once: `check` finds where a COUNT ends and keeps it as `last`.
"""

from app.core.budget import MAX_STEPS, Budget
from app.core.check import check
from app.core.dates import is_by_rule, rdate_walls
from app.core.questions import at, first_from, key_of, named, occurrences
from app.core.shape import MAX_COUNT, MAX_DATES_PER_WINDOW, MAX_RDATES, WINDOW_DAYS, Occurrence, Series
from app.core.split import split

__all__ = [
    "MAX_COUNT",
    "MAX_DATES_PER_WINDOW",
    "MAX_RDATES",
    "MAX_STEPS",
    "WINDOW_DAYS",
    "Budget",
    "Occurrence",
    "Series",
    "at",
    "check",
    "first_from",
    "is_by_rule",
    "key_of",
    "named",
    "occurrences",
    "rdate_walls",
    "split",
]
