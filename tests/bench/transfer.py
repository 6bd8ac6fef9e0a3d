"""A file of ten thousand events: imported, exported, imported into an empty calendar, and what somebody else's requests
wait meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter, sleep
from typing import Final

import httpx
import msgspec

from tests.bench.service import Service
from tests.bench.text import fine

EVENTS, QUICK_EVENTS = 10_000, 2_000
PAUSE: Final = 0.005  # seconds between two requests of the bystander
IMPORT_AIM, EXPORT_AIM, OTHERS_AIM = 10.0, 1.5, 100.0  # seconds, seconds, milliseconds
_WAIT: Final = 120.0  # seconds


class Transfer(msgspec.Struct, frozen=True):
    """Seconds of each way; `others` the most milliseconds that another request took during any."""

    events: int
    megabytes: float
    foreign: float
    export: float
    own: float
    again: float
    others: float
    same: bool

    @property
    def met(self) -> bool:
        seconds = self.events / EVENTS
        within = max(self.foreign, self.own) < IMPORT_AIM * seconds and self.export < EXPORT_AIM * seconds
        return within and self.others < OTHERS_AIM and self.same

    def table(self) -> str:
        """In Markdown, and what was aimed at."""
        rows = (
            (f"Import of {self.events:,} events of another calendar", self.foreign),
            (f"Export, {self.megabytes:.1f} MB", self.export),
            ("Import of that export into an empty calendar", self.own),
            ("The same once more, nothing changed", self.again),
        )
        shown = "\n".join(f"| {title} | {fine(seconds, 2)} s |" for title, seconds in rows)
        return (
            f"| | |\n|---|---:|\n{shown}\n| The longest another request waited | {fine(self.others, 0)} ms |\n\n"
            f"Exported again, the bytes are {'the same' if self.same else 'NOT the same'}. Aims: an import of "
            f"{EVENTS:,} events in {IMPORT_AIM:.0f} s, an export in {EXPORT_AIM} s, others within {OTHERS_AIM:.0f} ms; "
            f"met: {'yes' if self.met else 'no'}."
        )


def transfer(service: Service, events: int, say: Callable[[str], None]) -> Transfer:
    http = httpx.Client(base_url=service.url, timeout=_WAIT)
    http.headers["Authorization"] = f"Bearer {http.post('/agents').json()['api_key']}"
    paths = [_calendar(http) for _ in range(3)]
    waits: list[float] = []
    with _bystander(service.url, dict(http.headers), paths[2], waits):
        say(f"Importing {events:,} events of another calendar.")
        foreign, _ = _timed(lambda: _import(http, paths[0], many(events).encode()))
        say("Exporting them.")
        export, file = _timed(lambda: http.get(f"{paths[0]}/export.ics").content)
        say(f"Importing {len(file) / 1e6:.1f} MB into an empty calendar.")
        own, _ = _timed(lambda: _import(http, paths[1], file))
        again, _ = _timed(lambda: _import(http, paths[1], file))
    same = http.get(f"{paths[1]}/export.ics").content == file
    return Transfer(events, len(file) / 1e6, foreign, export, own, again, max(waits) * 1000, same)


def many(events: int) -> str:
    """Every second event single, every third a series, the rest all-day; some with a changed and a cancelled date."""
    found = "".join(_event(number) for number in range(events))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Bench//EN\r\n{found}END:VCALENDAR\r\n"


def _event(number: int) -> str:
    zone = ("America/Denver", "Europe/Berlin", "Asia/Tokyo")[number % 3]
    day = f"2027{1 + number % 12:02}{1 + number % 28:02}"
    head = f"BEGIN:VEVENT\r\nUID:bench-{number}@example.com\r\nDTSTAMP:20260301T090000Z\r\n"
    text = (
        f"SUMMARY:Appointment {number}\\, with a title\r\nDESCRIPTION:Line one\\nLine two\r\nLOCATION:Room {number}\r\n"
    )
    if number % 6 == 5:
        return f"{head}DTSTART;VALUE=DATE:{day}\r\n{text}END:VEVENT\r\n"
    time = f";TZID={zone}:{day}T{8 + number % 9:02}0000\r\n"
    rule = "RRULE:FREQ=WEEKLY;COUNT=10\r\n" if number % 3 == 1 else ""
    rule += f"EXDATE{time}" if number % 12 == 1 else ""
    whole = f"{head}DTSTART{time}DURATION:PT45M\r\n{rule}{text}END:VEVENT\r\n"
    if number % 12 != 7:
        return whole
    return whole + f"{head}RECURRENCE-ID{time}DTSTART{time}DURATION:PT2H\r\n{text}END:VEVENT\r\n"


def _calendar(http: httpx.Client) -> str:
    return f"/calendars/{http.post('/calendars', json={'name': 'Bench'}).json()['calendar_id']}"


def _import(http: httpx.Client, path: str, file: bytes) -> None:
    response = http.post(f"{path}/import", content=file, headers={"Content-Type": "text/calendar"})
    assert response.status_code == 200, response.text


def _timed(work: Callable[[], object]) -> tuple[float, bytes]:
    begin = perf_counter()
    found = work()
    return perf_counter() - begin, found if isinstance(found, bytes) else b""


@contextmanager
def _bystander(url: str, headers: dict[str, str], path: str, waits: list[float]) -> Iterator[None]:
    """Somebody who asks all the time."""
    done = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=url, headers=headers, timeout=_WAIT) as http:
            while not done.is_set():
                begin = perf_counter()
                http.get(f"{path}/upcoming")
                waits.append(perf_counter() - begin)
                sleep(PAUSE)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
