"""Real calendars: every one is read, quickly, and where two other readers agree about an event, ours says the same.

The files lie beside the checkout (`../shared/corpus/ics`); without them these tests are skipped.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from time import process_time
from typing import Any, Final

import pytest
import vobject
from icalendar import Calendar
from icalendar.timezone import tzp

from app.core.itip import Component
from app.core.rule import Rule, parse_rule
from app.core.times import end_of, instant_of, load_zone
from app.errors import Problem
from app.ical.decode import text_of
from app.ical.lines import calendars_of, events_of
from app.ical.read import read_calendar
from app.ical.recurrence import Purse
from app.ical.tzids import Zones
from app.ical.vevent import Unreadable, component_of

CORPUS: Final = Path(__file__).parents[3] / "shared" / "corpus" / "ics"
ZONE: Final = "America/Denver"
SLOWEST: Final = 0.25  # seconds of processor time for one file; alone the slowest takes 0.09

pytestmark = pytest.mark.skipif(
    not CORPUS.exists(), reason="the shared corpus of calendars is not beside this checkout"
)


@lru_cache
def files() -> tuple[Path, ...]:
    return tuple(sorted(path for path in CORPUS.rglob("*") if path.suffix in (".ics", ".eml", ".vcs", ".txt", ".ifb")))


def seconds_to_read(source: bytes) -> float:
    begin = process_time()
    read_calendar(source, floating_zone=ZONE)
    return process_time() - begin


def test_every_file_is_read_without_an_exception_and_in_a_moment() -> None:
    slow = [path for path in files() if seconds_to_read(path.read_bytes()) > SLOWEST]
    again = [path for path in slow if min(seconds_to_read(path.read_bytes()) for _ in range(3)) > SLOWEST]
    assert [path.name for path in again] == []
    assert len(files()) > 800


# ------------------------------------------------------------------------------------------------ against others

Facts = dict[str, Any]
"""uid, summary, start, end and rule of one VEVENT; times as instants, as dates, or as walls where they float."""


def ours(source: bytes) -> list[Component | None]:
    """Each VEVENT in its order; None for one that we do not read."""
    found: list[Component | None] = []
    for calendar in calendars_of(text_of(source, None)):
        zones = Zones(calendar, load_zone(ZONE))
        for event in events_of(calendar):
            try:
                found.append(component_of(event, zones, Purse()) if event.is_whole else None)
            except Unreadable:
                found.append(None)
    return found


def our_facts(component: Component) -> Facts:
    facts: Facts = {"uid": component.uid, "summary": component.summary or ""}
    when = component.when
    if when is None:
        return facts
    if when.all_day:
        facts["start"] = when.start_wall.date()
        facts["end"] = date.fromordinal(facts["start"].toordinal() + when.length.days)
    else:
        zone = load_zone(when.zone)
        start = instant_of(when.start_wall, zone)
        facts["start"], facts["end"] = start, end_of(start, zone, when.length)
    facts["rule"] = component.rule and comparable(component.rule, all_day=when.all_day)
    return facts


def comparable(text: str, *, all_day: bool) -> Rule | str:
    """The rule as a value; UNTIL of an all-day one is its date."""
    try:
        rule = parse_rule(text)
    except Problem:
        return text
    if all_day and isinstance(rule.until, datetime):
        text = ";".join(part for part in text.split(";") if not part.upper().startswith("UNTIL"))
        return parse_rule(f"{text};UNTIL={rule.until:%Y%m%d}")
    return rule


def moment(value: object) -> object:
    """An instant, or the wall time that a reader gives without a zone: it floats, or its zone is not known to them."""
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo is not None else value


def with_fresh_zones() -> None:
    """Both readers remember VTIMEZONEs by name from one calendar to the next: “Customized Time Zone”, say."""
    tzp.use_default()
    known = vars(vobject.icalendar)["__tzidMap"]
    for name in [name for name in known if name != "UTC"]:
        del known[name]


def says_the_same(component: Component, theirs: object, mine: object) -> bool:
    if isinstance(theirs, datetime) and theirs.tzinfo is None and isinstance(mine, datetime):
        assert component.when is not None
        mine = mine.astimezone(load_zone(component.when.zone)).replace(tzinfo=None)
    return theirs == mine


def icalendar_facts(source: bytes) -> list[Facts]:
    found: list[Facts] = []
    calendars: list[Any] = Calendar.from_ical(source, multiple=True)
    for calendar in calendars:
        for event in calendar.walk("VEVENT"):
            start = event["DTSTART"].dt if "DTSTART" in event else None
            end = event["DTEND"].dt if "DTEND" in event else None
            if end is None and "DURATION" in event and start is not None:
                end = start + event["DURATION"].dt
            rule = event.get("RRULE")
            if start is None:
                found.append({})
                continue
            all_day = not isinstance(start, datetime)
            facts = {
                "uid": str(event.get("UID", "")).strip(),
                "summary": str(event.get("SUMMARY", "")).strip(),
                "start": moment(start),
                "end": moment(end),
                "rule": None,
            }
            if rule is not None and not isinstance(rule, list):
                facts["rule"] = comparable(rule.to_ical().decode(), all_day=all_day)
            found.append(facts)
    return found


def vobject_facts(source: bytes) -> list[Facts]:
    found: list[Facts] = []
    for calendar in vobject.readComponents(source.decode("utf-8")):
        for event in calendar.contents.get("vevent", []):
            start = event.dtstart.value if "dtstart" in event.contents else None
            end = event.dtend.value if "dtend" in event.contents else None
            if end is None and "duration" in event.contents and start is not None:
                end = start + event.duration.value
            rule = event.contents.get("rrule")
            if start is None:
                found.append({})
                continue
            all_day = not isinstance(start, datetime)
            found.append(
                {
                    "uid": str(event.uid.value).strip() if "uid" in event.contents else "",
                    "summary": str(event.summary.value).strip() if "summary" in event.contents else "",
                    "start": moment(start),
                    "end": moment(end),
                    "rule": comparable(rule[0].value, all_day=all_day) if rule and len(rule) == 1 else None,
                }
            )
    return found


def agreed(source: bytes) -> Iterator[tuple[Component, Facts]]:
    """Every VEVENT that we read, with what both others say alike of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with_fresh_zones()
            one, other = icalendar_facts(source), vobject_facts(source)
    except Exception:  # neither promises to read every file
        return
    mine = ours(source)
    if not len(one) == len(other) == len(mine):
        return
    for component, first, second in zip(mine, one, other, strict=True):
        if component is not None:
            yield component, {name: first[name] for name in first if first[name] == second.get(name)}


