"""Calendars and their log over HTTP."""

from __future__ import annotations

from typing import Final

from litestar import Response, Router, delete, get, patch, post
from litestar.params import FromPath

from app.calendars import service
from app.calendars.schemas import CalendarCreate, CalendarUpdate, Rotate
from app.http.answers import json_text, json_value, no_content
from app.http.context import context
from app.http.requests import AnyRequest, bearer, query_values, read_json, whole_number

CHANGES_DEFAULT: Final = 100
CHANGES_MOST: Final = 500  # changes a page; each carries an event's full text


@post("/calendars")
async def create_calendar(request: AnyRequest) -> Response[bytes]:
    key = bearer(request)
    query_values(request, ())
    fields = await read_json(request, CalendarCreate)
    return json_value(await service.create_calendar(context(request), key, fields), 201)


@get("/calendars")
async def list_calendars(request: AnyRequest) -> Response[bytes]:
    key = bearer(request)
    query_values(request, ())
    return json_value(await service.list_calendars(context(request), key))


@get("/calendars/{calendar_id:str}")
async def get_calendar(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    query_values(request, ())
    return json_value(await service.get_calendar(context(request), key, calendar_id))


@patch("/calendars/{calendar_id:str}")
async def update_calendar(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    query_values(request, ())
    fields = await read_json(request, CalendarUpdate, empty=True)
    at = context(request)
    return json_value(await service.update_calendar(at, key, calendar_id, fields, at.rezone))


@delete("/calendars/{calendar_id:str}", status_code=204)
async def delete_calendar(request: AnyRequest, calendar_id: FromPath[str]) -> Response[None]:
    key = bearer(request)
    query_values(request, ())
    await service.delete_calendar(context(request), key, calendar_id)
    return no_content()


@post("/calendars/{calendar_id:str}/rotate", status_code=200)
async def rotate(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    query_values(request, ())
    fields = await read_json(request, Rotate)
    return json_value(await service.rotate(context(request), key, calendar_id, fields))


@get("/calendars/{calendar_id:str}/changes")
async def list_changes(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    values = query_values(request, ("since", "limit"))
    since = whole_number(values, "since", 0, least=0, most=None)
    limit = whole_number(values, "limit", CHANGES_DEFAULT, least=1, most=CHANGES_MOST)
    return json_text(await service.list_changes(context(request), key, calendar_id, since, limit))


router = Router(
    "/",
    route_handlers=[
        create_calendar,
        list_calendars,
        get_calendar,
        update_calendar,
        delete_calendar,
        rotate,
        list_changes,
    ],
)
