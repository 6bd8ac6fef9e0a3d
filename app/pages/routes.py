"""What operators and their probes read, and the description of the service in two forms."""

from __future__ import annotations

from typing import Final

from litestar import Response, Router, get

from app.assets.html import page as html_page
from app.errors import Problem
from app.http.answers import json_value
from app.http.context import context
from app.http.requests import AnyRequest
from app.pages import landing, published, service
from app.pages.manual.routes import HTML_HEADERS, give

_FOR_ROBOTS: Final = ("/feeds/", "/docs", "/llms.txt", "/man", "/openapi.json", "/changelog")


@get(["/health", "/health/live"])
async def live(request: AnyRequest) -> Response[bytes]:
    """The process answers; says nothing about the database, so that a database outage restarts nobody."""
    return json_value({"status": "ok"})


@get(["/health/db", "/health/ready"])
async def ready(request: AnyRequest) -> Response[bytes]:
    """Whether requests would be served: the database answers."""
    try:
        return json_value(await service.check_database(context(request).db))
    except Problem as problem:
        problem.extra = {"status": "unavailable"}
        raise


@get("/")
async def home(request: AnyRequest) -> Response[bytes]:
    """What this is, for people."""
    at = context(request)
    values = await landing.values_of(at.db, at.public_url, at.clock.now())
    return html_page(landing.TEMPLATES, "landing.html", values, headers={"Cache-Control": "no-cache"})


@get("/robots.txt")
async def robots(request: AnyRequest) -> Response[str]:
    """Feeds stay open: Google's fetcher honours this file for calendars too. So does the documentation: whoever reads
    it for a person, or for an agent, may honour it as well."""
    allowed = "".join(f"Allow: {path}\n" for path in _FOR_ROBOTS)
    return Response(f"User-agent: *\n{allowed}Disallow: /\n", media_type="text/plain")


@get("/openapi.json")
async def openapi(request: AnyRequest) -> Response[bytes]:
    """The description for machines; readable from any web page, since it holds nothing of anybody's."""
    page = published.openapi(context(request).public_url)
    return give(request, page, "application/json", {"Access-Control-Allow-Origin": "*"})


@get("/docs")
async def docs(request: AnyRequest) -> Response[bytes]:
    """The description for people."""
    page = published.docs(context(request).public_url)
    return give(request, page, "text/html", HTML_HEADERS)


router = Router("/", route_handlers=[home, live, ready, robots, openapi, docs])
