"""The calendar page over HTTP, and what its script reads."""

from __future__ import annotations

from typing import Final

from litestar import Response, Router, get
from litestar.params import FromPath

from app.assets.html import page
from app.core.times import load_zone, wall_of
from app.errors import Problem
from app.http.answers import json_value
from app.http.context import context
from app.http.requests import AnyRequest, choice, query_values
from app.viewer import service
from app.viewer.page import SHOWS, TEMPLATES, VIEWS, Visit, agenda_window, values_of
from app.viewer.window import Clocks, day_of, window_of, zone_of
from app.workers import in_thread

PAGE_PARAMETERS: Final = ("token", "date", "tz", "show", "view")
EVENTS_PARAMETERS: Final = ("token", "start", "end", "tz")
_SECRET: Final = {"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex, nofollow"}


@get("/pages/{calendar_id:str}")
async def get_page(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    values = query_values(request, PAGE_PARAMETERS)
    token, at = values.get("token", ""), context(request)
    now, viewers = at.clock.now(), zone_of(values)
    view, show = choice(values, "view", VIEWS), choice(values, "show", SHOWS)
    asked = day_of(values, "date") if "date" in values else None
    try:
        opened = await service.open_page(at.db, calendar_id, token)
        clocks = Clocks(load_zone(opened.timezone), viewers, show == SHOWS[1])
        window = agenda_window(asked or wall_of(now, clocks.leads).date())
        found = await service.read_window(at, calendar_id, token, window)
    except Problem as problem:
        if problem.code != "unauthorized" or "text/html" not in request.headers.get("accept", ""):
            raise
        return page(TEMPLATES, "closed.html", {}, status=401, headers=_SECRET)
    visit = Visit(calendar_id, token, opened.name, clocks, view)
    shown = values_of(visit, found, window, now, at.public_url)
    return await in_thread(page, TEMPLATES, "calendar.html", shown, headers=_SECRET)


@get("/pages/{calendar_id:str}/events")
async def list_page_events(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    values = query_values(request, EVENTS_PARAMETERS)
    token, at = values.get("token", ""), context(request)
    window, viewers = window_of(values), zone_of(values)
    found = await service.read_window(at, calendar_id, token, window)
    clocks = Clocks(load_zone(found.timezone), viewers, is_viewers=False)
    return json_value(await in_thread(service.answer_of, found, window, clocks), headers=_SECRET)


router = Router("/", route_handlers=[get_page, list_page_events])
