"""Whatever JSON arrives, the answer is an event, a calendar, or a Problem that names what is wrong; never a fault."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import CODES
from tests.support.service import Calendar

SLOWEST: Final = 1.0  # seconds for one answer, on a busy machine
_text = st.text(st.characters(codec=None), max_size=20)  # lone surrogates and NUL included
_scalar = st.none() | st.booleans() | st.integers() | st.floats() | _text
_anything = st.recursive(_scalar, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4))

_digits = st.integers(0, 99_999).map(str)
_number = st.integers(-3, 60)
_time = (
    st.datetimes().map(lambda at: at.isoformat())
    | st.datetimes().map(lambda at: f"{at.isoformat(timespec='seconds')}Z")
    | st.dates().map(str)
    | st.builds("2026-{:02}-{:02}T{:02}:{:02}:{:02}{}".format, *[_number] * 5, st.sampled_from(["", "Z", "-05:00"]))
)
_PARTS: Final = (
    *("COUNT", "INTERVAL", "UNTIL", "WKST", "RSCALE", "BYMONTH", "BYMONTHDAY"),
    *("BYHOUR", "BYMINUTE", "BYSETPOS", "BYWEEKNO", "BYYEARDAY"),
)
_part = st.sampled_from(
    ["FREQ=DAILY", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=YEARLY", "FREQ=HOURLY", "FREQ=SECONDLY", "BYDAY=MO,-1FR"]
) | st.builds(
    "{}={}".format,
    st.sampled_from(_PARTS),
    _digits | _number.map(str) | st.lists(_number.map(str), max_size=5).map(",".join) | st.just("20270101T000000Z"),
)
_rule = st.lists(_part, min_size=1, max_size=5).map(";".join)
_zone = st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe", "Mars/Olympus", "+02:00", ""])
_LIKELY: Final[dict[str, st.SearchStrategy[Any]]] = {
    "title": _text,
    "name": _text,
    "start": _time,
    "end": _time,
    "duration": st.builds("P{}DT{}H{}M".format, _digits, _number, _number),
    "description": _text,
    "location": _text | st.just("JavaScript:alert(1)"),
    "status": st.sampled_from(["confirmed", "tentative", "cancelled", "recurring"]),
    "transparency": st.sampled_from(["opaque", "transparent", "busy"]),
    "attendees": st.lists(_text | st.just("ada@example.com"), max_size=3),
    "recurrence": _rule,
    "rrule": _rule,
    "all_day": st.booleans(),
    "timezone": _zone,
    "exdates": st.lists(_time, max_size=3),
    "rdates": st.lists(_time, max_size=3),
    "metadata": st.dictionaries(_text, _anything, max_size=3),
    "webhook_url": _text | st.just("https://example.com") | st.just("http://[::1]:0x/"),
    "webhook_offsets": st.lists(_text | st.just("-5m"), max_size=3),
}


def _bodies(required: dict[str, st.SearchStrategy[Any]], *optional: str) -> st.SearchStrategy[Any]:
    """Mostly what a client would send; now and then any JSON in a field's place, or any JSON at all."""

    def field(name: str) -> st.SearchStrategy[Any]:
        return st.one_of(_LIKELY[name], _LIKELY[name], _LIKELY[name], _anything)

    likely = st.fixed_dictionaries(
        {name: st.one_of(fixed, fixed, field(name)) for name, fixed in required.items()},
        optional={name: field(name) for name in optional},
    )
    return st.one_of(likely, likely, likely, _anything)


_WHEN: Final = {"start": st.just("2026-03-03T09:00:00"), "end": st.just("2026-03-03T10:00:00")}
_events = _bodies({"title": st.just("x")} | _WHEN, *(set(_LIKELY) - {"name", "title", "start", "end"}))
_patches = _bodies({}, *(set(_LIKELY) - {"name"}))
_calendars = _bodies({"name": st.just("x")}, "timezone", "webhook_url", "webhook_offsets")
bounded = settings(
    max_examples=40,
    deadline=timedelta(seconds=3),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _send(calendar: Calendar, method: str, path: str, body: Any) -> None:
    raw = json.dumps(body).encode()
    began = time.monotonic()
    answer = calendar.api.http.request(method, path, content=raw)
    assert time.monotonic() - began < SLOWEST, raw
    if answer.status_code < 300:
        assert isinstance(answer.json(), dict)
        return
    assert answer.status_code in (400, 409), f"{answer.status_code}: {answer.text}\n{raw!r}"
    assert CODES[answer.json()["code"]].status == answer.status_code


@bounded
@given(body=_events)
def test_any_json_makes_an_event_or_a_problem(calendar: Calendar, body: Any) -> None:
    _send(calendar, "POST", f"{calendar.path}/events", body)


@bounded
@given(body=_patches)
def test_any_json_changes_an_event_or_is_a_problem(calendar: Calendar, body: Any) -> None:
    event_id = calendar.add(title="x", start="2026-03-03T09:00:00", end="2026-03-03T10:00:00")["id"]
    _send(calendar, "PATCH", f"{calendar.path}/events/{event_id}", body)


@bounded
@given(body=_patches, place=st.sampled_from(["", "_20260304", "_20260304?mode=future", "_20260399"]))
def test_any_json_changes_a_series_or_is_a_problem(calendar: Calendar, body: Any, place: str) -> None:
    series = calendar.add(title="x", start="2026-03-03T09:00:00", end="2026-03-03T10:00:00", rrule="FREQ=DAILY;COUNT=9")
    answer_path = f"{calendar.path}/events/{series['id']}{place}"
    if place == "_20260399":
        assert calendar.api.http.patch(answer_path, content=b'{"title":"y"}').status_code == 404
        return
    _send(calendar, "PATCH", answer_path, body)


@bounded
@given(body=_calendars)
def test_any_json_makes_a_calendar_or_a_problem(calendar: Calendar, body: Any) -> None:
    _send(calendar, "POST", "/calendars", body)
    _send(calendar, "PATCH", calendar.path, body)
