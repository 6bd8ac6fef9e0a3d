"""The corpus of inbound mails, case by case, against the real service."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.inbound.agentmail import AgentMailStub
from tests.inbound.mails import Inbox, inbox
from tests.support.service import Service

CASES: Final = Path(__file__).parents[3] / "shared" / "corpus" / "inbound_cases.jsonl"

pytestmark = pytest.mark.skipif(not CASES.exists(), reason="the shared corpus of mails is not beside this checkout")

DECIDED: Final[dict[str, list[list[str]]]] = {
    # The same MessageID again gets the first answer again (contract: Inbound mail).
    "pm-duplicate-delivery": [["created"], ["created"]],
    # An end before the start becomes no length at all.
    "pm-end-before-start": [["created"]],
    # A UID is made of what the event says; the second step is the same message again.
    "pm-no-uid": [["created"], ["created"]],
    "pm-no-summary": [["created"]],
    "pm-huge": [["ignored"]],
    "pm-many-vevents": [["ignored"]],
}
"""Where the corpus leaves a choice, or the contract makes one: what is answered, step by step."""


RULES_CHANGED: Final = {"pm-series-across-dst": ("T08:00:00Z", "T09:00:00Z")}
"""Cases about zones whose rules have changed since: Morocco gave up its clock changes in September 2026 (tzdata 2026f),
so that 09:00 in Casablanca is 09:00 UTC before Ramadan, too."""


def cases() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CASES.read_text().splitlines()] if CASES.exists() else []


def filled(value: Any, calendar_id: str) -> Any:
    """A payload with the calendar's address, and the bulk that a placeholder stands for."""
    if isinstance(value, dict):
        return {name: filled(each, calendar_id) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, calendar_id) for each in value]
    if not isinstance(value, str):
        return value
    if found := re.fullmatch(r"@@MANY:(\d+)@@", value):
        return base64.b64encode(_many(int(found[1]))).decode()
    if found := re.fullmatch(r"@@B64:(.*)@@", value, re.DOTALL):
        spec = json.loads(found[1])
        text = spec.get("text") or spec["pre"].replace("@@", spec["fill"] * spec["times"])
        return base64.b64encode(text.encode()).decode()
    return value.replace("{{CAL}}", calendar_id.removeprefix("cal_"))


def _many(count: int) -> bytes:
    event = "BEGIN:VEVENT\r\nUID:many-{0}\r\nDTSTART:20261209T100000Z\r\nSUMMARY:Event {0}\r\nEND:VEVENT\r\n"
    body = "".join(event.format(number) for number in range(count))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\n{body}END:VCALENDAR\r\n".encode()


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["id"])
def test_a_case_is_answered_and_stored_as_it_should_be(
    case: dict[str, Any], service: Service, agentmail_stub: AgentMailStub
) -> None:
    service.clock.move_to(datetime.fromisoformat(case["now"]))
    inboxes = {
        name: inbox(service, given.get("agentmail_api_key"), given["timezone"], given["name"])
        for name, given in case["calendars"].items()
    }
    checks = case["checks"]
    for number, step in enumerate(case["steps"]):
        to = inboxes[step.get("calendar", "A")]
        agentmail_stub.holds(step.get("agentmail_stub") or {})
        before = time.perf_counter()
        response = _hand_in(step, to)
        assert time.perf_counter() - before < checks.get("max_seconds", 5)
        _check_answer(case, number, response)
        for secret in checks.get("response_must_not_contain", []):
            assert secret not in response.text
            assert secret not in json.dumps(to.list())
    old, new = RULES_CHANGED.get(case["id"], ("", ""))
    for name, expected in json.loads(json.dumps(case["final"]).replace(old, new)).items():
        check_final(inboxes[name], expected, checks, case["now"])


def _hand_in(step: dict[str, Any], to: Inbox) -> httpx.Response:
    path = f"/inbound/{step.get('token', to.token)}"
    if "raw_body" in step:
        return to.http.post(path, content=step["raw_body"], headers={"Content-Type": "application/json"})
    return to.http.post(path, json=filled(step["payload"], to.calendar.id))


