"""What is measured: each work a request, or a handful of them, as 16 connections send it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.bench.load import http_request
from tests.bench.scene import Scene

CONNECTIONS: Final = 16


@dataclass(frozen=True, slots=True)
class Aim:
    """`rate` in requests a second, `share` of the floor."""

    rate: int | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None = None

    @property
    def raw(self) -> bytes:
        return http_request(self.method, self.path, self.headers, self.body)

    def for_client(self) -> httpx.Request:
        headers = self.headers | ({"Content-Type": "application/json"} if self.body is not None else {})
        return httpx.Request(self.method, f"http://127.0.0.1{self.path}", headers=headers, content=self.body)


@dataclass(frozen=True, slots=True)
class Work:
    """`name` is what `--only` takes. Each connection sends one of 16 requests, or fewer in turn. `beside` are other
    requests for the same, which stand in for the floor."""

    name: str
    title: str
    aim: Aim
    requests: Sequence[Request]
    has_floor: bool = True
    beside: Sequence[Request] = ()

    @property
    def is_write(self) -> bool:
        return self.requests[0].method != "GET"

    @property
    def per_connection(self) -> list[list[bytes]]:
        return per_connection(self.requests)


def per_connection(requests: Sequence[Request]) -> list[list[bytes]]:
    """What each connection sends, in turn."""
    raw = [request.raw for request in requests]
    if len(raw) == CONNECTIONS:
        return [[each] for each in raw]
    return [raw[n % len(raw) :] + raw[: n % len(raw)] for n in range(CONNECTIONS)]


def works(scene: Scene, feed_etag: str) -> list[Work]:
    """All works on the scene; the first is the yardstick: what any request costs that asks the database nothing."""
    calendar = f"/calendars/{scene.calendar_id}"

    def get(path: str, **more: str) -> list[Request]:
        return [Request("GET", path, scene.headers | more)]

    def send(method: str, path: str, body: dict[str, Any]) -> Request:
        return Request(method, path, scene.headers, json.dumps(body).encode())

    titles = [{"title": f"Stand-up, {word}"} for word in ("as ever", "but earlier", "in the garden", "by phone")]
    series = f"{calendar}/events/{scene.series_id}"
    everywhere = [send("POST", f"/calendars/{other}/events", scene.single(700)) for other in scene.others]
    return [
        Work("health", "GET /health", Aim(), get("/health")),
        Work("list", "GET events?limit=50", Aim(4000, 0.70), get(f"{calendar}/events?limit=50")),
        Work("upcoming", "GET upcoming", Aim(5000, 0.70), get(f"{calendar}/upcoming")),
        Work("view", "GET view", Aim(5000, 0.70), get(f"{calendar}/view")),
        Work("feed", "GET feed", Aim(1500), [Request("GET", scene.feed_path, {})]),
        Work("feed304", "GET feed, unchanged (304)", Aim(6000),
             [Request("GET", scene.feed_path, {"If-None-Match": feed_etag})]),
        Work("changes", "GET changes?limit=50", Aim(), get(f"{calendar}/changes?limit=50")),
        Work("create", "POST single event, one calendar", Aim(None, 0.60),
             [send("POST", f"{calendar}/events", scene.single(700))]),
        Work("create16", "POST single event, 16 calendars", Aim(2500), everywhere, has_floor=False),
        Work("series", "POST daily series", Aim(700), [send("POST", f"{calendar}/events", scene.series(3))]),
        Work("patch", "PATCH a series' title", Aim(1000), [send("PATCH", series, title) for title in titles]),
    ]  # fmt: skip
