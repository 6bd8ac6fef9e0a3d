"""GET …/changes?wait=: a poller is woken instead of hammering."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from tests.support.service import Api, Calendar, Service

EVENT = {"title": "x", "start": "2026-03-03T09:00:00", "end": "2026-03-03T09:30:00"}


def test_a_waiter_is_answered_as_soon_as_something_changes(calendar: Calendar) -> None:
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(calendar.api.got, f"{calendar.path}/changes", since=0, wait=20)
        time.sleep(0.3)
        assert not waiting.done()
        began = time.monotonic()
        event = Api(str(calendar.api.http.base_url), calendar.api.key).made(f"{calendar.path}/events", **EVENT)
        answer = waiting.result(5)
        assert time.monotonic() - began < 2
    assert [change["event_id"] for change in answer["changes"]] == [event["id"]]
    assert answer["last_seq"] == 1


def test_what_is_there_already_is_answered_at_once(calendar: Calendar) -> None:
    calendar.add(**EVENT)
    began = time.monotonic()
    assert len(calendar.api.got(f"{calendar.path}/changes", since=0, wait=60)["changes"]) == 1
    assert time.monotonic() - began < 2


def test_nothing_after_the_wait_is_an_empty_answer(calendar: Calendar) -> None:
    assert calendar.api.got(f"{calendar.path}/changes", since=0, wait=1) == {"changes": [], "last_seq": 0}


def test_a_change_elsewhere_wakes_nobody(calendar: Calendar) -> None:
    other = Calendar(calendar.api, calendar.api.made("/calendars", name="Other"))
    began = time.monotonic()
    timer = threading.Timer(
        0.2, lambda: Api(str(other.api.http.base_url), other.api.key).made(f"{other.path}/events", **EVENT)
    )
    timer.start()
    assert calendar.api.got(f"{calendar.path}/changes", since=0, wait=1)["changes"] == []
    assert time.monotonic() - began >= 1
    timer.join()


def test_many_waiters_hold_neither_threads_nor_connections(service: Service, calendar: Calendar) -> None:
    before = threading.active_count()

    async def wait_all() -> int:
        import asyncio

        import httpx

        limits = httpx.Limits(max_connections=310)
        headers = {"Authorization": f"Bearer {calendar.api.key}"}
        async with httpx.AsyncClient(base_url=service.url, headers=headers, limits=limits, timeout=90) as client:
            path = f"{calendar.path}/changes?since=0&wait=60"
            waiting = [asyncio.create_task(client.get(path)) for _ in range(300)]
            while len(service.context.waiters._waiting.get(calendar.id, ())) < 300:  # noqa: ASYNC110 (nothing tells when the last waits)
                await asyncio.sleep(0.05)
            assert threading.active_count() <= before + 2
            made = await client.post(f"{calendar.path}/events", json=EVENT)
            assert made.status_code == 201
            answers = await asyncio.gather(*waiting)
        return sum(len(answer.json()["changes"]) for answer in answers)

    import asyncio

    assert asyncio.run(wait_all()) == 300


def test_a_wait_beyond_a_minute_is_clamped_and_nonsense_refused(calendar: Calendar) -> None:
    calendar.add(**EVENT)
    assert calendar.api.get(f"{calendar.path}/changes", since=0, wait=9999).status_code == 200
    assert calendar.api.get(f"{calendar.path}/changes", since=0, wait="soon").json()["field"] == "wait"