def _check_answer(case: dict[str, Any], number: int, response: httpx.Response) -> None:
    expected = case["steps"][number]["expect"]
    assert response.status_code in expected["http"], response.text
    if response.status_code != 200:
        return
    answer = response.json()
    allowed = DECIDED[case["id"]][number] if case["id"] in DECIDED else expected["status"]
    assert answer["status"] in allowed, answer
    if answer["status"] == "ignored":
        assert answer["reason"].endswith(".")
        assert answer["code"]
    elif case["final"]["A"] != []:
        assert answer["event_id"].startswith("evt_")


# ------------------------------------------------------------------------------------- what is stored in the end


def check_final(mail: Inbox, expected: Any, checks: dict[str, Any], now: str) -> None:
    """What the calendar holds, against a case's `final` and `checks`."""
    api, path = mail.calendar.api, mail.calendar.path
    written = _all_of(mail, expand="false")
    dates = _all_of(mail, end=f"{datetime.fromisoformat(now) + timedelta(days=89):%Y-%m-%dT%H:%M:%SZ}")
    assert len(dates) <= checks.get("max_instances", 10_000)
    if "feed_vevents" in checks:
        assert mail.calendar.feed().splitlines().count("BEGIN:VEVENT") == checks["feed_vevents"]
    assert api.get(f"{path}/upcoming").status_code == 200
    if expected == "any":
        return
    assert len(written) <= checks.get("final_count_max", len(expected))
    for one in expected:
        found = [each for each in written if one["ical_uid"] in (None, each["ical_uid"])]
        if not found and one.get("optional"):
            continue
        assert len(found) == 1, (one["ical_uid"], [each["ical_uid"] for each in written])
        _check_event(found[0], [date for date in dates if date["ical_uid"] == found[0]["ical_uid"]], one)


def _all_of(mail: Inbox, **params: str) -> list[Any]:
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = mail.calendar.api.got(f"{mail.calendar.path}/events", limit=200, **params, **cursor)
        found += page["events"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def _check_event(event: Any, dates: list[Any], expected: dict[str, Any]) -> None:
    assert event["source"] == "inbound_email"
    assert event["untrusted"] is True
    if expected["title"] is not None:
        assert event["title"] == expected["title"]
    assert event.get("all_day", False) == expected["all_day"]
    assert event.get("recurrence") == expected["recurrence"]
    status = event.get("series_status", event["status"])
    assert status == expected["status"]
    for name in ("location", "description"):
        if name in expected:
            assert event[name] == expected[name]
    if "description_max" in expected:
        assert len((event["description"] or "").encode()) <= expected["description_max"]
    if "start_utc" in expected:
        assert (_utc(event["start"]), _utc(event["end"])) == (expected["start_utc"], expected["end_utc"])
    if "start_date" in expected:
        assert event["start"][:10] == expected["start_date"]
        assert _day_after(event["end"][:10]) == expected["end_date_exclusive"]
    if expected.get("end_not_before_start"):
        assert event["end"] >= event["start"]
    _check_dates(dates, expected)


def _check_dates(dates: list[Any], expected: dict[str, Any]) -> None:
    going_on = [date for date in dates if date["status"] != "cancelled"]
    if "instances" in expected:
        assert [_utc(date["start"]) for date in going_on] == expected["instances"]
    if "instance_dates" in expected:
        assert [date["start"][:10] for date in going_on] == expected["instance_dates"]
    if "instances_cancelled" in expected:
        off = [_utc(date["start"]) for date in dates if date["status"] == "cancelled"]
        assert off == expected["instances_cancelled"]
    if "override" in expected:
        override = expected["override"]
        found = [date for date in dates if date.get("is_exception")]
        assert len(found) == 1
        for name, value in _comparable(override):
            assert (_utc(found[0][name]) if name in ("start", "end") else found[0][name]) == value


def _comparable(override: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in override.items():
        yield name.removesuffix("_utc"), value


def _utc(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _day_after(day: str) -> str:
    return (datetime.fromisoformat(day) + timedelta(days=1)).strftime("%Y-%m-%d")
