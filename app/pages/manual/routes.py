"""The manual and the documents over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from litestar import Response, Router, get, post
from litestar.params import FromPath

from app.http.answers import json_text
from app.http.context import context
from app.http.requests import AnyRequest, bearer, flag, query_values, read_json
from app.pages import published
from app.pages.frame import CONTENT_SECURITY_POLICY
from app.pages.manual.answering import answer
from app.pages.manual.schemas import ManualQuestion
from app.pages.manual.tools import Tools

_CACHE: Final = "public, max-age=300"  # seconds; a new release is seen soon
HTML_HEADERS: Final = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Referrer-Policy": "no-referrer"}


@get("/man")
async def get_manual(request: AnyRequest) -> Response[bytes]:
    key = _key(request)
    values = query_values(request, ("guide", "topic"))
    is_guide = values.get("guide") == "" or flag(values, "guide")
    return await _manual(request, key, values.get("topic"), is_guide=is_guide)


@post("/man", status_code=200)
async def ask_manual(request: AnyRequest) -> Response[bytes]:
    key = _key(request)
    query_values(request, ())
    question = await read_json(request, ManualQuestion, empty=True)
    return await _manual(request, key, question.topic, is_guide=question.guide)


@get("/docs/{topic:str}")
async def get_topic(request: AnyRequest, topic: FromPath[str]) -> Response[bytes]:
    as_html = _wants_html(request)
    page = published.topic(topic, tools_of(request), context(request).public_url, as_html=as_html)
    return _document(request, page, as_html=as_html)


@get("/changelog")
async def get_changelog(request: AnyRequest) -> Response[bytes]:
    as_html = _wants_html(request)
    return _document(request, published.changes(as_html=as_html), as_html=as_html)


@get("/llms.txt")
async def get_llms(request: AnyRequest) -> Response[bytes]:
    return give(request, published.llms(context(request).public_url), "text/plain", {})


def tools_of(request: AnyRequest) -> Tools:
    """The tools of MCP that this deployment serves, as `app.main` handed them in."""
    tell: Callable[[], Tools] = request.app.state.tools
    return tell()


def give(request: AnyRequest, page: published.Page, media_type: str, headers: Mapping[str, str]) -> Response[bytes]:
    """A page, or 304 for whoever has it."""
    told = {**headers, "ETag": page.etag, "Cache-Control": _CACHE}
    if published.is_fresh(page, request.headers.get("if-none-match")):
        return Response(b"", status_code=304, media_type=media_type, headers=told)
    return Response(page.body, media_type=media_type, headers=told)


async def _manual(request: AnyRequest, key: bytes | None, topic: str | None, *, is_guide: bool) -> Response[bytes]:
    return json_text(await answer(context(request), key, tools_of(request), topic, is_guide=is_guide))


def _key(request: AnyRequest) -> bytes | None:
    """No key is asked for; one that comes along has to be good."""
    return None if request.headers.get("authorization") is None else bearer(request)


def _wants_html(request: AnyRequest) -> bool:
    """Browsers name it; agents and curl take anything, and are better served with Markdown."""
    return "text/html" in request.headers.get("accept", "")


def _document(request: AnyRequest, page: published.Page, *, as_html: bool) -> Response[bytes]:
    headers = {"Vary": "Accept", **(HTML_HEADERS if as_html else {})}
    return give(request, page, "text/html" if as_html else "text/markdown", headers)


router = Router("/", route_handlers=[get_manual, ask_manual, get_topic, get_changelog, get_llms])
