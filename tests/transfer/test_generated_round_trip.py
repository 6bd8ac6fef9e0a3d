"""Events of every kind, made over HTTP and by mail, survive a round trip without loss."""

from __future__ import annotations

import os
import warnings
from typing import Final

import vobject
from icalendar import Calendar as Parsed

from tests.events.state import every
from tests.inbound.mails import inbox
from tests.support.service import Service
from tests.transfer.generated import Generator
from tests.transfer.trips import agree, counts, exported, imported, same, twin

EVENTS: Final = int(os.environ.get("KALENDS_TEST_ROUND_TRIP_EVENTS", "40"))
SEED: Final = int(os.environ.get("KALENDS_TEST_ROUND_TRIP_SEED", "1"))
ZONE: Final = "Europe/Berlin"


def test_generated_events_come_back_byte_by_byte_and_date_by_date(service: Service) -> None:
    box = inbox(service, key=None, timezone=ZONE, name="Gathered; all, of \\ it")
    Generator(box.calendar, seed=SEED, inbox=box).make(EVENTS)
    file = exported(box.calendar)
    other = twin(service, "Gathered; all, of \\ it", ZONE)
    answer = imported(other, file)
    assert answer["ignored"] == answer["updated"] == answer["unchanged"] == 0, answer
    assert answer["created"] == events_in(file)
    same(exported(other), file)
    agree(box.calendar, other)
    again = imported(other, file)
    assert counts(again) == (0, 0, answer["created"], 0), [r for r in again["results"] if r["status"] != "unchanged"][
        :3
    ]
    assert counts(imported(box.calendar, file))[:2] == (0, 0)
    assert exported(other) == exported(box.calendar) == file
    read_by_others(file)
    assert {event["source"] for event in every(other, expand="false", limit=200)} == {"import"}


def events_in(file: bytes) -> int:
    return file.count(b"\r\nBEGIN:VEVENT\r\n")


def read_by_others(file: bytes) -> None:
    """Two other libraries read the export and find each event in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parsed = Parsed.from_ical(file)
        assert len(parsed.walk("VEVENT")) == events_in(file)
        (calendar,) = vobject.readComponents(file.decode())
        assert len(calendar.contents["vevent"]) == events_in(file)
