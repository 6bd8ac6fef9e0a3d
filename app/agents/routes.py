"""Agents and keys over HTTP."""

from __future__ import annotations

from litestar import Response, Router, delete, get, patch, post
from litestar.params import FromPath

from app.agents import service
from app.agents.schemas import AgentFields, KeyCreate
from app.db.database import Transaction
from app.http.answers import json_of, json_value, no_content
from app.http.context import context
from app.http.requests import AnyRequest, bearer, query_values, read_json
from app.http.writes import write


@post("/agents")
async def create_agent(request: AnyRequest) -> Response[bytes]:
    at = context(request)
    query_values(request, ())
    fields = await read_json(request, AgentFields, empty=True)
    return json_value(await service.create_agent(at.db, fields, at.clock.now()), 201)


@get("/agents/me")
async def get_agent(request: AnyRequest) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    return json_value(await service.get_agent(at.db, key, at.clock.now()))


@patch(["/agents", "/agents/me"])
async def update_agent(request: AnyRequest) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    fields = await read_json(request, AgentFields, empty=True)
    return json_value(await service.update_agent(at.db, key, fields, at.clock.now()))


@delete("/agents/me", status_code=204)
async def delete_agent(request: AnyRequest) -> Response[None]:
    at, key = context(request), bearer(request)
    values = query_values(request, ("confirm",))
    await service.delete_agent(at.db, key, values.get("confirm"), at.clock.now())
    return no_content()


@post("/agents/keys")
async def create_key(request: AnyRequest) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    fields = await read_json(request, KeyCreate)

    async def use_case(tx: Transaction) -> str:
        return json_of(await service.create_key(tx, key, fields, at.clock.now()))

    return await write(request, use_case, status=201, is_secret=True)


@get("/agents/keys")
async def list_keys(request: AnyRequest) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    return json_value(await service.list_keys(at.db, key, at.clock.now()))


@delete("/agents/keys/{key_id:str}", status_code=204)
async def delete_key(request: AnyRequest, key_id: FromPath[str]) -> Response[None]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    await service.delete_key(at.db, key, key_id, at.clock.now())
    return no_content()


router = Router(
    "/",
    route_handlers=[create_agent, get_agent, update_agent, delete_agent, create_key, list_keys, delete_key],
)
