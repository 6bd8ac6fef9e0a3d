"""A client that a generator made of the document works against the service it describes."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import Api, Service

PACKAGE = "made_from_openapi"


@pytest.fixture
def made(service: Service, tmp_path: Path) -> Iterator[str]:
    """The name of a package generated from what the service publishes."""
    pytest.importorskip(
        "openapi_python_client", reason="the generator comes with the dev extra, which is not installed"
    )
    described = tmp_path / "openapi.json"
    described.write_bytes(Api(service.url, None).get("/openapi.json").content)
    config = tmp_path / "config.json"
    config.write_text(
        json.dumps({"post_hooks": [], "content_type_overrides": {"text/calendar": "application/octet-stream"}})
    )
    how = ["--meta", "none", "--fail-on-warning", "--config", str(config)]
    how += ["--path", str(described), "--output-path", str(tmp_path / PACKAGE)]
    done = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", *how],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(tmp_path))
    yield PACKAGE
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]


def test_a_generated_client_makes_an_agent_a_calendar_and_events_and_reads_them(service: Service, made: str) -> None:
    models: Any = importlib.import_module(f"{made}.models")
    clients: Any = importlib.import_module(f"{made}.client")

    def call(operation: str, *arguments: Any, client: Any, **options: Any) -> Any:
        return importlib.import_module(f"{made}.api.{operation}").sync(*arguments, client=client, **options)

    anyone = clients.Client(base_url=service.url)
    agent = call("agents_and_keys.create_agent", client=anyone, body=models.AgentFields(name="Ada"))
    client = clients.AuthenticatedClient(base_url=service.url, token=agent.api_key)
    assert call("agents_and_keys.get_agent", client=client).name == "Ada"

    calendar = call(
        "calendars.create_calendar", client=client, body=models.CalendarCreate(name="Work", timezone="Europe/Berlin")
    )
    assert calendar.timezone == "Europe/Berlin"

    here = calendar.calendar_id
    single = models.EventCreate(title="Once", start="2026-03-03T15:00:00", end="2026-03-03T16:00:00")
    series = models.EventCreate(
        title="Daily", start="2026-03-03T09:00:00", duration="PT15M", recurrence="FREQ=DAILY;COUNT=3"
    )
    once = call("events.create_event", here, client=client, body=single, idempotency_key="once")
    again = call("events.create_event", here, client=client, body=single, idempotency_key="once")
    assert once.id == again.id
    assert once.start == "2026-03-03T14:00:00.000Z"
    assert call("events.create_event", here, client=client, body=series).instances_created == 3

    page = call("events.list_events", here, client=client, limit=3)
    assert [event.title for event in page.events] == ["Daily", "Once", "Daily"]
    rest = call("events.list_events", here, client=client, cursor=page.next_cursor)
    assert [event.id[-9:] for event in rest.events] == ["_20260305"]

    upcoming = call("events.get_upcoming", here, client=client, limit=1)
    assert upcoming.next_event_starts_in == "PT20H"
    assert upcoming.events[0].start_local == "2026-03-03T09:00:00+01:00"

    refused = call("events.get_event", here, "evt_none", client=client)
    assert (refused.code.value, refused.request_id[:4]) == ("not_found", "req_")
