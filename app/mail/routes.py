"""Mail over HTTP."""

from __future__ import annotations

from litestar import Response, Router, delete, get, post, put

from app.db.database import Transaction
from app.http.answers import json_of, json_value, no_content
from app.http.context import context
from app.http.requests import AnyRequest, bearer, query_values, read_json
from app.http.writes import write
from app.mail import agent_smtp, testing
from app.mail.schemas import SmtpSettings, SmtpTest


@put("/agents/smtp")
async def put_smtp(request: AnyRequest) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    fields = await read_json(request, SmtpSettings)
    async with at.db.transaction() as tx:
        answer = await agent_smtp.put_smtp(at, tx, key, fields)
    return json_value(answer)


@get("/agents/smtp")
async def get_smtp(request: AnyRequest) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    return json_value(await agent_smtp.get_smtp(at, key))


@delete("/agents/smtp", status_code=204)
async def delete_smtp(request: AnyRequest) -> Response[None]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    async with at.db.transaction() as tx:
        await agent_smtp.delete_smtp(at, tx, key)
    return no_content()


@post("/agents/smtp/test", status_code=200)
async def test_smtp(request: AnyRequest) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    fields = await read_json(request, SmtpTest, empty=True)

    async def use_case(tx: Transaction) -> str:
        return json_of(await testing.test_smtp(at, tx, key, fields.to))

    async with testing.turn:
        return await write(request, use_case)


router = Router("/", route_handlers=[put_smtp, get_smtp, delete_smtp, test_smtp])
