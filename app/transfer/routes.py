"""Import and export over HTTP."""

from __future__ import annotations

from typing import Final

from litestar import Response, Router, get, post
from litestar.params import FromPath

from app.db.database import Transaction
from app.http.answers import plain_text
from app.http.context import context
from app.http.requests import AnyRequest, bearer, flag, query_values
from app.http.writes import write
from app.transfer import export
from app.transfer.gate import Gate, body_of, charset_of
from app.transfer.importing import import_file

PREVIEW: Final = "preview"
_KIND: Final = "text/calendar"


@post("/calendars/{calendar_id:str}/import", status_code=200)
async def import_calendar(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    at, key = context(request), bearer(request)
    is_preview = flag(query_values(request, (PREVIEW,)), PREVIEW)
    charset = charset_of(request)
    gate: Gate = request.app.state.gate

    async with gate.place(gate.imports):
        source = await body_of(request)

        async def use_case(tx: Transaction) -> str:
            return await import_file(at, tx, key, calendar_id, source, charset)

        return await write(request, use_case, is_preview=is_preview)


@get("/calendars/{calendar_id:str}/export.ics")
async def export_calendar(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    etag = await export.state_of(at.db, key, calendar_id, at.clock.now())
    if is_named(request.headers.get("if-none-match"), etag):
        return plain_text(b"", 304, {"ETag": etag}, kind=_KIND)
    gate: Gate = request.app.state.gate
    async with gate.place(gate.exports):
        found = await export.export(at.db, calendar_id)
    headers = {
        "ETag": found.etag,
        "Content-Disposition": f'attachment; filename="{calendar_id}.ics"',
    }
    return plain_text(found.text, 200, headers, kind=_KIND)


def is_named(condition: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names the tag (RFC 9110 13.1.2)."""
    if condition is None:
        return False
    given = [tag.strip().removeprefix("W/") for tag in condition.split(",")]
    return "*" in given or etag in given


router = Router("/", route_handlers=[import_calendar, export_calendar])
