"""Mail over HTTP."""

from __future__ import annotations

from litestar import Response, Router, delete, get, post, put
from litestar.params import FromPath

from app.db.database import Transaction
from app.http.answers import json_of, json_text, json_value, no_content
from app.http.context import context
from app.http.requests import AnyRequest, bearer, choice, query_values, read_json, whole_number
from app.http.writes import write
from app.mail import agent_smtp, logs, testing
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


@get("/calendars/{calendar_id:str}/email-logs")
async def list_mails(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    values = query_values(request, ("status", "limit", "cursor"))
    status = choice(values, "status", logs.STATUSES)
    limit = whole_number(values, "limit", logs.LOGS_DEFAULT, least=1, most=logs.LOGS_MOST)
    before = whole_number(values, "cursor", 0, least=1, most=None) if "cursor" in values else None
    return json_text(await logs.list_mails(context(request), key, calendar_id, status, limit, before))


router = Router("/", route_handlers=[put_smtp, get_smtp, delete_smtp, test_smtp, list_mails])
