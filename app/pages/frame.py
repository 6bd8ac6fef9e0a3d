"""What all pages of the documentation share: the frame, one style, a few lines of script, and the policy that lets in
these two and nothing else."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from pathlib import Path
from typing import Final

from app.pages.catalogue.words import TITLE
from app.pages.manual.topics import TOPICS


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


_HERE: Final = Path(__file__).parent
_STYLE: Final = (_HERE / "docs.css").read_text(encoding="utf-8")
_SCRIPT: Final = (_HERE / "docs.js").read_text(encoding="utf-8")
CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_digest(_STYLE)}'; script-src 'sha256-{_digest(_SCRIPT)}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(title: str, head: str, inner_index: str, content: str) -> str:
    """A whole page: `head` is what stands above its columns, `inner_index` the links of this page's own, `content` what
    the page is about. All three are HTML."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#content">Skip to the content</a>\n<div class="frame">\n'
        f'<header>\n{head}</header>\n<div class="columns">\n'
        f'<nav aria-label="Contents">\n{_topics()}{inner_index}</nav>\n'
        f'<main id="content">\n{content}</main>\n</div>\n</div>\n<script>{_SCRIPT}</script>\n</body>\n</html>\n'
    )


def brand() -> str:
    """The head of a page that has a title of its own further down."""
    return f'<p class="brand"><a href="/docs">{TITLE}</a></p>\n'


def links(title: str, targets: dict[str, str]) -> str:
    """A titled list of links: addresses and what they are called."""
    items = "".join(f'<li><a href="{escape(to)}">{escape(name)}</a></li>' for to, name in targets.items())
    return f"<p>{escape(title)}</p>\n<ul>{items}</ul>\n"


def _topics() -> str:
    guide = {f"/docs/{topic.name}": topic.title for topic in TOPICS.values()}
    return links("Guide", guide) + links("Elsewhere", {"/docs": "Every request", "/changelog": "Changes"})
