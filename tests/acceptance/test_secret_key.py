"""Changing KALENDS_SECRET_KEY without losing a secret."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.support.processes import Serve, run
from tests.support.service import Api

OLD, NEW = "o" * 32, "n" * 32


def test_a_new_key_takes_over_and_the_old_one_can_go(tmp_path: Path) -> None:
    with Serve(tmp_path, KALENDS_SECRET_KEY=OLD) as server:
        api = Api(server.url, httpx.post(f"{server.url}/agents", timeout=30).json()["api_key"])
        calendar = api.made("/calendars", name="Work")
    resealed = run("reseal", KALENDS_DATA_DIR=str(tmp_path), KALENDS_SECRET_KEY=f"{NEW},{OLD}")
    assert "secrets of 1 calendars" in resealed.stdout, resealed.stderr
    with Serve(tmp_path, KALENDS_SECRET_KEY=NEW) as server:
        url = Api(server.url, api.key).got(f"/calendars/{calendar['calendar_id']}")["ical_feed_url"]
        assert url.split("token=")[1] == calendar["feed_token"]
