"""A client that writes at random: what it draws is valid enough to be served or refused, never to fail."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from tests.events.state import every, lasting
from tests.support.service import Calendar

ZONES: Final = ("America/New_York", "Europe/Dublin", "Australia/Lord_Howe", "Asia/Tokyo", "UTC")
CLOCKS: Final = ("00:00", "01:30", "02:30", "09:00", "17:00", "23:30")
RULES: Final = (
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=3;COUNT=10",
    "FREQ=DAILY;UNTIL=20260412",
    "FREQ=DAILY;COUNT=2",
    "FREQ=DAILY;BYHOUR=9,17;COUNT=30",
    "FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,TU;UNTIL=20260520T120000Z",
    "FREQ=MONTHLY;BYDAY=-1FR,1SU",
    "FREQ=MONTHLY;BYMONTHDAY=31",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "FREQ=YEARLY",
    "FREQ=HOURLY;INTERVAL=7;COUNT=40",
)
ALL_DAY_RULES: Final = tuple(rule for rule in RULES if "HOUR" not in rule)
REFUSALS: Final = frozenset(
    {
        "recurrence_without_dates",
        "recurrence_too_costly",
        "not_a_date_of_the_series",
        "invalid_recurrence",
        "invalid_field",
        "end_before_start",
        "mode_required",
    }
)
_ADDED: Final = frozenset(
    {
        "instances_created",
        "notices",
        "orphaned_overrides",
        "split_from",
        "message",
        "email_sent",
        "email_status",
    }
)

_days = st.integers(-4, 70).map(lambda n: date(2026, 3, 2) + timedelta(days=n))
_clocks = st.sampled_from(CLOCKS)
_lengths = st.sampled_from(["PT0S", "PT30M", "PT3H", "P1D", "PT26H"])


class Writer:
    """Draws writes for one calendar and checks that each answer is what reading gives afterwards."""

    def __init__(self, calendar: Calendar, data: st.DataObject) -> None:
        self._calendar = calendar
        self._draw = data.draw
        self._count = 0

    def begin(self) -> None:
        """A series, so that there is something to change."""
        self._add_series()

    def write(self) -> None:
        """One write of any kind."""
        steps = [self._add, self._add_series]
        if self._events():
            steps += [self._change_whole, self._change_date, self._change_date, self._remove, self._respond]
            steps += [self._dates, self._cancel, self._split]
        self._draw(st.sampled_from(steps))()

    def _events(self) -> list[Any]:
        return sorted(every(self._calendar, expand="false", limit=200), key=_not_by_chance)

    def _dates_listed(self) -> list[Any]:
        window = {"start": "2026-02-20T00:00:00Z", "end": "2026-06-10T00:00:00Z", "limit": 200}
        return sorted(every(self._calendar, **window), key=_not_by_chance)

    def _pick(self, events: list[Any]) -> Any:
        """One of those that there are: drawn alike however many they are."""
        return events[self._draw(st.integers(0, 9999)) % len(events)]

    def _title(self) -> str:
        self._count += 1
        return f"title {self._count}"

    def _timing(self, all_day: bool) -> dict[str, Any]:
        day = self._draw(_days)
        if all_day:
            return {"start": str(day), "duration": f"P{self._draw(st.integers(1, 3))}D"}
        clock = self._draw(_clocks)
        if self._draw(st.integers(0, 3)) == 0:
            return {"start": f"{day}T{clock}:00Z", "duration": self._draw(_lengths)}
        zone = self._draw(st.sampled_from(ZONES))
        return {"start": f"{day}T{clock}:00", "timezone": zone, "duration": self._draw(_lengths)}

    def _add(self) -> None:
        body = {"title": self._title(), **self._timing(self._draw(st.integers(0, 3)) == 0)}
        self._sent("post", "", body)

    def _add_series(self) -> None:
        all_day = self._draw(st.integers(0, 3)) == 0
        rule = self._draw(st.sampled_from(ALL_DAY_RULES if all_day else RULES))
        body = {"title": self._title(), "recurrence": rule, **self._timing(all_day)}
        if self._draw(st.booleans()):
            body["rdates"] = self._rdates(all_day)
        if self._draw(st.integers(0, 4)) == 0:
            del body["recurrence"]
            body["rdates"] = self._rdates(all_day)
        self._sent("post", "", body)

    def _rdates(self, all_day: bool) -> list[str]:
        values = st.builds(str, _days)
        if not all_day:
            values = st.one_of(values, st.builds("{}T{}:00".format, _days, _clocks))
        return self._draw(st.lists(values, min_size=1, max_size=3))

    def _change_whole(self) -> None:
        event = self._pick(self._events())
        self._sent("patch", event["id"], self._changes(event, "recurrence" in event))

    def _changes(self, event: Any, is_series: bool) -> dict[str, Any]:
        all_day = event.get("all_day", False)
        kinds = ["title", "start", "timezone", "status", "duration", "timing"]
        if is_series:
            kinds += ["recurrence", "rdates"]
        body: dict[str, Any] = {}
        for kind in self._draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=2)):
            if kind == "title":
                body["title"] = self._title()
            elif kind == "start":
                day = self._draw(_days)
                body["start"] = str(day) if all_day else f"{day}T{self._draw(_clocks)}:00"
            elif kind == "timezone":
                body["timezone"] = self._draw(st.sampled_from(ZONES))
            elif kind == "status":
                body["status"] = self._draw(st.sampled_from(["confirmed", "tentative", "cancelled"]))
            elif kind == "duration" and not all_day:
                body["duration"] = self._draw(_lengths)
            elif kind == "timing":
                all_day = self._draw(st.booleans())
                body |= {**self._timing(all_day), "all_day": all_day}
            elif kind == "recurrence":
                body["recurrence"] = self._draw(st.sampled_from([*RULES, None]))
            elif kind == "rdates":
                body["rdates"] = self._rdates(all_day)
        return body or {"title": self._title()}

    def _one_date(self) -> Any:
        dates = [event for event in self._dates_listed() if "parent_event_id" in event]
        return self._pick(dates) if dates else None

    def _change_date(self) -> None:
        if date_ := self._one_date():
            self._sent("patch", date_["id"], self._changes(date_, False))

    def _split(self) -> None:
        if date_ := self._one_date():
            changes = self._changes(date_, True) if self._draw(st.booleans()) else {"title": self._title()}
            self._sent("patch", date_["id"], changes, mode="future")

    def _dates(self) -> None:
        if date_ := self._one_date():
            day = date_["start_local"][:10] if self._draw(st.booleans()) else date_["start"]
            self._sent("patch", date_["parent_event_id"], {"exdates": self._draw(st.sampled_from([[day], [], None]))})

    def _cancel(self) -> None:
        if date_ := self._one_date():
            mode = self._draw(st.sampled_from(["single", "single", "single", "future"]))
            self._sent("delete", date_["id"], None, mode=mode)

    def _remove(self) -> None:
        event = self._pick(self._events())
        if self._draw(st.integers(0, 2)) == 0:
            self._sent("delete", event["id"], None, mode="all")

    def _respond(self) -> None:
        event = self._pick([*self._events(), *self._dates_listed()])
        response = self._draw(st.sampled_from(["accepted", "declined", "tentative"]))
        self._sent("post", f"{event['id']}/respond", {"response": response})

    def _sent(self, method: str, place: str, body: Any, **params: str) -> None:
        path = f"{self._calendar.path}/events" + (f"/{place}" if place else "")
        response = self._calendar.api.http.request(method, path, json=body, params=params)
        if response.status_code >= 400:
            error = response.json()
            assert error.get("code") in REFUSALS, f"{method} {path} {body} {params}: {response.text}"
        elif response.content:
            answer = response.json()
            plain = {name: value for name, value in answer.items() if name not in _ADDED}
            assert lasting(self._calendar.event(answer["id"])) == lasting(plain)


def _not_by_chance(event: Any) -> tuple[str, ...]:
    """An order without ids, which are drawn anew in each run."""
    return event["title"], event["start"], event["end"], event["id"][16:]
