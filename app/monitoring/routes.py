"""The numbers over HTTP, as Prometheus scrapes them."""

from __future__ import annotations

from typing import Final

from litestar import Response, Router, get

from app.http.answers import plain_text
from app.http.context import context
from app.http.requests import AnyRequest
from app.metrics.exposition import MEDIA_TYPE
from app.monitoring.access import check_reader
from app.monitoring.monitor import Monitor

PATH: Final = "/metrics"


@get(PATH)
async def get_metrics(request: AnyRequest) -> Response[bytes]:
    check_reader(context(request).settings, request.scope["headers"])
    monitor: Monitor = request.app.state.monitor
    return plain_text(await monitor.exposition(), kind=MEDIA_TYPE)


router = Router("/", route_handlers=[get_metrics])
