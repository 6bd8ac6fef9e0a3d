"""`kalends mcp`: a real program, talked to by the official client."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from app.mcp.calling import Request
from app.mcp.remote import Remote
from app.mcp.stdio import serve_stdio
from app.refusal import Refusal
from app.settings import warnings
from tests.net.servers import run
from tests.support.service import Api, Service

ROOT: Final = Path(__file__).parents[2]
GREETING: Final = (
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},'
    b'"clientInfo":{"name":"t","version":"1"}}}\n'
)


def environment(service: Service, key: str) -> dict[str, str]:
    return {**os.environ, "KALENDS_URL": service.url, "KALENDS_API_KEY": key}


def test_a_conversation_over_stdio_is_one_over_http(service: Service, api: Api) -> None:
    program = StdioServerParameters(
        command=sys.executable, args=["-m", "app", "mcp"], env=environment(service, str(api.key)), cwd=ROOT
    )

    async def conversation() -> None:
        async with Client(program) as client:

            async def done(tool: str, **arguments: Any) -> Any:
                result = await client.call_tool(tool, arguments)
                assert not result.is_error, result
                return result.structured_content

            made = await done("create_calendar", name="Work", timezone="America/New_York")
            here = {"calendar_id": made["calendar_id"]}
            series = await done(
                "create_event", **here, title="Standup", start="2026-03-02T09:00:00", duration="PT15M",
                recurrence="FREQ=WEEKLY", idempotency_key="standup",
            )  # fmt: skip
            moved = f"{series['id']}_20260309"
            await done("update_event", **here, event_id=moved, start="2026-03-10T09:00:00")
            assert (await done("get_event", **here, event_id=moved))["start_local"][:10] == "2026-03-10"
            await done("respond_to_event", **here, event_id=moved, response="accepted")
            refused = await client.call_tool("delete_event", {**here, "event_id": series["id"]})
            assert refused.structured_content["code"] == "mode_required"
            await done("delete_event", **here, event_id=series["id"], mode="all")
            text = (await client.call_tool("view_calendar", here)).content[0].text  # type: ignore[union-attr]
            assert "0 events" in text
            api.deleted(f"/calendars/{here['calendar_id']}")
            gone = await client.call_tool("get_calendar", here)
            assert gone.structured_content["code"] == "not_found"

    asyncio.run(conversation())


def test_standard_output_is_the_protocol_alone_and_a_stop_is_at_once(service: Service, api: Api) -> None:
    command = [sys.executable, "-m", "app", "mcp"]
    with subprocess.Popen(
        command, env=environment(service, str(api.key)), cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as program:  # fmt: skip
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdin.write(GREETING)
        program.stdin.flush()
        assert program.stdout.readline().startswith(b'{"jsonrpc":"2.0","id":1,"result":')
        program.send_signal(signal.SIGTERM)
        assert program.wait(10) == -signal.SIGTERM
        assert (program.stdout.read(), program.stderr.read()) == (b"", b"")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "KALENDS_API_KEY is not set"),
        ({"KALENDS_API_KEY": "sk live"}, "KALENDS_API_KEY is not a key"),
        ({"KALENDS_API_KEY": "sk_live_mistyped"}, "KALENDS_API_KEY: This API key is unknown"),
        ({"KALENDS_API_KEY": "k", "KALENDS_URL": "calendars.example.com"}, "KALENDS_URL is 'calendars.example.com'"),
        ({"KALENDS_API_KEY": "k", "KALENDS_URL": "http://127.0.0.1:9"}, "http://127.0.0.1:9 did not answer"),
    ],
)
def test_what_is_wrong_is_a_sentence_before_anything_begins(service: Service, given: dict[str, str], told: str) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    try:
        with pytest.raises(Refusal) as refused:
            serve_stdio({"KALENDS_URL": service.url, **given})
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)
    assert str(refused.value).startswith(told)
    assert warnings(given) == []


def test_a_deployment_that_went_away_is_an_error_that_says_whether_anything_was_done() -> None:
    async def asked() -> Any:
        caller = Remote("http://127.0.0.1:9", "sk_live_x")
        async with caller.client:
            return await caller(Request("GET", "/agents/me"))

    answer = run(asked())
    assert answer.status == 503
    assert b"Nothing was changed." in answer.body
