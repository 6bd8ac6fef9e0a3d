"""How fast mail is taken in: invitations of 2 KB and of 50 KB, each its own event, over sixteen connections to as many
calendars; then one mail of 500 events, and what somebody else's requests wait meanwhile."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Callable
from statistics import quantiles
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

import httpx
import msgspec
import uvloop

from tests.bench.processes import cpu_seconds, family_cpu_seconds
from tests.bench.service import Service
from tests.bench.text import fine, markdown, number

CONNECTIONS: Final = 16
MAILS, QUICK_MAILS = 4_000, 800  # of each size
SIZES: Final = (2_000, 50_000)  # bytes of a calendar
EVENTS: Final = 500  # in the one large mail: the most it may have
PAUSE: Final = 0.005  # seconds between two requests of the bystander
RATE_AIM, LARGE_AIM, OTHERS_AIM = 300, 2.0, 100.0  # mails of 50 KB a second; seconds; milliseconds
UNLIMITED: Final = {"KALENDS_RATE_LIMIT_INBOUND": "100000000"}
_SECTION: Final = re.compile(r"## Mail that comes in\n.*?(?=^## )", re.DOTALL | re.MULTILINE)
_NEXT: Final = "## Repeat it\n"


class Taken(msgspec.Struct, frozen=True):
    """Mails of one size. Milliseconds, and microseconds of processor time a mail."""

    size: int
    rate: float
    p50: float
    p99: float
    web: float
    postgres: float


class Inbound(msgspec.Struct, frozen=True):
    """`large` is how many seconds the large mail took, `others` the most milliseconds that another request did."""

    mails: list[Taken]
    large: float
    others: float


def take_in(service: Service, mails: int, say: Callable[[str], None]) -> Inbound:
    """Of a service whose limits for mail are `UNLIMITED`."""
    http = httpx.Client(base_url=service.url)
    key = http.post("/agents").json()["api_key"]
    http.headers["Authorization"] = f"Bearer {key}"
    bodies = [{"name": f"Bench {number}", "timezone": "America/Denver"} for number in range(CONNECTIONS)]
    made = [http.post("/calendars", json=body).json() for body in bodies]
    paths = [urlsplit(each["inbound_webhook_url"]).path for each in made]
    taken = []
    for size in SIZES:
        say(f"Posting {mails:,} mails of {size // 1000} KB.")
        taken.append(uvloop.run(flood(service, paths, size, mails // CONNECTIONS)))
    say(f"Posting a mail of {EVENTS} events.")
    large, others = uvloop.run(one_large(service, paths[0], key, made[1]["calendar_id"]))
    return Inbound(taken, large, others)


def mail_table(inbound: Inbound) -> str:
    heads = ("Mails", "a second", "p50 ms", "p99 ms", "web µs", "Postgres µs")
    rows = [
        (f"{each.size // 1000} KB", number(each.rate), fine(each.p50, 1), fine(each.p99, 1), number(each.web),
         number(each.postgres))
        for each in inbound.mails
    ]  # fmt: skip
    return markdown(heads, rows)


def mail_section(date: str, inbound: Inbound | None) -> str:
    """As Markdown; nothing where nothing was measured."""
    if inbound is None:
        return ""
    is_met = inbound.mails[-1].rate >= RATE_AIM and inbound.large < LARGE_AIM and inbound.others < OTHERS_AIM
    return f"""## Mail that comes in

Measured on {date}. Postmark's payloads over {CONNECTIONS} connections to as many calendars, each an invitation to an
event of its own; each is stored, interpreted, and answered with what it did.

{mail_table(inbound)}

One mail of {EVENTS} events took {inbound.large:.2f} s; meanwhile others waited {inbound.others:.0f} ms at most.
Aimed at: {RATE_AIM} mails of 50 KB a second, the large one within {LARGE_AIM:g} s, and others within {OTHERS_AIM:g} ms;
met: {"yes" if is_met else "no"}.

