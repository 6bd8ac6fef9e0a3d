"""Calendars that hold all that a calendar can hold, made over HTTP and by mail; the same seed makes the same."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Final

from tests.inbound.mails import Inbox
from tests.support.service import Calendar

ZONES: Final = (
    *("America/New_York", "Europe/Dublin", "Australia/Lord_Howe", "Asia/Tokyo", "Africa/Casablanca", "UTC"),
    *("Europe/Berlin", "America/St_Johns", "Pacific/Apia"),
)
RULES: Final = (
    "FREQ=DAILY",
    "FREQ=DAILY;COUNT=12",
    "FREQ=DAILY;INTERVAL=3;UNTIL=20260612",
    "FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU;COUNT=30",
    "FREQ=MONTHLY;BYDAY=-1FR,1SU",
    "FREQ=MONTHLY;BYMONTHDAY=31",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=YEARLY",
)
OFTEN: Final = (
    "FREQ=DAILY;BYHOUR=9,17;COUNT=30",
    "FREQ=HOURLY;INTERVAL=9;COUNT=40",
    "FREQ=DAILY;BYHOUR=8,20;BYMINUTE=15;COUNT=20",
)
TITLES: Final = (
    "Plain",
    "Comma, semicolon; colon: backslash \\ and \\n",
    " blanks at both ends ",
    "Two\nlines\r\nand more",
    "Control \x07 bell \x1f and \x85 next line \u2028 separator",
    "Wide 会議 👩‍👩‍👧‍👦 " + "long " * 40,
    'Quotes " and carets ^n ^^',
    "\\u0000 spelled out",
    "BEGIN:VEVENT",
    "א עברית",
    "x" * 500,
)
_DAY: Final = timedelta(days=1)
_FIRST: Final = date(2026, 2, 20)


class Generator:
    """Writes into one calendar; `inbox` is its address, where mail is to be among it."""

    def __init__(self, calendar: Calendar, seed: int = 0, inbox: Inbox | None = None) -> None:
        self._calendar = calendar
        self._random = Random(seed)
        self._inbox = inbox
        self._count = 0

    def make(self, count: int) -> None:
        """`count` events, some with dates of their own, some split, some answered."""
        kinds: list[Callable[[], None]] = [self._single] * 5 + [self._whole_days] * 2 + [self._series] * 4
        kinds += [self._often, self._dates_alone, self._turning]
        if self._inbox is not None:
            kinds += [self._invited, self._invited_series]
        for _ in range(count):
            self._count += 1
            self._random.choice(kinds)()

    # ------------------------------------------------------------------------------------------------ by the API

    def _single(self) -> None:
        body = self._texts() | self._timing()
        event = self._calendar.add(**body)
        if self._random.random() < 0.2:
            self._respond(event["id"])
        if self._random.random() < 0.1:
            self._calendar.change(event["id"], title=f"Renamed {self._count}", description=None)

    def _whole_days(self) -> None:
        first = self._day()
        body = self._texts() | {"start": str(first), "end": str(first + self._random.randrange(4) * _DAY)}
        if self._random.random() < 0.4:
            body["timezone"] = self._zone()
        if self._random.random() < 0.4:
            body["recurrence"] = self._random.choice(RULES)
        event = self._calendar.add(**body)
        if "recurrence" in body:
            self._live(event["id"])

    def _series(self) -> None:
        body = self._texts() | self._timing() | {"recurrence": self._random.choice(RULES)}
        if self._random.random() < 0.2:
            body["rdates"] = [f"{self._day()}T{self._random.randrange(24):02}:15:00", str(self._day())]
        event = self._calendar.add(**body)
        self._live(event["id"])

    def _often(self) -> None:
        body = self._texts() | self._timing() | {"recurrence": self._random.choice(OFTEN)}
        self._live(self._calendar.add(**body)["id"])

    def _dates_alone(self) -> None:
        rdates = [str(self._day()) for _ in range(self._random.randrange(1, 4))]
        body = self._texts() | self._timing() | {"rdates": rdates}
        self._live(self._calendar.add(**body)["id"])

    def _turning(self) -> None:
        """In the hour that happens twice, in that which does not happen, and as an instant."""
        start = self._random.choice(
            ("2026-11-01T01:30:00-05:00", "2026-11-01T01:30:00-04:00", "2026-03-08T02:30:00", "2026-03-08T07:00:00Z")
        )
        body = self._texts() | {"start": start, "duration": self._random.choice(("PT45M", "P1DT1H", "P1D"))}
        if not start.endswith("Z"):
            body["timezone"] = "America/New_York"
        if self._random.random() < 0.5:
            body["recurrence"] = self._random.choice(("FREQ=DAILY;COUNT=4", "FREQ=WEEKLY;COUNT=3"))
        self._calendar.add(**body)

    def _live(self, event_id: str) -> None:
        """Give a series' dates lives of their own."""
        steps: list[Callable[[str, str], None]] = [
            self._change_date,
            self._cancel_date,
            self._decline_date,
            self._cancel_changed_date,
            self._answer,
        ]
        steps += [self._split, self._new_rule, self._end]
        for _ in range(self._random.randrange(4)):
            ids = self._dates_of(event_id)
            if not ids:
                return
            self._random.choice(steps)(event_id, self._random.choice(ids))

    def _dates_of(self, event_id: str) -> list[str]:
        path = f"{self._calendar.path}/events/{event_id}"
        if self._calendar.api.get(path).status_code != 200:
            return []
        start = str(self._calendar.event(event_id)["start"])[:10]
        found = self._calendar.list(start=f"{start}T00:00:00Z", limit=60)
        return [each["id"] for each in found if each.get("parent_event_id") == event_id]

    def _change_date(self, _: str, date_id: str) -> None:
        fields = {"title": self._random.choice(TITLES), "metadata": {"changed": self._count}}
        if self._random.random() < 0.3:
            fields = {"location": "Elsewhere"}
        self._patch(date_id, fields)

    def _cancel_date(self, _: str, date_id: str) -> None:
        self._calendar.api.delete(f"{self._calendar.path}/events/{date_id}")

    def _decline_date(self, _: str, date_id: str) -> None:
        self._patch(date_id, {"status": "cancelled"})

    def _cancel_changed_date(self, event_id: str, date_id: str) -> None:
        self._change_date(event_id, date_id)
        self._cancel_date(event_id, date_id)

    def _answer(self, event_id: str, date_id: str) -> None:
        self._respond(self._random.choice((event_id, date_id)))

    def _split(self, _: str, date_id: str) -> None:
        self._patch(date_id, {"title": "From then on"}, mode="future")

    def _new_rule(self, event_id: str, _: str) -> None:
        """Orphans what the new rule does not make."""
        self._patch(event_id, {"recurrence": self._random.choice(RULES)})

    def _end(self, _: str, date_id: str) -> None:
        if self._random.random() < 0.2:
            self._calendar.api.delete(f"{self._calendar.path}/events/{date_id}", mode="future")

    def _respond(self, event_id: str) -> None:
        answer = self._random.choice(("accepted", "declined", "tentative"))
        self._calendar.api.post(f"{self._calendar.path}/events/{event_id}/respond", {"response": answer})

    def _patch(self, event_id: str, fields: dict[str, Any], **params: str) -> None:
        response = self._calendar.api.patch(f"{self._calendar.path}/events/{event_id}", fields, **params)
        assert response.status_code < 500, response.text

    # --------------------------------------------------------------------------------------------------- by mail

    def _invited(self) -> None:
        lines = [
            f"DTSTART;TZID=Europe/Berlin:202603{self._random.randrange(10, 28)}T100000",
            self._random.choice(("DURATION:PT90M", "DURATION:P1D", "DTEND;TZID=Europe/Berlin:20260329T110000")),
        ]
        if self._random.random() < 0.4:  # a date without its series
            lines.append("RECURRENCE-ID;TZID=Europe/Berlin:20260309T100000")
        self._mail([self._vevent(lines)])
        if self._random.random() < 0.2:
            self._mail([self._vevent([*lines, "STATUS:CANCELLED"], sequence=1)], method="CANCEL")

    def _invited_series(self) -> None:
        zone = self._random.choice(("TZID=Europe/Berlin", "TZID=America/New_York"))
        lines = [f"DTSTART;{zone}:20260305T093000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;BYDAY=MO,TH"]
        if self._random.random() < 0.5:
            lines += [f"EXDATE;{zone}:20260312T093000", f"RDATE;{zone}:20260313T150000"]
        dates = [f"RECURRENCE-ID;{zone}:20260316T093000", f"DTSTART;{zone}:20260316T140000", "DURATION:PT2H"]
        parts = [self._vevent(lines), self._vevent([*dates, "SUMMARY:Later that day"])]
        if self._random.random() < 0.4:
            parts.append(
                self._vevent(
                    [
                        f"RECURRENCE-ID;{zone};RANGE=THISANDFUTURE:20260402T093000",
                        f"DTSTART;{zone}:20260402T100000",
                        "DURATION:PT1H",
                    ]
                )
            )
        self._mail(parts)
        if self._random.random() < 0.5:
            self._respond(self._last)

    def _vevent(self, lines: list[str], sequence: int = 0) -> str:
        head = ["BEGIN:VEVENT", f"UID:mail-{self._count}@example.org", "DTSTAMP:20260301T090000Z"]
        if not any(line.startswith("SUMMARY") for line in lines):
            head.append("SUMMARY:Invited\\, by mail")
        people = [
            'ORGANIZER;CN="Pat, the organiser":mailto:pat@example.org',
            "ATTENDEE;CN=Ada;ROLE=CHAIR;PARTSTAT=ACCEPTED:mailto:ada@example.com",
            "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:bob+x@example.com",
        ]
        extra = [
            "CATEGORIES:WORK,REVIEW",
            "X-CUSTOM;X-P=1:value\\, escaped",
            "COMMENT:mailto:in@text.example",
            "GEO:1.0;2.0",
        ]
        return "\r\n".join([*head, f"SEQUENCE:{sequence}", *people, *extra, *lines, "END:VEVENT", ""])

    def _mail(self, parts: list[str], method: str = "REQUEST") -> None:
        assert self._inbox is not None
        text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:{method}\r\n{''.join(parts)}END:VCALENDAR\r\n"
        content = {"Name": "i.ics", "ContentType": "text/calendar", "Content": base64.b64encode(text.encode()).decode()}
        payload = {
            "From": "pat@example.org",
            "Subject": "Invitation",
            "MessageID": f"{self._calendar.id}-{self._count}-{method}",
            "Headers": [{"Name": "Received-SPF", "Value": "pass"}],
            "Attachments": [content],
        }
        answer = self._inbox.take(payload)
        self._last = answer.get("event_id", "")

    # ---------------------------------------------------------------------------------------------------- values

    def _texts(self) -> dict[str, Any]:
        pick = self._random.random
        texts: dict[str, Any] = {"title": f"Event {self._count}"}
        if pick() < 0.3:
            texts["title"] = self._random.choice(TITLES)
        if pick() < 0.3:
            texts["description"] = self._random.choice((*TITLES, "", "Agenda:\n1. This\n\t2. That\n"))
        if pick() < 0.3:
            texts["location"] = self._random.choice(
                ("Room 3", "https://meet.example.com/a;b?c=d,e", " blank ", "Größe")
            )
        if pick() < 0.3:
            texts["metadata"] = {"n": self._count, "deep": {"list": [1, 2.5, None, True, "é\u2028\x85;,\\"]}}
        if pick() < 0.2:
            texts["client_id"] = f"client;{self._count},\\"
        if pick() < 0.3:
            texts["status"] = self._random.choice(("confirmed", "tentative", "cancelled"))
        if pick() < 0.2:
            texts["transparency"] = "transparent"
        if pick() < 0.2:
            texts["attendees"] = ["ada@example.com", "o'hara+x@bücher.example"][: self._random.randrange(1, 3)]
        return texts

    def _timing(self) -> dict[str, Any]:
        start = datetime.combine(self._day(), datetime.min.time()) + timedelta(minutes=30 * self._random.randrange(48))
        timing: dict[str, Any] = {"start": start.isoformat()}
        if self._random.random() < 0.6:
            timing["timezone"] = self._zone()
        elif self._random.random() < 0.5:
            timing["start"] += "Z"
        length = self._random.choice(("PT0S", "PT30M", "PT24H", "P1D", "P1DT2H", "P1W"))
        return timing | {"duration": length}

    def _day(self) -> date:
        return _FIRST + self._random.randrange(90) * _DAY

    def _zone(self) -> str:
        return self._random.choice(ZONES)
