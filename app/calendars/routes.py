"""Calendars and their log over HTTP."""

from __future__ import annotations

from typing import Final

from litestar import Response, Router, delete, get, patch, post
from litestar.params import FromPath

from app.calendars import service
from app.calendars.schemas import CalendarCreate, CalendarUpdate, Rotate
from app.db.database import Transaction
from app.http.answers import json_of, json_text, json_value, no_content
from app.http.context import context
from app.http.preconditions import conditional, if_match
from app.http.requests import AnyRequest, bearer, query_values, read_json, whole_number
from app.http.writes import write

CHANGES_DEFAULT: Final = 100
WAIT_MOST: Final = 60  # seconds a request for changes may wait for one
CHANGES_MOST: Final = 500  # changes a page; each carries an event's full text


@post("/calendars")
async def create_calendar(request: AnyRequest) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    fields = await read_json(request, CalendarCreate)

    async def use_case(tx: Transaction) -> str:
        return json_of(await service.create_calendar(at, tx, key, fields))

    return await write(request, use_case, status=201, is_secret=True)


@get("/calendars")
async def list_calendars(request: AnyRequest) -> Response[bytes]:
    key = bearer(request)
    query_values(request, ())
    return json_value(await service.list_calendars(context(request), key))


@get("/calendars/{calendar_id:str}")
async def get_calendar(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    query_values(request, ())
    found = await service.get_calendar(context(request), key, calendar_id)
    return conditional(request, json_of(found))


@patch("/calendars/{calendar_id:str}")
async def update_calendar(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    fields = await read_json(request, CalendarUpdate, empty=True)

    async def use_case(tx: Transaction) -> str:
        return json_of(await service.update_calendar(at, tx, key, calendar_id, fields, if_match(request)))

    return await write(request, use_case)


@delete("/calendars/{calendar_id:str}", status_code=204)
async def delete_calendar(request: AnyRequest, calendar_id: FromPath[str]) -> Response[None]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    async with at.db.transaction() as tx:
        await service.delete_calendar(at, tx, key, calendar_id, if_match(request))
    return no_content()


@post("/calendars/{calendar_id:str}/rotate", status_code=200)
async def rotate(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    fields = await read_json(request, Rotate)

    async def use_case(tx: Transaction) -> str:
        return json_of(await service.rotate(at, tx, key, calendar_id, fields))

    return await write(request, use_case, is_secret=True)


@get("/calendars/{calendar_id:str}/changes")
async def list_changes(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    values = query_values(request, ("since", "limit", "wait"))
    since = whole_number(values, "since", 0, least=0, most=None)
    limit = whole_number(values, "limit", CHANGES_DEFAULT, least=1, most=CHANGES_MOST)
    wait = whole_number(values, "wait", 0, least=0, most=WAIT_MOST)
    return json_text(await service.list_changes(context(request), key, calendar_id, since, limit, wait))


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
