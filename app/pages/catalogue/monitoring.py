"""The numbers that operators watch."""

from __future__ import annotations

from typing import Final

from app.pages.catalogue.shape import Answer, Example, Operation

SECTION: Final = "Monitoring"

OPERATIONS: Final = (
    Operation(
        id="get_metrics",
        method="GET",
        path="/metrics",
        section=SECTION,
        summary="Read what Prometheus scrapes",
        description="Rates and latencies by route, what waits to be sent, how far ahead dates are stored, connections, "
        "memory: in Prometheus' text format, of all web processes behind the address. Asks for the deployment's own "
        "KALENDS_METRICS_TOKEN as a bearer; where none is set it is 404, but for a start that only its own machine can "
        "reach. docs/operations.md says what each number means.",
        scope=None,
        for_operators=True,
        checks_query=False,
        asks_database=False,
        raises=("unauthorized", "not_found"),
        answers=(Answer(200, "The numbers.", None, "text/plain"),),
        examples=(Example(),),
    ),
)