def deviation(component: Component, name: str, theirs: object, mine: object) -> str | None:
    """Why ours may differ, or None where it may not."""
    notices = " ".join(component.notices)
    if name == "uid" and not theirs and "had no UID" in notices:
        return "a UID is made where there is none"
    if name == "summary" and "SUMMARY was cut" in notices:
        return "a title has 500 characters at most"
    if name == "end" and theirs is None:
        return "an end follows from the start where none is written (RFC 5545 3.6.1)"
    if name == "end" and isinstance(mine, date) and theirs == date.fromordinal(mine.toordinal() - 1):
        return "a DTEND on the date of DTSTART means that day: 3.6.1 wants it later"
    if name == "end" and "ended before it began" in notices:
        return "an event does not end before it begins"
    if name == "rule" and "Of the recurrence only the first date was kept" in notices:
        return "a rule that is not served"
    if name == "rule" and theirs is None and "recurrence rules" in notices:
        return "the first of several rules"
    if name == "rule" and component.recurrence_id is not None:
        return "a changed date recurs by its series (3.8.4.4)"
    return None


def test_where_two_other_readers_agree_ours_says_the_same() -> None:
    compared: Counter[str] = Counter()
    excused: Counter[str] = Counter()
    wrong = []
    for path in files():
        for component, theirs in agreed(path.read_bytes()):
            mine = our_facts(component)
            for name, value in theirs.items():
                compared[name] += 1
                if not says_the_same(component, value, mine.get(name)):
                    why = deviation(component, name, value, mine.get(name))
                    if why is None:
                        wrong.append((str(path.relative_to(CORPUS)), name, value, mine.get(name)))
                    else:
                        excused[why] += 1
    print(f"compared {dict(compared)}; otherwise on purpose {dict(excused)}")
    assert wrong == []
    assert compared["uid"] > 700
    assert compared["start"] > 700
