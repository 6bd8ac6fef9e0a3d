"""Events over HTTP."""

from __future__ import annotations

from litestar import Response, Router, delete, get, patch, post
from litestar.params import FromPath

from app.events import reads
from app.events.create import create_event as make
from app.events.delete import delete_event as remove
from app.events.respond import respond as answer
from app.events.schemas import EventCreate, EventUpdate, Respond
from app.events.update import MODES
from app.events.update import update_event as change
from app.http.answers import json_text, no_content, plain_text
from app.http.context import context
from app.http.preconditions import conditional, if_match
from app.http.requests import AnyRequest, bearer, choice, query_values, read_json, whole_number
from app.http.writes import write


@post("/calendars/{calendar_id:str}/events")
async def create_event(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    query_values(request, ())
    fields = await read_json(request, EventCreate)
    at = context(request)
    return await write(request, lambda tx: make(at, tx, key, calendar_id, fields), status=201)


@get("/calendars/{calendar_id:str}/events")
async def list_events(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    filters = reads.filters_of(query_values(request, reads.LIST_PARAMETERS))
    return json_text(await reads.list_events(context(request), key, calendar_id, filters))


@get("/calendars/{calendar_id:str}/events/{event_id:str}")
async def get_event(request: AnyRequest, calendar_id: FromPath[str], event_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    query_values(request, ())
    return conditional(request, await reads.get_event(context(request), key, calendar_id, event_id))


@patch("/calendars/{calendar_id:str}/events/{event_id:str}")
async def update_event(request: AnyRequest, calendar_id: FromPath[str], event_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    mode = choice(query_values(request, ("mode",)), "mode", MODES)
    fields = await read_json(request, EventUpdate, empty=True)
    at, condition = context(request), if_match(request)
    return await write(request, lambda tx: change(at, tx, key, calendar_id, event_id, fields, mode, condition))


@delete("/calendars/{calendar_id:str}/events/{event_id:str}", status_code=204)
async def delete_event(request: AnyRequest, calendar_id: FromPath[str], event_id: FromPath[str]) -> Response[None]:
    key = bearer(request)
    mode = choice(query_values(request, ("mode",)), "mode", MODES)
    at = context(request)
    async with at.db.transaction() as tx:
        await remove(at, tx, key, calendar_id, event_id, mode, if_match(request))
    return no_content()


@post("/calendars/{calendar_id:str}/events/{event_id:str}/respond", status_code=200)
async def respond(request: AnyRequest, calendar_id: FromPath[str], event_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    query_values(request, ())
    fields = await read_json(request, Respond)
    at = context(request)
    return await write(request, lambda tx: answer(at, tx, key, calendar_id, event_id, fields))


@get("/calendars/{calendar_id:str}/upcoming")
async def upcoming(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    values = query_values(request, ("limit", "include_current"))
    return json_text(await reads.upcoming(context(request), key, calendar_id, values))


@get("/calendars/{calendar_id:str}/view")
async def view(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    values = query_values(request, ("limit",))
    limit = whole_number(values, "limit", reads.VIEW_DEFAULT, least=1, most=reads.VIEW_MOST)
    text = await reads.view(context(request), key, calendar_id, limit)
    return plain_text(text)


router = Router(
    "/",
    route_handlers=[
        create_event,
        list_events,
        get_event,
        update_event,
        delete_event,
        respond,
        upcoming,
        view,
    ],
)
