"""Whole conversations, held with the official client over a real connection."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from app.mcp.guide import GUIDE_URI, PROMPTS
from tests.inbound.mails import attachment, calendar_text, inbox, postmark
from tests.mcp.talking import MODES, connected
from tests.support.service import Api, Service


async def done(client: Client, tool: str, **arguments: Any) -> Any:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    return result.structured_content


@pytest.mark.parametrize("mode", MODES)
def test_from_nothing_to_a_series_moved_answered_and_deleted(service: Service, mode: str) -> None:
    key = Api(service.url, None).made("/agents", name="Ada")["api_key"]

    async def conversation() -> None:
        async with connected(service.url, key, mode) as client:
            assert (await done(client, "list_calendars"))["calendars"] == []
            made = await done(client, "create_calendar", name="Work", timezone="America/New_York")
            here = {"calendar_id": made["calendar_id"]}
            series = await done(
                client, "create_event", **here, title="Standup", start="2026-03-02T09:00:00", duration="PT15M",
                recurrence="FREQ=WEEKLY;BYDAY=MO,WE",
            )  # fmt: skip
            assert series["reads"].startswith("Every Monday and Wednesday, 09:00–09:15 in New York")
            moved = f"{series['id']}_20260304"
            await done(client, "update_event", **here, event_id=moved, start="2026-03-04T11:00:00")
            upcoming = await done(client, "get_upcoming", **here, limit=3)
            assert [event["start_local"][:16] for event in upcoming["events"]] == [
                "2026-03-02T09:00",
                "2026-03-04T11:00",
                "2026-03-09T09:00",  # after the clocks went forward
            ]
            await done(client, "delete_event", **here, event_id=f"{series['id']}_20260309")
            listed = await done(client, "list_events", **here, start="2026-03-09", end="2026-03-12")
            assert [event["status"] for event in listed["events"]] == ["cancelled", "confirmed"]
            refused = await client.call_tool("delete_event", {**here, "event_id": series["id"]})
            assert refused.is_error
            assert refused.structured_content["code"] == "mode_required"
            await done(client, "delete_event", **here, event_id=series["id"], mode="all")
            assert (await done(client, "list_events", **here))["events"] == []
            await done(client, "delete_calendar", **here)

    asyncio.run(conversation())


def test_an_invitation_by_mail_is_found_and_answered(service: Service) -> None:
    mail = inbox(service)
    mail.take(postmark(attachment(calendar_text())))

    async def conversation() -> Any:
        async with connected(service.url, str(mail.calendar.api.key)) as client:
            here = {"calendar_id": mail.calendar.id}
            (event,) = (await done(client, "list_events", **here, status="tentative"))["events"]
            return await done(client, "respond_to_event", **here, event_id=event["id"], response="declined")

    answered = asyncio.run(conversation())
    assert (answered["status"], answered["response"], answered["untrusted"]) == ("cancelled", "declined", True)


def test_agents_at_once_never_see_each_other(service: Service) -> None:
    async def work(name: str, mode: str) -> None:
        key = Api(service.url, None).made("/agents", name=name)["api_key"]
        async with connected(service.url, key, mode) as client:
            made = await done(client, "create_calendar", name=name)
            here = {"calendar_id": made["calendar_id"]}

            async def write(number: int) -> None:
                title = f"{name} {number}"
                event = await done(client, "create_event", **here, title=title, start="2026-03-04", end="2026-03-04")
                found = await done(client, "get_event", **here, event_id=event["id"])
                assert found["title"] == title
                assert (await done(client, "get_agent"))["name"] == name

            await asyncio.gather(*(write(number) for number in range(6)))
            (calendar,) = (await done(client, "list_calendars"))["calendars"]
            assert calendar["name"] == name
            events = (await done(client, "list_events", **here))["events"]
            assert {event["title"] for event in events} == {f"{name} {number}" for number in range(6)}

    async def all_at_once() -> None:
        await asyncio.gather(*(work(f"Agent {n}", mode) for n, mode in enumerate(("auto", "legacy", "auto"))))

    asyncio.run(all_at_once())


def test_a_guide_and_prompts_are_there_for_whoever_asks(service: Service, api: Api) -> None:
    async def conversation() -> None:
        async with connected(service.url, str(api.key), "legacy") as client:
            assert "list_calendars" in str(client.instructions)
            (resource,) = (await client.list_resources()).resources
            assert str(resource.uri) == GUIDE_URI
            (guide,) = (await client.read_resource(GUIDE_URI)).contents
            assert "never UTC" in guide.text  # type: ignore[union-attr]
            prompts = (await client.list_prompts()).prompts
            assert {prompt.name for prompt in prompts} == set(PROMPTS)
            for prompt in prompts:
                given = {argument.name: "cal_1" for argument in prompt.arguments or [] if argument.required}
                (message,) = (await client.get_prompt(prompt.name, given)).messages
                assert "cal_1" in message.content.text  # type: ignore[union-attr]
                with pytest.raises(MCPError, match="needs"):
                    await client.get_prompt(prompt.name, {})
            with pytest.raises(MCPError, match="no such prompt"):
                await client.get_prompt("plan_year", {})
            with pytest.raises(MCPError, match="no such resource"):
                await client.read_resource("kalends://nothing")
            with pytest.raises(MCPError, match="did you mean create_event"):
                await client.call_tool("create_evnt", {})

    asyncio.run(conversation())


def test_whoever_waits_is_told_as_soon_as_something_changes(service: Service, api: Api) -> None:
    calendar_id = api.made("/calendars", name="Work")["calendar_id"]

    async def conversation() -> Any:
        async with connected(service.url, str(api.key)) as client:
            here = {"calendar_id": calendar_id}
            waiting = asyncio.create_task(done(client, "get_changes", **here, wait=20))
            await asyncio.sleep(0.1)
            await done(client, "create_event", **here, title="New", start="2026-03-04", end="2026-03-04")
            return await asyncio.wait_for(waiting, timedelta(seconds=10).total_seconds())

    assert [change["type"] for change in asyncio.run(conversation())["changes"]] == ["event.created"]
