"""Every vendor's deviation has a golden calendar of its name; what must come of it lies beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import msgspec
import pytest

import app.ical.quirks
from app.ical.read import read_calendar

GOLDEN: Final = Path(__file__).parent / "quirks"
QUIRKS: Final = sorted(path.stem for path in Path(app.ical.quirks.__file__).parent.glob("[!_]*.py"))


def test_each_quirk_has_its_golden_calendar_and_each_calendar_its_quirk() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.ics")) == QUIRKS
    assert len(QUIRKS) > 8


@pytest.mark.parametrize("name", QUIRKS)
def test_the_golden_calendar_is_read_as_its_vendor_means_it(name: str) -> None:
    reading = read_calendar((GOLDEN / f"{name}.ics").read_bytes(), floating_zone="Asia/Kathmandu")
    assert reading.unread == ()
    ((component,),) = (message.components for message in reading.messages)
    read = json.loads(msgspec.json.encode(component))
    expected = json.loads((GOLDEN / f"{name}.json").read_text())
    assert {field: read.get(field) for field in expected} == expected
    assert read.get("notices", []) == expected.get("notices", [])
