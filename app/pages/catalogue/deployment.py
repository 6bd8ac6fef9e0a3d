"""The operations on the deployment itself: probes, and the description of everything else."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.pages.catalogue.shape import Answer, Example, Operation

SECTION: Final = "The deployment"

_LIVE: Final = Operation(
    id="get_liveness",
    method="GET",
    path="/health/live",
    section=SECTION,
    summary="Does the process answer?",
    description="Says nothing about the database, so that a database outage restarts nobody.",
    scope=None,
    checks_query=False,
    asks_database=False,
    answers=(Answer(200, "It does.", "Health"),),
    examples=(Example(),),
)
_READY: Final = Operation(
    id="get_readiness",
    method="GET",
    path="/health/ready",
    section=SECTION,
    summary="Would requests be served?",
    description="Asks the database. One that takes no writes just now is ready for reads, and says so.",
    scope=None,
    checks_query=False,
    answers=(Answer(200, "They would.", "DatabaseHealth"),),
    examples=(Example(),),
)
_OPENAPI: Final = Operation(
    id="get_openapi",
    method="GET",
    path="/openapi.json",
    section=SECTION,
    summary="Read this description as OpenAPI 3.1",
    description="For generators of clients, and for tools.",
    scope=None,
    conditional=True,
    checks_query=False,
    asks_database=False,
    answers=(Answer(200, "The description.", "Document"),),
    examples=(Example(),),
)

OPERATIONS: Final = (
    _LIVE,
    replace(
        _LIVE,
        id="get_health",
        path="/health",
        summary="Does the process answer? At CalDave's path",
        description="The same as /health/live.",
    ),
    _READY,
    replace(
        _READY,
        id="get_database_health",
        path="/health/db",
        summary="Would requests be served? At CalDave's path",
        description="The same as /health/ready.",
    ),
    _OPENAPI,
    replace(
        _OPENAPI,
        id="get_docs",
        path="/docs",
        summary="Read this description as a page",
        description="One page that loads nothing from elsewhere.",
        answers=(Answer(200, "The page.", None, "text/html"),),
    ),
    replace(
        _LIVE,
        id="get_robots",
        path="/robots.txt",
        summary="What crawlers may read",
        description="Feeds and the documentation stay open: some calendars' fetchers heed this file.",
        answers=(Answer(200, "The rules.", None, "text/plain"),),
    ),
)
