"""The feed over HTTP: GET and HEAD alike, for subscribers who send no Accept header and remember an ETag."""

from __future__ import annotations

from typing import Final

from litestar import Response, Router, get
from litestar.params import FromPath

from app.errors import Problem
from app.feeds import insight, service
from app.http.answers import json_value, plain_text
from app.http.context import context
from app.http.requests import AnyRequest, bearer, flag, is_head, query_values

_SUFFIX: Final = ".ics"
_CACHE: Final = "private, max-age=60, must-revalidate"


@get("/feeds/{name:str}")
async def get_feed(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    if not name.endswith(_SUFFIX):
        raise Problem("not_found", "There is nothing at this path.", hint="A feed's address ends in .ics.")
    values = query_values(request, ("token", "busy"))
    at = context(request)
    calendar_id = name.removesuffix(_SUFFIX)
    feed = await service.get_feed(at.db, calendar_id, values.get("token", ""), busy=flag(values, "busy"))
    if not is_head(request):
        at.feed_fetches.note(calendar_id, (at.clock.now(), feed.seq))
    headers = {"ETag": feed.etag, "Last-Modified": feed.last_modified(at.clock.now()), "Cache-Control": _CACHE}
    if service.is_fresh(
        feed, request.headers.get("if-none-match"), request.headers.get("if-modified-since"), at.clock.now()
    ):
        return plain_text(b"", 304, headers, kind="text/calendar")
    headers["Content-Disposition"] = 'inline; filename="calendar.ics"'
    return plain_text(await feed.body(), 200, headers, kind="text/calendar")


@get("/calendars/{calendar_id:str}/feed")
async def get_insight(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())
    return json_value(await insight.get_insight(at.db, key, calendar_id, at.clock.now()))


router = Router("/", route_handlers=[get_feed, get_insight])
