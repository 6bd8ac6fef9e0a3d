"""`kalends event …`"""

from __future__ import annotations

import argparse
import re
from typing import Any, Final

from app.cli.command import Command
from app.cli.talking import calendar_arguments, calendar_of, connect
from app.cli.terminal import one_line, print_json, print_table, progress, say
from app.net.deployment import Deployment
from app.refusal import Refusal

PAGE_MOST: Final = 200  # events: the most that a page may have
_SPAN: Final = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?", re.ASCII | re.IGNORECASE)


def duration(text: str) -> str:
    """`45m`, `1h30m`, `2d`, `1w` as an ISO 8601 duration, which may also be given as such."""
    if re.fullmatch(r"P[0-9A-Z]+", text, re.ASCII | re.IGNORECASE):
        return text.upper()
    found = _SPAN.fullmatch(text.replace(" ", ""))
    weeks, days, hours, minutes = (int(number or 0) for number in found.groups()) if found else (0, 0, 0, 0)
    date = f"{weeks * 7 + days}D" if weeks or days else ""
    time = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    if not date and not time:
        raise argparse.ArgumentTypeError(f"{text!r} is not a length: for example 45m, 1h30m, 2d or PT45M")
    return f"P{date}{f'T{time}' if time else ''}"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("title", help="what it is called")
    parser.add_argument("--start", required=True, help="2027-03-02T15:00, with an offset if it has one; or a date")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--end", help="when it ends, as --start; with --all-day its last day")
    length.add_argument(
        "--for", dest="length", type=duration, metavar="LENGTH", help="how long it lasts: 45m, 1h30m, 2d"
    )
    parser.add_argument("--timezone", help="the zone that start and end are in (default: the calendar's)")
    parser.add_argument("--all-day", action="store_true", help="start and end are dates")
    parser.add_argument("--repeat", metavar="RULE", help='an RFC 5545 rule, such as "FREQ=WEEKLY;BYDAY=MO"')
    parser.add_argument("--location", help="where it takes place")
    parser.add_argument("--description", help="what else there is to know")
    parser.add_argument(
        "--attendee", action="append", metavar="ADDRESS", help="whom to invite by mail; may be given several times"
    )
    calendar_arguments(parser)


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="start", metavar="TIME", help="the earliest start (default: now)")
    parser.add_argument("--to", dest="end", metavar="TIME", help="the latest start, up to two years ahead")
    parser.add_argument("--status", choices=("confirmed", "tentative", "cancelled"), help="those of this status only")
    parser.add_argument("--search", metavar="WORDS", help="those with these words in title, description or location")
    how_many = parser.add_mutually_exclusive_group()
    how_many.add_argument("--limit", type=int, default=50, help=f"the most to list, up to {PAGE_MOST} (default: 50)")
    how_many.add_argument("--all", action="store_true", help="list them all")
    calendar_arguments(parser)


def add(chosen: argparse.Namespace) -> None:
    if not (chosen.all_day or chosen.end or chosen.length):
        raise Refusal("How long does it last? Give --for, such as --for 45m, or --end.", exit_code=2)
    at = connect(chosen)
    path = f"/calendars/{calendar_of(at, chosen.calendar)}/events"
    event = at.post(path, _event_of(chosen))
    if chosen.json:
        print_json(event)
        return
    print(event["id"])
    for sentence in (event.get("reads"), *event.get("notices", ())):
        if sentence:
            say(one_line(sentence))


def list_some(chosen: argparse.Namespace) -> None:
    at = connect(chosen)
    path = f"/calendars/{calendar_of(at, chosen.calendar)}/events"
    answer = _all_pages(at, path, _filters(chosen)) if chosen.all else at.get(path, _filters(chosen))
    if chosen.json:
        print_json(answer)
        return
    events: list[dict[str, Any]] = answer["events"]
    if not events:
        say("There is no event there.")
        return
    rows = [
        [*_when(event), event["title"], event.get("location") or "", event["status"], event["id"]] for event in events
    ]
    print_table(("START", "END", "TITLE", "LOCATION", "STATUS", "ID"), rows, (0, 0, 40, 30, 10, 0))
    if answer.get("next_cursor"):
        say("More follow: give --all, or a greater --limit.")


def _event_of(chosen: argparse.Namespace) -> dict[str, Any]:
    """What was given, as the deployment takes it. An all-day event without an end lasts its one day."""
    given = {
        "title": chosen.title,
        "start": chosen.start,
        "end": chosen.end or (chosen.start if chosen.all_day and not chosen.length else None),
        "duration": chosen.length,
        "timezone": chosen.timezone,
        "all_day": chosen.all_day or None,
        "recurrence": chosen.repeat,
        "location": chosen.location,
        "description": chosen.description,
        "attendees": chosen.attendee,
    }
    return {name: value for name, value in given.items() if value is not None}


def _filters(chosen: argparse.Namespace) -> dict[str, str | int]:
    from app.clock import SystemClock

    start = chosen.start or SystemClock().now().strftime("%Y-%m-%dT%H:%M:%SZ")
    given = {"start": start, "end": chosen.end, "status": chosen.status, "q": chosen.search}
    filters: dict[str, str | int] = {name: value for name, value in given.items() if value is not None}
    return {**filters, "limit": PAGE_MOST if chosen.all else chosen.limit}


def _all_pages(at: Deployment, path: str, filters: dict[str, str | int]) -> dict[str, Any]:
    events: list[Any] = []
    with progress() as show:
        answer = at.get(path, filters)
        events += answer["events"]
        while cursor := answer.get("next_cursor"):
            show(f"{len(events):,} events so far …")
            answer = at.get(path, {**filters, "cursor": cursor})
            events += answer["events"]
    return {**answer, "events": events}


def _when(event: dict[str, Any]) -> tuple[str, str]:
    """Start and end as the clock on the wall has them, with the zone behind the first."""
    if event.get("all_day"):
        return event["start"], event["end"]
    start, end = str(event["start_local"]), str(event["end_local"])
    shown_end = end[11:16] if end[:10] == start[:10] else f"{end[:10]} {end[11:16]}"
    return f"{start[:10]} {start[11:16]} {event['timezone']}", shown_end


COMMANDS: Final = (
    Command(
        "event add",
        "write an event, or a series of them",
        add,
        _add_arguments,
        "A start without an offset is read in --timezone, else in the calendar's zone. The new event's id is printed, "
        "and on standard error what it means.",
        (
            'kalends event add "Dentist" --start 2027-03-02T15:00 --for 45m --location "12 High Street"',
            'kalends event add "Standup" --start 2027-03-01T09:00 --for 15m --timezone America/New_York '
            '--repeat "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"',
            'kalends event add "Trade fair" --all-day --start 2027-05-03 --end 2027-05-05 --calendar Work',
            'kalends event add "Review" --start 2027-03-04T10:00 --for 1h --attendee ann@example.com '
            "--attendee bob@example.com",
        ),
    ),
    Command(
        "event list",
        "list what happens, in order, at the local times of each event",
        list_some,
        _list_arguments,
        examples=(
            "kalends event list --to 2027-04-01",
            "kalends event list --from 2026-01-01 --search dentist --all --json",
        ),
    ),
)
