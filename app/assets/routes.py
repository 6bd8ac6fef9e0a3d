"""Styles, scripts and pictures over HTTP."""

from __future__ import annotations

from typing import Final

from litestar import Response, Router, get
from litestar.params import FromPath

from app.assets.files import ASSETS
from app.errors import Problem
from app.http.answers import Ready
from app.http.requests import AnyRequest, query_values

_CACHE: Final = "public, max-age=31536000, immutable"  # seconds, a year: other content has another address


@get("/assets/{digest:str}/{name:str}")
async def get_asset(request: AnyRequest, digest: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    query_values(request, ())
    asset = ASSETS.get(name)
    if asset is None or asset.digest != digest:
        raise Problem("not_found", "There is no such file.", hint="Load the page again; it names its files.")
    headers = {"ETag": f'"{asset.digest}"', "Cache-Control": _CACHE, "Cross-Origin-Resource-Policy": "same-origin"}
    given = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if "*" in given or headers["ETag"] in given:
        return Ready(b"", 304, asset.kind, headers)
    return Ready(asset.body, 200, f"{asset.kind}; charset=utf-8", headers)


router = Router("/", route_handlers=[get_asset])
