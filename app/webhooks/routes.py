"""Webhooks over HTTP."""

from __future__ import annotations

from litestar import Response, Router, delete, get, patch, post
from litestar.params import FromPath

from app.db.database import Transaction
from app.http.answers import json_of, json_text, json_value, no_content
from app.http.context import context
from app.http.requests import AnyRequest, bearer, choice, query_values, read_json, whole_number
from app.http.writes import write
from app.webhooks import deliveries, service, testing
from app.webhooks.schemas import EndpointCreate, EndpointUpdate, Replay


@get("/webhooks")
async def list_endpoints(request: AnyRequest) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    return json_value(await service.list_endpoints(at, key))


@post("/webhooks")
async def create_endpoint(request: AnyRequest) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    fields = await read_json(request, EndpointCreate)

    async def use_case(tx: Transaction) -> str:
        return json_of(await service.create_endpoint(at, tx, key, fields))

    return await write(request, use_case, status=201, is_secret=True)


@get("/webhooks/{endpoint_id:str}")
async def get_endpoint(request: AnyRequest, endpoint_id: FromPath[str]) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    return json_value(await service.get_endpoint(at, key, endpoint_id))


@patch("/webhooks/{endpoint_id:str}")
async def update_endpoint(request: AnyRequest, endpoint_id: FromPath[str]) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    fields = await read_json(request, EndpointUpdate, empty=True)

    async def use_case(tx: Transaction) -> str:
        return json_of(await service.update_endpoint(at, tx, key, endpoint_id, fields))

    return await write(request, use_case)


@delete("/webhooks/{endpoint_id:str}", status_code=204)
async def delete_endpoint(request: AnyRequest, endpoint_id: FromPath[str]) -> Response[None]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    async with at.db.transaction() as tx:
        await service.delete_endpoint(at, tx, key, endpoint_id)
    return no_content()


@post("/webhooks/{endpoint_id:str}/rotate", status_code=200)
async def rotate(request: AnyRequest, endpoint_id: FromPath[str]) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())

    async def use_case(tx: Transaction) -> str:
        return json_of(await service.rotate(at, tx, key, endpoint_id))

    return await write(request, use_case, is_secret=True)


@post("/webhooks/{endpoint_id:str}/test", status_code=200)
async def test_endpoint(request: AnyRequest, endpoint_id: FromPath[str]) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())

    async def use_case(tx: Transaction) -> str:
        return json_of(await testing.test_endpoint(at, tx, key, endpoint_id))

    async with testing.turn:
        return await write(request, use_case)


@post("/calendars/{calendar_id:str}/webhook/test", status_code=200)
async def test_calendar(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())

    async def use_case(tx: Transaction) -> str:
        return json_of(await testing.test_calendar(at, tx, key, calendar_id))

    async with testing.turn:
        return await write(request, use_case)


@get("/calendars/{calendar_id:str}/webhook-logs")
async def list_logs(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    values = query_values(request, ("status", "limit", "cursor"))
    status = choice(values, "status", deliveries.STATUSES)
    limit = whole_number(values, "limit", deliveries.LOGS_DEFAULT, least=1, most=deliveries.LOGS_MOST)
    before = whole_number(values, "cursor", 0, least=1, most=None) if "cursor" in values else None
    return json_text(await deliveries.list_logs(context(request), key, calendar_id, status, limit, before))


@post("/calendars/{calendar_id:str}/deliveries/{delivery_id:str}/retry", status_code=200)
async def retry(request: AnyRequest, calendar_id: FromPath[str], delivery_id: FromPath[str]) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    return await write(request, lambda tx: deliveries.retry(at, tx, key, calendar_id, delivery_id))


@post("/calendars/{calendar_id:str}/replay", status_code=200)
async def replay(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    fields = await read_json(request, Replay)
    return await write(request, lambda tx: deliveries.replay(at, tx, key, calendar_id, fields))


router = Router(
    "/",
    route_handlers=[
        list_endpoints,
        create_endpoint,
        get_endpoint,
        update_endpoint,
        delete_endpoint,
        rotate,
        test_endpoint,
        test_calendar,
        list_logs,
        retry,
        replay,
    ],
)
