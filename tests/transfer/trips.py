"""There and back: a calendar's export, imported into an empty calendar of another agent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from tests.events.state import every
from tests.support.service import Api, Calendar, Service

KIND: Final = "text/calendar; charset=utf-8"
A_YEAR: Final = {"start": "2026-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z"}  # round the tests' present
_OWN: Final = ("calendar_id", "etag", "source")
_ID: Final = re.compile(r"evt_[0-9A-Za-z]{12}(?!@)")


def exported(calendar: Calendar) -> bytes:
    response = calendar.api.get(f"{calendar.path}/export.ics")
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == KIND
    return response.content


def imported(calendar: Calendar, file: bytes | str, kind: str = "text/calendar", **headers: str) -> Any:
    response = calendar.api.http.post(
        f"{calendar.path}/import",
        content=file if isinstance(file, bytes) else file.encode(),
        headers={"Content-Type": kind, **headers},
    )
    assert response.status_code == 200, response.text
    return response.json()


def twin(service: Service, name: str, timezone: str) -> Calendar:
    """An empty calendar of a new agent."""
    api = Api(service.url, Api(service.url, None).made("/agents")["api_key"])
    return Calendar(api, api.made("/calendars", name=name, timezone=timezone))


def same(one: bytes, other: bytes) -> None:
    """The same bytes; where not, the first difference is shown."""
    place = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    near = slice(max(place - 300, 0), place + 200)
    assert one == other, (
        f"at {place}: {one[near].decode('utf-8', 'replace')}\n---\n{other[near].decode('utf-8', 'replace')}"
    )


def counts(answer: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """How many were created, updated, unchanged, ignored."""
    return answer["created"], answer["updated"], answer["unchanged"], answer["ignored"]


def agree(one: Calendar, other: Calendar) -> None:
    """Both hold the same: as written, and date by date, but for ids."""
    ids = _ids(one, other)
    for params in ({"expand": "false"}, A_YEAR):
        mine = [_neutral(event, ids) for event in every(one, limit=200, **params)]
        theirs = [_neutral(event, {}) for event in every(other, limit=200, **params)]
        assert sorted(mine) == sorted(theirs), [*sorted({*mine} - {*theirs})[:2], *sorted({*theirs} - {*mine})[:2]]


def _ids(one: Calendar, other: Calendar) -> dict[str, str]:
    """Which id of the other an id of the one is."""
    theirs = {_name(event): event["id"] for event in every(other, expand="false", limit=200)}
    return {event["id"]: theirs[_name(event)] for event in every(one, expand="false", limit=200)}


def _name(event: Mapping[str, Any]) -> tuple[Any, ...]:
    return event["ical_uid"], event["start"], event.get("recurrence")


def _neutral(event: Mapping[str, Any], ids: Mapping[str, str]) -> str:
    kept = {name: value for name, value in event.items() if name not in _OWN}
    if event["status"] == "recurring" or "parent_event_id" in event:
        del kept["reads"]  # a series that a split has ended says its dates by its rule, even where they are few
    text = json.dumps(kept, sort_keys=True)
    return _ID.sub(lambda found: ids.get(found[0], found[0]), text)
