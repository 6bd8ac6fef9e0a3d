"""Dates, wall times and instants as one kind of text, which JSON and dictionaries can hold."""

from __future__ import annotations

from datetime import UTC, date, datetime


def format_moment(value: date | datetime) -> str:
    """`2026-03-01` for a date, `2026-03-01T09:00:00` for a wall time (`b` after it on the second pass of a fold), and
    `2026-03-01T16:00:00Z` for an instant: the form that `Event.rdates` has, and instants.
    """
    if not isinstance(value, datetime):
        return value.isoformat()
    if value.tzinfo is not None:
        return value.astimezone(UTC).isoformat(timespec="seconds")[:19] + "Z"
    return value.isoformat(timespec="seconds") + ("b" if value.fold else "")


def parse_moment(text: str) -> date | datetime:
    """What `format_moment` wrote: a date, a naive datetime, or an aware one in UTC."""
    if len(text) == 10:
        return date.fromisoformat(text)
    if text.endswith("Z"):
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    wall = datetime.fromisoformat(text.removesuffix("b"))
    return wall.replace(fold=1) if text.endswith("b") else wall
