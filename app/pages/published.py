"""Pages that are the same for everybody: rendered once for each address served, then given out from memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from app.errors import Problem
from app.http.answers import encode
from app.http.requests import nearest, shown
from app.pages.docs import changelog_page, docs_page, topic_page
from app.pages.manual.llms import llms_text
from app.pages.manual.tools import Tools
from app.pages.manual.topics import TOPICS, changelog, text_of
from app.pages.openapi import document

_ADDRESSES: Final = 4  # kept at once; a process serves one


@dataclass(frozen=True, slots=True)
class Page:
    body: bytes
    etag: str


@lru_cache(_ADDRESSES)
def openapi(url: str) -> Page:
    return _page(encode(document(url)))


@lru_cache(_ADDRESSES)
def docs(url: str) -> Page:
    return _page(docs_page(url).encode())


@lru_cache(_ADDRESSES)
def llms(url: str) -> Page:
    return _page(llms_text(url).encode())


@lru_cache(_ADDRESSES * len(TOPICS) * 2)
def topic(name: str, tools: Tools, url: str, *, as_html: bool) -> Page:
    """Raises `not_found`, naming the nearest."""
    found = TOPICS.get(name)
    if found is None:
        close = nearest(name, TOPICS)
        raise Problem(
            "not_found",
            f"There is no topic “{shown(name)}” in the documentation.",
            hint=(f"Did you mean {close}? " if close else "") + f"The topics are {', '.join(TOPICS)}.",
        )
    return _page((topic_page(found, tools, url) if as_html else text_of(found, tools)).encode())


@lru_cache(2)
def changes(*, as_html: bool) -> Page:
    return _page((changelog_page() if as_html else changelog()).encode())


def _page(body: bytes) -> Page:
    return Page(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def is_fresh(page: Page, if_none_match: str | None) -> bool:
    """Whether the reader has this page already (RFC 9110 13.1.2)."""
    given = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return "*" in given or page.etag in given
