"""HTML for people: templates in which everything is escaped unless they say otherwise, and the headers of a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response

from app.assets.files import url_of
from app.http.answers import plain_text

_FRAME: Final = Path(__file__).with_name("templates")
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def templates(room: Path) -> Environment:
    """The templates in a room's folder, with the frame that all pages share."""
    environment = Environment(
        loader=FileSystemLoader([room, _FRAME]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["asset"] = url_of
    return environment


def page(
    environment: Environment, name: str, values: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str]
) -> Response[bytes]:
    """A page made of a template, that loads nothing but what this deployment serves and cannot be framed."""
    text = environment.get_template(name).render(values)
    return plain_text(text, status, {**_HEADERS, **headers}, kind="text/html")
