"""Markdown as HTML. What it is given is our own; HTML in it is shown, not obeyed."""

from __future__ import annotations

import re
from typing import Final

from markdown_it import MarkdownIt

_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")
_TABLE: Final = re.compile(r"<table>(.*?)</table>", re.DOTALL)
_BLOCK: Final = re.compile(r'<pre><code class="language-(\w+)">(.*?)</code></pre>', re.DOTALL)


def html_of(text: str) -> str:
    """Tables and blocks of code get what the pages' style and readers with a keyboard need."""
    found: str = _MARKDOWN.render(text)
    found = _TABLE.sub(r'<div class="wide"><table>\1</table></div>', found)
    return _BLOCK.sub(_block, found)


def _block(found: re.Match[str]) -> str:
    kind = "command" if found[1] == "sh" else "answer"
    label = "Command" if kind == "command" else "Example"
    return f'<pre class="{kind}" tabindex="0" role="region" aria-label="{label}">{found[2]}</pre>'
