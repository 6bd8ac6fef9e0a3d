"""Short ways to write a series and to read its occurrences in tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta

from app.core.rule import parse_rule
from app.core.series import Occurrence, Series
from app.core.times import Length, load_zone
from app.errors import Problem

HOUR = Length(0, 3600)
ONE_DAY = Length(1, 0)


def series(
    rule: str | None,
    start: str = "2026-03-02T09:00",
    zone: str = "America/Denver",
    *,
    length: Length = HOUR,
    rdates: Iterable[str] = (),
    start_counts: bool = False,
) -> Series:
    return Series(
        datetime.fromisoformat(start),
        load_zone(zone),
        length,
        parse_rule(rule) if rule else None,
        rdates=tuple(when(rdate) for rdate in rdates),
        start_counts=start_counts,
    )


def all_day(
    rule: str | None,
    start: str = "2026-03-02",
    zone: str = "America/Denver",
    *,
    length: Length = ONE_DAY,
    rdates: Iterable[str] = (),
) -> Series:
    return Series(
        datetime.fromisoformat(start),
        load_zone(zone),
        length,
        parse_rule(rule) if rule else None,
        all_day=True,
        rdates=tuple(when(rdate) for rdate in rdates),
    )


def refusal(question: Callable[[], object]) -> str | None:
    """The code of the Problem that the question raises, or None when it is answered."""
    try:
        question()
    except Problem as problem:
        return problem.code
    return None


def when(text: str) -> date | datetime:
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def keys(found: Iterable[Occurrence]) -> list[str]:
    return [occurrence.key for occurrence in found]


def starts(found: Iterable[Occurrence]) -> list[str]:
    return [occurrence.start.strftime("%Y-%m-%dT%H:%M:%SZ").replace(":00Z", "Z") for occurrence in found]


FOR_EVER = (utc("1901-01-01"), utc("2999-12-01"))


def year_of(day: str) -> tuple[datetime, datetime]:
    """A window of 366 days."""
    return utc(day), utc(day) + timedelta(days=366)