"""


def with_mail_section(page: str, new: str) -> str:
    """The page with its section on mail replaced, or added before the last."""
    return _SECTION.sub("", page).replace(_NEXT, new + _NEXT, 1)


def invitation(uid: str, size: int) -> str:
    """A calendar of about `size` bytes, most of it description and its HTML twin, as Outlook sends it."""
    filling = "Agenda and dial-in details follow. "
    words = (filling * (size // 2 // len(filling) + 1))[: max(0, size - 600) // 2]
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Bench//EN", "METHOD:REQUEST", "BEGIN:VEVENT", f"UID:{uid}",
        "DTSTAMP:20260301T090000Z", "DTSTART;TZID=Europe/Berlin:20270309T100000", "DURATION:PT1H", "SUMMARY:Review",
        "ORGANIZER;CN=Pat:mailto:pat@example.org", "ATTENDEE;RSVP=TRUE:mailto:agent@example.org",
        *folded(f"DESCRIPTION:{words}"), *folded(f"X-ALT-DESC;FMTTYPE=text/html:<p>{words}</p>"),
        "END:VEVENT", "END:VCALENDAR", "",
    ]  # fmt: skip
    return "\r\n".join(lines)


def folded(line: str) -> list[str]:
    return [line[:75], *(f" {line[at : at + 74]}" for at in range(75, len(line), 74))]


def many(count: int) -> str:
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:many-{n}\r\nDTSTAMP:20260301T090000Z\r\nDTSTART:20270309T100000Z\r\nDURATION:PT1H\r\n"
        f"SUMMARY:Event {n}\r\nORGANIZER:mailto:pat@example.org\r\nEND:VEVENT\r\n"
        for n in range(count)
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\n{events}END:VCALENDAR\r\n"


def request(path: str, message_id: str, calendar: str) -> bytes:
    payload = {
        "MessageID": message_id,
        "From": "pat@example.org",
        "Subject": "Invitation",
        "TextBody": "You are invited.",
        "Attachments": [
            {
                "Name": "invite.ics",
                "ContentType": "text/calendar; method=REQUEST",
                "Content": base64.b64encode(calendar.encode()).decode(),
            }
        ],
    }
    body = json.dumps(payload).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


async def answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    assert head.startswith(b"HTTP/1.1 200"), head + body
    return body


async def exchange(port: int, requests: list[bytes], took: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for each in requests:
        before = perf_counter()
        writer.write(each)
        body = await answer(reader)
        took.append(perf_counter() - before)
        assert b'"created"' in body, body
    writer.close()


async def flood(service: Service, paths: list[str], size: int, each: int) -> Taken:
    jobs = [
        [request(path, f"{size}-{n}", invitation(f"{size}-{n}@bench", size)) for n in range(each)] for path in paths
    ]
    took: list[float] = []
    spent = (cpu_seconds(service.pid), family_cpu_seconds(service.postgres_pid))
    before = perf_counter()
    await asyncio.gather(*[exchange(service.port, job, took) for job in jobs])
    seconds = perf_counter() - before
    web, postgres = cpu_seconds(service.pid) - spent[0], family_cpu_seconds(service.postgres_pid) - spent[1]
    cuts, count = quantiles(took, n=100), len(took)
    return Taken(
        size=size,
        rate=count / seconds,
        p50=cuts[49] * 1000,
        p99=cuts[98] * 1000,
        web=web / count * 1e6,
        postgres=postgres / count * 1e6,
    )


async def one_large(service: Service, path: str, key: str, calendar_id: str) -> tuple[float, float]:
    waits: list[float] = []
    is_over = asyncio.Event()
    look = f"GET /calendars/{calendar_id}/upcoming HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n"

    async def bystander() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        while not is_over.is_set():
            before = perf_counter()
            writer.write(look.encode())
            await answer(reader)
            waits.append(perf_counter() - before)
            await asyncio.sleep(PAUSE)
        writer.close()

    other = asyncio.create_task(bystander())
    took: list[float] = []
    await exchange(service.port, [request(path, "large", many(EVENTS))], took)
    is_over.set()
    await other
    return took[0], max(waits) * 1000
