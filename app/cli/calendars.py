"""`kalends calendar …`"""

from __future__ import annotations

import argparse
import sys
from typing import Any, Final

from app.cli.command import Command
from app.cli.talking import calendar_of, connect, deployment_arguments
from app.cli.terminal import print_fields, print_json, print_table, say


def _create_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="what to call it")
    parser.add_argument("--timezone", help="its IANA time zone, such as America/Denver (default: UTC)")
    deployment_arguments(parser)


def _which_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("calendar", nargs="?", help="its id or its name (default: the agent's only one)")
    deployment_arguments(parser)


def _view_arguments(parser: argparse.ArgumentParser) -> None:
    _which_arguments(parser)
    parser.add_argument("--limit", type=int, default=10, help="events, up to 50 (default: 10)")
    parser.add_argument("--format", choices=("table", "agenda", "markdown"), help="how to show them (default: table)")
    parser.add_argument("--tz", metavar="ZONE", help="in which time zone (default: UTC; of an agenda the calendar's)")


def create(chosen: argparse.Namespace) -> None:
    at = connect(chosen)
    made = at.post(
        "/calendars", {"name": chosen.name, **({} if chosen.timezone is None else {"timezone": chosen.timezone})}
    )
    _show(chosen, made)


def list_all(chosen: argparse.Namespace) -> None:
    answer = connect(chosen).get("/calendars")
    if chosen.json:
        print_json(answer)
        return
    calendars: list[dict[str, Any]] = answer["calendars"]
    if not calendars:
        say('There is no calendar yet: make one with `kalends calendar create "Work"`.')
        return
    rows = [[each["calendar_id"], each["name"], each["timezone"], each["email"]] for each in calendars]
    print_table(("ID", "NAME", "TIMEZONE", "EMAIL"), rows, (0, 40, 0, 0))


def show(chosen: argparse.Namespace) -> None:
    at = connect(chosen)
    _show(chosen, at.get(f"/calendars/{calendar_of(at, chosen.calendar)}"))


def view(chosen: argparse.Namespace) -> None:
    at = connect(chosen)
    path = f"/calendars/{calendar_of(at, chosen.calendar)}"
    if chosen.json:
        print_json(at.get(f"{path}/upcoming", {"limit": chosen.limit}))
    else:
        given = {"limit": chosen.limit, "format": chosen.format, "tz": chosen.tz}
        sys.stdout.write(at.text(f"{path}/view", {name: value for name, value in given.items() if value is not None}))


def _show(chosen: argparse.Namespace, calendar: dict[str, Any]) -> None:
    if chosen.json:
        print_json(calendar)
        return
    names = {
        "calendar": "calendar_id",
        "name": "name",
        "timezone": "timezone",
        "email": "email",
        "page": "page_url",
        "feed": "ical_feed_url",
        "inbound": "inbound_webhook_url",
        "webhook": "webhook_url",
        "created": "created_at",
    }
    print_fields([(shown, calendar.get(name)) for shown, name in names.items()])


COMMANDS: Final = (
    Command(
        "calendar create",
        "make a calendar",
        create,
        _create_arguments,
        examples=('kalends calendar create "Work" --timezone America/Denver',),
    ),
    Command("calendar list", "list the agent's calendars", list_all, deployment_arguments),
    Command(
        "calendar show",
        "show a calendar, its mail address and the feed that people subscribe to",
        show,
        _which_arguments,
        "Whoever has the feed's URL can read the calendar.",
        ("kalends calendar show", "kalends calendar show Work"),
    ),
    Command(
        "calendar view",
        "show what is next as text; with --json as JSON",
        view,
        _view_arguments,
        examples=("kalends calendar view --limit 20", "kalends calendar view Work --format agenda --tz Asia/Tokyo"),
    ),
)
