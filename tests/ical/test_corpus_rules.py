"""Rules whose dates independent expanders agree on, through our text and a reader back to instants."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from app.core.times import Length
from app.core.zones import load_zone
from app.ical.write import VEvent, calendar_text, vevent
from app.ical.zones import vtimezone
from tests.ical.oracle import seen

CASES = Path(__file__).parents[3] / "shared" / "corpus" / "rrule_cases.jsonl"


def readable(case: dict[str, Any]) -> bool:
    """Whether the reader, which expands with dateutil 2.9, and the corpus can agree on the case at all."""
    rule = case["rrule"]
    return not (
        case.get("accept_reject_4xx")
        or case["tzid"] == "Africa/Casablanca"  # left its offset in 2026; the corpus is older
        or ("FREQ=WEEKLY" in rule and "BYSETPOS" in rule)  # dateutil cuts the first week off
        or ("BYWEEKNO" in rule and "BYDAY" not in rule)  # dateutil takes all seven days
    )


def moment(text: str) -> datetime | date:
    if "T" in text:
        return datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S")
    return datetime.strptime(text, "%Y%m%d").date()


def dates_read(case: dict[str, Any]) -> list[str]:
    start = moment(case["dtstart"])
    zone = load_zone(case["tzid"] or "UTC")
    event = VEvent(
        uid=case["id"],
        sequence=0,
        summary=case["id"],
        created=datetime(2026, 1, 1, tzinfo=UTC),
        modified=datetime(2026, 1, 1, tzinfo=UTC),
        start=start,
        zone=zone,
        end=Length(0, 60) if isinstance(start, datetime) else Length(1, 0),
        rrule=case["rrule"],
        exdates=[moment(text) for text in case["exdates"]],
    )
    text = calendar_text("Rules", "UTC", [vtimezone(zone.key, start)], [vevent(event)])
    window = datetime.fromisoformat(case["from"]), datetime.fromisoformat(case["to"])
    return [
        f"{each.start:%Y-%m-%dT%H:%M:%SZ}" if isinstance(each.start, datetime) else each.start.isoformat()
        for each in seen(text, *window)
    ]


@pytest.mark.skipif(not CASES.exists(), reason="the shared corpus of rules is not beside this checkout")
def test_a_reader_finds_the_dates_that_the_expanders_agree_on() -> None:
    cases = [json.loads(line) for line in CASES.read_text().splitlines()]
    tried = [case for case in cases if readable(case)]
    wrong = [case for case in tried if dates_read(case) not in [case["expected"], *case.get("accept", [])]]
    assert [case["id"] for case in wrong] == []
    assert len(tried) > 300
