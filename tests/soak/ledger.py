"""What clients were told, to be compared in the end with what is there."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from tests.support.service import Api

GONE = None


@dataclass
class Ledger:
    """Titles by (calendar, event), as acknowledged last; `GONE` for what was deleted. An event about which a request
    was not answered is in doubt until another one is."""

    titles: dict[tuple[str, str], str | None] = field(default_factory=dict)
    in_doubt: set[tuple[str, str]] = field(default_factory=set)
    created: dict[str, str] = field(default_factory=dict)  # the calendar of each title that was acknowledged
    mails: dict[str, str] = field(default_factory=dict)  # the calendar of each Message-ID that was acknowledged
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note_created(self, calendar: str, event: str, title: str) -> None:
        with self._lock:
            self.titles[calendar, event] = title
            self.created[title] = calendar

    def note(self, calendar: str, event: str, title: str | None) -> None:
        with self._lock:
            self.titles[calendar, event] = title
            self.in_doubt.discard((calendar, event))

    def doubt(self, calendar: str, event: str) -> None:
        with self._lock:
            self.in_doubt.add((calendar, event))

    def note_mail(self, calendar: str, message_id: str) -> None:
        with self._lock:
            self.mails[message_id] = calendar

    @property
    def acknowledged(self) -> int:
        return len(self.created) + len(self.mails)


def compared(ledger: Ledger, api: Api) -> list[str]:
    """A sentence for each acknowledged write that is not there, and for each that is there twice."""
    faults = []
    for calendar in sorted({calendar for calendar, _ in ledger.titles} | set(ledger.mails.values())):
        there, made = _titles_of(api, calendar)
        for title, count in made.items():
            if count > 1 and title in ledger.created:
                faults.append(f"{title} was made {count} times in {calendar}")
        faults += [
            f"{title} was never made" for title, at in ledger.created.items() if at == calendar and not made[title]
        ]
        for (where, event), last in ledger.titles.items():
            if where == calendar and (where, event) not in ledger.in_doubt and there.get(event) != last:
                faults.append(f"{event} is {there.get(event)!r} and was acknowledged as {last!r}")
        kept = _mails_of(api, calendar) if calendar in ledger.mails.values() else set()
        faults += [f"{mail} is not kept" for mail, at in ledger.mails.items() if at == calendar and mail not in kept]
    return faults


def _titles_of(api: Api, calendar: str) -> tuple[dict[str, str], Counter[str]]:
    """The titles at the end of the calendar's log, by event, and how often each title was made."""
    there: dict[str, str] = {}
    made: Counter[str] = Counter()
    since = 0
    while found := api.got(f"/calendars/{calendar}/changes", since=since, limit=500)["changes"]:
        since = found[-1]["seq"]
        for change in found:
            event = change["event"]
            if change["type"] == "event.deleted":
                there.pop(change["event_id"], None)
            elif event is not None and "title" in event:
                there[change["event_id"]] = event["title"]
                made[event["title"]] += change["type"] == "event.created"
    return there, made


def _mails_of(api: Api, calendar: str) -> set[str]:
    found: set[str] = set()
    cursor: dict[str, str] = {}
    while True:
        page = api.got(f"/calendars/{calendar}/inbound", limit=200, **cursor)
        found |= {mail["message_id"] for mail in page["mails"]}
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}
