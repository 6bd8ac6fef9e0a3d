"""What somebody could send who knows an address: it is answered soon, and nobody else waits for it."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import pytest

from tests.inbound.mails import Inbox, attachment, calendar_text, inbox, many_events, postmark, received

ANSWERED_WITHIN: Final = 2.0  # seconds
OTHERS_WAIT_AT_MOST: Final = 0.25  # seconds, beside other test workers; alone a fifth of it
TRIES: Final = 3  # a busy machine may spoil one or two
MEGABYTE: Final = 1024 * 1024


def deep(opening: str, closing: str, levels: int = 100_000) -> bytes:
    return b'{"MessageID":"d","Subject":"s","X":' + (opening * levels + "1" + closing * levels).encode() + b"}"


def body(payload: Any) -> bytes:
    return json.dumps(payload).encode()


FOUL: Final[dict[str, Callable[[], bytes]]] = {
    "nothing": lambda: b"",
    "a list": lambda: b"[]",
    "a number": lambda: b"1",
    "half an object": lambda: b'{"MessageID": "x", "Attachments": [',
    "bytes that are no text": lambda: b'{"\xff\xfe": 1}',
    "a hundred thousand arrays": lambda: deep("[", "]"),
    "a hundred thousand objects": lambda: deep('{"a":', "}"),
    "35 MB of arrays": lambda: b'{"X":' + b"[" * (34 * MEGABYTE),
    "NaN": lambda: b'{"MessageID": NaN}',
}
FAIR: Final[dict[str, Callable[[], bytes]]] = {
    "35 MB of an attachment": lambda: body(postmark(attachment(b"\x00" * (26 * MEGABYTE), "a.bin", "image/png"))),
    "35 MB of an invitation": lambda: body(postmark(attachment(b"BEGIN:VCALENDAR\r\n" * (MEGABYTE * 3 // 2)))),
    "34 MB of text": lambda: body(postmark(TextBody="BEGIN:VCALENDAR " * (2 * MEGABYTE))),
    "34 MB of emoji as escapes": lambda: body(postmark(TextBody="\U0001f600" * (MEGABYTE * 5 // 2))),
    "10,000 attachments": lambda: body(postmark(*[attachment(f"x{n}", f"{n}.ics") for n in range(10_000)])),
    "100,000 headers": lambda: body(postmark(Headers=[{"Name": "Received-SPF", "Value": "x"}] * 100_000)),
    "100,000 recipients": lambda: body(postmark(ToFull=[{"Email": "a@b.example"}] * 100_000)),
    "a Content-Type without end": lambda: body(postmark(attachment("", kind="text/calendar;" + "a=b;" * 100_000))),
    "NULs": lambda: body(
        postmark(attachment(calendar_text(title="a\0b"), "a\0.ics"), Subject="\0", TextBody="\0", MessageID="n\0")
    ),
    "lone surrogates": lambda: body(
        postmark(attachment(calendar_text(), "\ud800.ics"), Subject="\udfff", FromFull={"Email": "\ud800"})
    ).replace(b"n1", b"\\ud800"),
    "wrong types": lambda: body(
        postmark(Subject=[], From={}, FromFull=[1], Headers={"a": 1}, Attachments=[[], {"Name": {}}], ToFull=7)
    ),
    "members of members": lambda: body({"event_type": "message.received", "message": {"from": [[{}]], "to": {"a": 1}}}),
    "10,000 attachments of AgentMail's": lambda: body(
        received(*[{"filename": f"{n}.pdf", "attachment_id": str(n)} for n in range(10_000)])
    ),
    "what is not base64": lambda: body(postmark(attachment("") | {"Content": "%%%=" * 100_000 + "\ud800"})),
    "500 events": lambda: body(postmark(attachment(many_events(500)))),
    "500 series": lambda: body(
        postmark(attachment(many_events(500).replace("SUMMARY", "RRULE:FREQ=DAILY\r\nSUMMARY")))
    ),
    "a name that would be a path": lambda: body(
        postmark(attachment(calendar_text(), "../../../../etc/passwd\r\nX: y.ics"), Subject="a\r\nBcc: b@c.example")
    ),
    "a UID of separators": lambda: body(postmark(attachment(calendar_text("a\x1e','b\x1f%s{}")))),
}


@dataclass
class Bystander:
    waits: list[float] = field(default_factory=list)


@contextmanager
def bystander(mail: Inbox) -> Iterator[Bystander]:
    """Somebody else's requests meanwhile, and how long each took."""
    found, is_over = Bystander(), threading.Event()
    http = httpx.Client(base_url=mail.service.url, headers=mail.calendar.api.http.headers)

    def look() -> None:
        while not is_over.wait(0.01):
            before = time.perf_counter()
            assert http.get("/agents/me").status_code == 200
            found.waits.append(time.perf_counter() - before)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        is_over.set()
        thread.join()


