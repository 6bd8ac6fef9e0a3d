"""The embedded Postgres, killed or without room, and the processes that keep it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db.embedded import EmbeddedPostgres
from tests.faults.watching import EVENT, ask, watching
from tests.support.processes import Serve, Worker, eventually, runs
from tests.support.service import Api, Calendar

BACK_WITHIN = 5.0  # seconds: the promise
ROOM = 96  # MB: a cluster takes about half of it


def calendar_at(serve: Serve) -> Calendar:
    api = Api(serve.url, Api(serve.url, None).made("/agents")["api_key"])
    return Calendar(api, api.made("/calendars", name="Kept"))


def test_a_killed_embedded_postgres_is_started_again_by_whoever_serves(tmp_path: Path) -> None:
    with Serve(tmp_path, KALENDS_RATE_LIMITS="off") as serve, Worker(tmp_path) as worker:
        calendar = calendar_at(serve)
        postgres = EmbeddedPostgres(tmp_path / "postgres")
        backs: list[float] = []
        while len(backs) < 3 and min(backs, default=BACK_WITHIN) >= BACK_WITHIN:  # on a busy machine
            backs.append(_killed_and_back(serve, calendar, postgres))
        assert backs[-1] < BACK_WITHIN
        for process in (serve, worker):
            assert "trace" not in process.complaints().lower()
    assert postgres.pid is None


def _killed_and_back(serve: Serve, calendar: Calendar, postgres: EmbeddedPostgres) -> float:
    """Seconds from the kill until all is well."""
    with watching(serve.url, calendar.api.key or "", calendar.id) as watch:
        time.sleep(0.2)
        before, killed = postgres.pid, time.monotonic()
        assert before is not None
        os.kill(before, signal.SIGKILL)
        assert eventually(lambda: any(each.status == 503 for each in watch.of("ready", killed)))
        assert eventually(watch.is_well)
    back = watch.well_since() - killed
    print(f"embedded   killed, back {back:.2f} s, longest answer {max(each.seconds for each in watch.seen):.2f} s")
    assert postgres.pid not in (None, before)
    assert not runs(before)
    assert all(each.is_honest for each in watch.seen)
    titles = [event["title"] for event in calendar.list(limit=200)]
    assert sorted(set(watch.written) - set(titles)) == []
    assert len(titles) == len(set(titles))
    return back


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}m,mode=0755", "tmpfs", str(place)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here: that takes root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_told_and_passes_when_there_is_room_again(small_disk: Path) -> None:
    with Serve(small_disk, KALENDS_RATE_LIMITS="off") as serve:
        calendar = calendar_at(serve)
        written = [calendar.add(**EVENT, title="before")["id"]]
        filler = small_disk / "filler"
        with filler.open("wb") as file:
            while True:
                try:
                    file.write(bytes(65536))
                    file.flush()
                except OSError:
                    break
        refused = None
        for number in range(400):
            event = {**EVENT, "title": f"long {number}", "description": os.urandom(30_000).hex()}
            refused = calendar.api.post(f"{calendar.path}/events", event)
            if refused.status_code != 201:
                break
            written.append(refused.json()["id"])
        assert refused is not None
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert ask("live", lambda: calendar.api.get("/health/live")).status == 200
        filler.unlink()
        freed = time.monotonic()
        more = {**EVENT, "title": "more"}
        assert eventually(lambda: calendar.api.post(f"{calendar.path}/events", more).status_code == 201, within=20)
        print(
            f"disk full  after {len(written)} events: {refused.json()['error']} back {time.monotonic() - freed:.2f} s"
        )
        found = {event["id"] for event in calendar.list(limit=200)}
        assert set(written) <= found
        assert '"trace"' not in serve.complaints()
