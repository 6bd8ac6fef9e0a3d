"""Events over HTTP."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, Router, delete, get, patch, post
from litestar.params import FromPath

from app.events import batch, reads
from app.events import view as views
from app.events.create import create_event as make
from app.events.delete import delete_event as remove
from app.events.explain import explain
from app.events.respond import respond as answer
from app.events.schemas import EventCreate, EventUpdate, Explain, Respond
from app.events.update import MODES
from app.events.update import update_event as change
from app.http.answers import json_text, json_value, no_content, plain_text
from app.http.context import context
from app.http.preconditions import conditional, if_match
from app.http.requests import AnyRequest, bearer, choice, flag, query_values, read_json
from app.http.writes import write

PREVIEW: Final = "preview"  # the parameter of every write that can be tried without effect


@post("/calendars/{calendar_id:str}/events")
async def create_event(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    return await _create(request, calendar_id, _is_preview(request))


@post("/calendars/{calendar_id:str}/events/preview", status_code=200)
async def preview_event(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    query_values(request, ())
    return await _create(request, calendar_id, is_preview=True)


async def _create(request: AnyRequest, calendar_id: str, is_preview: bool) -> Response[bytes]:
    key = bearer(request)
    fields = await read_json(request, EventCreate)
    at = context(request)
    return await write(request, lambda tx: make(at, tx, key, calendar_id, fields), status=201, is_preview=is_preview)


@post("/calendars/{calendar_id:str}/events/batch", status_code=200)
async def create_events(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    is_preview = _is_preview(request)
    items, atomic = await batch.read(await request.body())
    at = context(request)
    return await write(
        request,
        lambda tx: batch.create_events(at, tx, key, calendar_id, items, atomic=atomic),
        is_preview=is_preview,
        has_etag=False,
    )


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
    values = query_values(request, ("mode", PREVIEW))
    mode, is_preview = choice(values, "mode", MODES), flag(values, PREVIEW)
    fields = await read_json(request, EventUpdate, empty=True)
    at, condition = context(request), if_match(request)
    return await write(
        request,
        lambda tx: change(at, tx, key, calendar_id, event_id, fields, mode, condition),
        is_preview=is_preview,
    )


@delete("/calendars/{calendar_id:str}/events/{event_id:str}", status_code=200)  # 204 but for a preview
async def delete_event(request: AnyRequest, calendar_id: FromPath[str], event_id: FromPath[str]) -> Response[Any]:
    key = bearer(request)
    values = query_values(request, ("mode", PREVIEW))
    mode = choice(values, "mode", MODES)
    at, condition = context(request), if_match(request)
    if flag(values, PREVIEW):
        return await write(
            request,
            lambda tx: remove(at, tx, key, calendar_id, event_id, mode, condition),
            is_preview=True,
            has_etag=False,
        )
    async with at.db.transaction() as tx:
        await remove(at, tx, key, calendar_id, event_id, mode, condition)
    return no_content()


@post("/calendars/{calendar_id:str}/events/{event_id:str}/respond", status_code=200)
async def respond(request: AnyRequest, calendar_id: FromPath[str], event_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    is_preview = _is_preview(request)
    fields = await read_json(request, Respond)
    at = context(request)
    return await write(request, lambda tx: answer(at, tx, key, calendar_id, event_id, fields), is_preview=is_preview)


@post("/recurrence/explain", status_code=200)
async def explain_recurrence(request: AnyRequest) -> Response[bytes]:
    key = bearer(request)
    query_values(request, ())
    fields = await read_json(request, Explain)
    return json_value(await explain(context(request), key, fields))


@get("/calendars/{calendar_id:str}/upcoming")
async def upcoming(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    values = query_values(request, ("limit", "include_current"))
    return json_text(await reads.upcoming(context(request), key, calendar_id, values))


@get("/calendars/{calendar_id:str}/view")
async def view(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    wanted = views.wanted_of(query_values(request, views.VIEW_PARAMETERS))
    return plain_text(await views.view(context(request), key, calendar_id, wanted))


def _is_preview(request: AnyRequest) -> bool:
    return flag(query_values(request, (PREVIEW,)), PREVIEW)


router = Router(
    "/",
    route_handlers=[
        create_event,
        preview_event,
        create_events,
        list_events,
        get_event,
        update_event,
        delete_event,
        respond,
        explain_recurrence,
        upcoming,
        view,
    ],
)
