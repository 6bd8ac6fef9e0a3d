"""How fast mail is taken in: `python -m tests.bench.inbound`.

Invitations of 2 KB and of 50 KB, each its own event, over eight connections to eight calendars; then one mail of 500
events, and what somebody else's requests wait meanwhile.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import tempfile
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

import httpx
import uvloop

from tests.bench.processes import cpu_seconds, family_cpu_seconds
from tests.bench.service import SETTINGS, Service, kalends

CONNECTIONS: Final = 16
MAILS: Final = 250  # a connection
PAUSE: Final = 0.005  # seconds between two requests of the bystander


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


async def flood(service: Service, paths: list[str], size: int) -> None:
    jobs = [
        [request(path, f"{size}-{n}", invitation(f"{size}-{n}@bench", size)) for n in range(MAILS)] for path in paths
    ]
    took: list[float] = []
    spent = (cpu_seconds(service.pid), family_cpu_seconds(service.postgres_pid))
    before = perf_counter()
    await asyncio.gather(*[exchange(service.port, job, took) for job in jobs])
    seconds = perf_counter() - before
    app, postgres = cpu_seconds(service.pid) - spent[0], family_cpu_seconds(service.postgres_pid) - spent[1]
    cuts = quantiles(took, n=100)
    say(
        f"{size // 1000:>3} KB: {len(took) / seconds:6.0f} mails/s, p50 {cuts[49] * 1000:.1f} ms, "
        f"p99 {cuts[98] * 1000:.1f} ms; of a mail {app / len(took) * 1e6:.0f} µs here, "
        f"{postgres / len(took) * 1e6:.0f} µs in Postgres"
    )


async def one_large(service: Service, path: str, key: str, calendar_id: str) -> None:
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
    await exchange(service.port, [request(path, "large", many(500))], took)
    is_over.set()
    await other
    say(f"500 events in one mail: {took[0]:.2f} s; others wait at most {max(waits) * 1000:.0f} ms meanwhile")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def bench(service: Service, key: str, made: list[dict[str, str]]) -> None:
    paths = [urlsplit(each["inbound_webhook_url"]).path for each in made]
    for size in (2_000, 50_000):
        await flood(service, paths, size)
    await one_large(service, paths[0], key, made[1]["calendar_id"])


def main() -> None:
    SETTINGS["KALENDS_RATE_LIMIT_INBOUND"] = "100000000"
    say(f"{os.cpu_count()} cores; {CONNECTIONS} connections, {MAILS} mails each")
    with tempfile.TemporaryDirectory() as directory, kalends(Path(directory)) as service:
        http = httpx.Client(base_url=service.url)
        key = http.post("/agents").json()["api_key"]
        http.headers["Authorization"] = f"Bearer {key}"
        bodies = [{"name": f"Bench {number}", "timezone": "America/Denver"} for number in range(CONNECTIONS)]
        made = [http.post("/calendars", json=body).json() for body in bodies]
        uvloop.run(bench(service, key, made))


if __name__ == "__main__":
    main()
