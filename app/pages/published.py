"""Pages that are the same for everybody: rendered once for each address served, then given out from memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from app.http.answers import encode
from app.pages.docs import docs_page
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


def _page(body: bytes) -> Page:
    return Page(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def is_fresh(page: Page, if_none_match: str | None) -> bool:
    """Whether the reader has this page already (RFC 9110 13.1.2)."""
    given = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return "*" in given or page.etag in given
