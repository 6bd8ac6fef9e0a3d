"""Real calendars of others: each is imported without a fault, read as the reader reads it whole, and comes back from
its export byte by byte.

The files lie beside the checkout (`../shared/corpus/ics`); without them these tests are skipped.
"""

from __future__ import annotations

import os
from typing import Final

import pytest

from app.core.itip import Component
from app.core.times import load_zone
from app.ical.decode import text_of
from app.ical.files import CalendarFile, Unfit, open_file
from app.ical.lines import Block, calendars_of
from app.ical.recurrence import Purse
from app.ical.tzids import Zones
from app.ical.vevent import Unreadable, component_of
from tests.ical.test_reading_corpus import CORPUS, ZONE, files
from tests.support.service import Service
from tests.transfer.trips import exported, imported, same, twin

EVERY: Final = int(os.environ.get("KALENDS_TEST_CORPUS_EVERY", "50"))  # of so many files one is sent

pytestmark = pytest.mark.skipif(
    not CORPUS.exists(), reason="the shared corpus of calendars is not beside this checkout"
)


def opened(source: bytes) -> CalendarFile | None:
    try:
        return open_file(source, floating_zone=ZONE)
    except Unfit:
        return None


def whole(block: Block, zones: Zones) -> Component | None:
    try:
        return component_of(block, zones, Purse()) if block.is_whole else None
    except Unreadable:
        return None


def test_a_file_read_in_pieces_says_what_it_says_as_a_whole() -> None:
    compared = 0
    for path in files():
        source = path.read_bytes()
        file = opened(source)
        if file is None:
            continue
        found = [entry for entry in file.entries(0, len(file)) if entry.reason not in ("not_an_event", "no_start")]
        expected = [
            component
            for calendar in calendars_of(text_of(source, None))
            for component in [whole(b, Zones(calendar, load_zone(ZONE))) for b in calendar.blocks if b.kind == "VEVENT"]
            if component is None or component.when is not None
        ]
        if any(entry.reason == "is_a_message" for entry in found):
            continue
        known = [entry.component for entry in found if entry.component is None or entry.component.when is not None]
        assert known == expected, path
        compared += len(found)
    assert compared > 1000


def test_real_files_are_imported_and_their_export_comes_back(service: Service) -> None:
    events = 0
    for number, path in enumerate(files()[::EVERY]):
        calendar = twin(service, "Corpus", ZONE)
        response = calendar.api.http.post(
            f"{calendar.path}/import", content=path.read_bytes(), headers={"Content-Type": "text/calendar"}
        )
        assert response.status_code in (200, 400), f"{path}: {response.text}"
        events += response.json().get("created", 0)
        text = exported(calendar)
        other = twin(service, "Corpus", ZONE)
        answer = imported(other, text)
        assert answer["ignored"] == 0, (path, answer)
        try:
            same(exported(other), text)
        except AssertionError as difference:
            raise AssertionError(str(path)) from difference
        if number % 5 == 0 and response.status_code == 200:
            again = imported(calendar, path.read_bytes())
            assert (again["created"], again["updated"]) == (0, 0), (path, again)
    assert events > 10