@pytest.mark.parametrize("make", FOUL.values(), ids=FOUL)
@pytest.mark.parametrize("path", ["/inbound", "/inbound/{token}"])
def test_what_is_no_json_object_is_refused_soon(mail: Inbox, make: Callable[[], bytes], path: str) -> None:
    before = time.perf_counter()
    answer = mail.http.post(path.format(token=mail.token), content=make())
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json"), answer.text[:300]
    assert time.perf_counter() - before < ANSWERED_WITHIN
    assert mail.list() == []


@pytest.mark.parametrize("name", FAIR)
def test_what_is_hostile_is_taken_in_soon_and_nobody_waits(mail: Inbox, name: str) -> None:
    content = FAIR[name]()
    assert len(content) <= 35 * MEGABYTE
    for _ in range(TRIES):
        fresh = inbox(mail.service)
        with bystander(mail) as other:
            before = time.perf_counter()
            answer = mail.http.post(f"/inbound/{fresh.token}", content=content)
            took = time.perf_counter() - before
        assert answer.status_code == 200, answer.text[:300]
        assert answer.json()["status"] in ("created", "updated", "ignored")
        if took < ANSWERED_WITHIN and max(other.waits, default=0) < OTHERS_WAIT_AT_MOST:
            break
    else:
        pytest.fail(f"It took {took:.2f} s, and others waited {max(other.waits):.3f} s.")
    assert len(fresh.list()[0]["subject"] or "") <= 998


def test_texts_are_stored_without_what_cannot_be(mail: Inbox) -> None:
    payload = body(postmark(attachment(calendar_text()), Subject="a\0b\ud800c", MessageID="\0x"))
    assert mail.http.post(f"/inbound/{mail.token}", content=payload).json()["status"] == "created"
    (listed,) = mail.list()
    assert (listed["subject"], listed["message_id"]) == ("abc", "x")


def test_a_thread_grows_no_further_than_it_may(mail: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.inbound.interpreting.THREAD_MOST", 20_000)
    assert mail.take(postmark(attachment(calendar_text("u1"))))["status"] == "created"
    large = calendar_text("u1", sequence=1, lines=("DESCRIPTION:" + "x" * 30_000,))
    answer = mail.take(postmark(attachment(large), attachment(calendar_text("u2"))))
    told = {each["ical_uid"]: (each["status"], each.get("code")) for each in answer["events"]}
    assert told == {"u1": ("ignored", "conflict"), "u2": ("created", None)}
    assert mail.take(postmark(attachment(calendar_text("u1", sequence=1, start="20260311T100000Z"))))["status"] == (
        "updated"
    )


def test_base64_of_the_other_kind_is_no_calendar_by_accident(mail: Inbox) -> None:
    zipped = base64.b64encode(b"PK\x03\x04BEGIN:VCALENDAR").decode()
    assert mail.take(postmark({"Name": "a.zip", "Content": zipped, "ContentType": "application/zip"}))["status"] == (
        "ignored"
    )
