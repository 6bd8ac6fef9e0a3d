"""What client commands share: which deployment, with which key, and which of the agent's calendars."""

from __future__ import annotations

import argparse
import os
from typing import Any, Final
from urllib.parse import quote

from app.cli import credentials
from app.cli.terminal import one_line
from app.net.deployment import TIME_LIMIT, Deployment
from app.refusal import Refusal
from app.settings import DEFAULT_URL, client_url

USER_AGENT: Final = "kalends-cli"


def deployment_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", help=f"the deployment (default: KALENDS_URL, else {DEFAULT_URL})")
    parser.add_argument("--json", action="store_true", help="print the deployment's JSON")


def calendar_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--calendar", help="its id or its name (default: the agent's only one)")
    deployment_arguments(parser)


def url_of(chosen: argparse.Namespace) -> str:
    """Raises a `Refusal`."""
    name, text = ("--url", chosen.url) if chosen.url else ("KALENDS_URL", os.environ.get("KALENDS_URL", "").strip())
    try:
        return client_url(text) if text else DEFAULT_URL
    except ValueError as fault:
        raise Refusal(f"{name} {fault}", exit_code=2) from None


def stranger(chosen: argparse.Namespace) -> Deployment:
    """The deployment as it is to whoever has no key."""
    return Deployment(url_of(chosen), None, user_agent=USER_AGENT)


def connect(chosen: argparse.Namespace, time_limit: float = TIME_LIMIT) -> Deployment:
    """The deployment with the agent's key. Raises a `Refusal` where there is none."""
    url = url_of(chosen)
    key = os.environ.get("KALENDS_API_KEY", "").strip()
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise Refusal("KALENDS_API_KEY is not a key: copy the api_key once more.", exit_code=2)
    if not key:
        saved = credentials.load()
        if url not in saved:
            raise Refusal(_no_key(url, sorted(saved)), exit_code=2)
        key = saved[url]["api_key"]
    return Deployment(url, key, user_agent=USER_AGENT, time_limit=time_limit)


def calendar_of(at: Deployment, wanted: str | None) -> str:
    """The id of the calendar that is meant. Raises a `Refusal` where that is not clear."""
    if wanted is not None and wanted.startswith("cal_"):
        return quote(wanted, safe="")
    calendars: list[dict[str, Any]] = at.get("/calendars")["calendars"]
    if not calendars:
        raise Refusal('The agent has no calendar yet: make one with `kalends calendar create "Work"`.', exit_code=2)
    fitting = [each for each in calendars if wanted in (None, each["name"])]
    if len(fitting) == 1:
        return str(fitting[0]["calendar_id"])
    called = "" if wanted is None else f" of the name “{one_line(wanted)}”"
    listed = "\n".join(f"  {each['calendar_id']}  {one_line(each['name'])}" for each in fitting or calendars)
    if fitting:
        raise Refusal(f"There are {len(fitting)} calendars{called}; name one by its id:\n{listed}", exit_code=2)
    raise Refusal(f"There is no calendar{called}; there are:\n{listed}", exit_code=2)


def _no_key(url: str, saved: list[str]) -> str:
    elsewhere = f" There are keys for {', '.join(saved)}: choose one with --url." if saved else ""
    make = "make an agent with `kalends agent create --save`"
    return f"There is no key for {url}: set KALENDS_API_KEY, or {make}.{elsewhere}"
