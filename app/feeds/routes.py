"""The feed over HTTP: GET and HEAD alike, for subscribers who send no Accept header and remember an ETag."""

from __future__ import annotations

from typing import Final

from litestar import HttpMethod, Response, Router, route
from litestar.params import FromPath

from app.errors import Problem
from app.feeds import service
from app.http.context import context
from app.http.requests import AnyRequest, flag, query_values

_SUFFIX: Final = ".ics"
_CACHE: Final = "private, max-age=60, must-revalidate"


@route("/feeds/{name:str}", http_method=[HttpMethod.GET, HttpMethod.HEAD])
async def get_feed(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    if not name.endswith(_SUFFIX):
        raise Problem("not_found", "There is nothing at this path.", hint="A feed's address ends in .ics.")
    values = query_values(request, ("token", "busy"))
    at = context(request)
    feed = await service.get_feed(at.db, name.removesuffix(_SUFFIX), values.get("token", ""), busy=flag(values, "busy"))
    headers = {"ETag": feed.etag, "Last-Modified": feed.last_modified, "Cache-Control": _CACHE}
    if service.is_fresh(
        feed, request.headers.get("if-none-match"), request.headers.get("if-modified-since"), at.clock.now()
    ):
        return Response(b"", status_code=304, headers=headers, media_type="text/calendar")
    headers["Content-Disposition"] = 'inline; filename="calendar.ics"'
    body = await feed.body()
    if request.method == HttpMethod.HEAD:
        headers["Content-Length"] = str(len(body))
        body = b""
    return Response(body, media_type="text/calendar", headers=headers)


router = Router("/", route_handlers=[get_feed])
