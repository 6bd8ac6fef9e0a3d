"""The embedded Postgres without room. What happens when it is killed, `tests/soak` shows."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.watching import EVENT, ask
from tests.support.processes import Serve, eventually
from tests.support.service import Api, Calendar

ROOM = 96  # MB: a cluster takes about half of it


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
        api = Api(serve.url, Api(serve.url, None).made("/agents")["api_key"])
        calendar = Calendar(api, api.made("/calendars", name="Kept"))
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
