"""The corpus of inbound mails: each calendar in them is read, and the threads they make end as the cases expect."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any, Final

import pytest

from app.core.itip import Thread, absorb, by_uid
from app.ical.read import Reading, read_calendar

CASES: Final = Path(__file__).parents[3] / "shared" / "corpus" / "inbound_cases.jsonl"
SLOWEST: Final = 0.5  # seconds of processor time for one part; 6 MB and 2,000 events are among them

pytestmark = pytest.mark.skipif(not CASES.exists(), reason="the shared corpus of mails is not beside this checkout")

BEYOND_READING: Final = {"pm-zip", "am-attachment-401", "am-download-500", "am-no-api-key", "am-spam", "pm-wrong-token"}
"""Cases whose outcome the route decides: tokens, what it fetches, which attachments it takes for calendars."""


def many(count: int) -> bytes:
    event = "BEGIN:VEVENT\r\nUID:many-{0}\r\nDTSTART:20261209T100000Z\r\nSUMMARY:Event {0}\r\nEND:VEVENT\r\n"
    body = "".join(event.format(number) for number in range(count))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\n{body}END:VCALENDAR\r\n".encode()


def content(text: str) -> bytes:
    if found := re.fullmatch(r"@@MANY:(\d+)@@", text):
        return many(int(found[1]))
    if found := re.fullmatch(r"@@B64:(.*)@@", text, re.DOTALL):
        spec = json.loads(found[1])
        filled: str = spec.get("text") or spec["pre"].replace("@@", spec["fill"] * spec["times"])
        return filled.encode()
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return text.encode()


def parts(step: dict[str, Any]) -> Iterator[tuple[bytes, str]]:
    """The attachments of one mail, each with its Content-Type."""
    payload = step.get("payload")
    if not isinstance(payload, dict):
        return
    attachments = payload.get("Attachments")
    for part in attachments if isinstance(attachments, list) else []:
        if isinstance(part, dict) and isinstance(part.get("Content"), str):
            yield content(part["Content"]), str(part.get("ContentType"))
    for stub in (step.get("agentmail_stub") or {}).values():
        if isinstance(stub, dict) and stub.get("content_b64"):
            yield base64.b64decode(stub["content_b64"]), str(stub.get("content_type"))


def read(source: bytes, content_type: str, zone: str) -> Reading:
    method = re.search(r"method=\"?(\w+)", content_type, re.IGNORECASE)
    charset = re.search(r"charset=\"?([\w-]+)", content_type, re.IGNORECASE)
    return read_calendar(
        source,
        floating_zone=zone,
        method=method[1] if method else None,
        charset=charset[1] if charset else None,
    )


def cases() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CASES.read_text().splitlines()]


def statuses(case: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """What each step of a case does to the threads of its calendar, beside what is expected of it."""
    threads: dict[str, Thread] = {}
    for step in case["steps"]:
        zone = case["calendars"][step.get("calendar", "A")]["timezone"]
        found = ["ignored"]
        for source, content_type in parts(step):
            for message in read(source, content_type, zone).messages:
                for uid, one in by_uid(message).items():
                    threads[uid], verdict = absorb(threads.get(uid, Thread(uid)), one, zone)
                    found.append(verdict.status)
        did = next((status for status in ("created", "updated", "cancelled") if status in found), "ignored")
        yield did, step["expect"]["status"]


def test_every_calendar_in_them_is_read_in_a_moment() -> None:
    read_count = 0
    for case in cases():
        for step in case["steps"]:
            for source, content_type in parts(step):
                begin = process_time()
                read(source, content_type, "America/Denver")
                if process_time() - begin > SLOWEST:
                    begin = process_time()
                    read(source, content_type, "America/Denver")
                assert process_time() - begin <= SLOWEST, case["id"]
                read_count += 1
    assert read_count > 60


def test_what_they_do_to_a_calendar_is_what_the_cases_expect() -> None:
    wrong = [
        (case["id"], did, expected)
        for case in cases()
        if case["id"] not in BEYOND_READING
        for did, expected in statuses(case)
        if did not in expected
    ]
    assert wrong == []
