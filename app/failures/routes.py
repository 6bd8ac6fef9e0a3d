"""An agent's failed requests over HTTP."""

from __future__ import annotations

from litestar import Response, Router, get

from app.failures import service
from app.http.answers import json_value
from app.http.context import context
from app.http.requests import AnyRequest, bearer, query_values, whole_number


@get("/errors")
async def list_errors(request: AnyRequest) -> Response[bytes]:
    key = bearer(request)
    values = query_values(request, ("limit", "route"))
    limit = whole_number(values, "limit", service.LIST_DEFAULT, least=1, most=service.LIST_MOST)
    return json_value(await service.list_failures(context(request), key, limit, values.get("route")))


router = Router("/", route_handlers=[list_errors])
