"""Text as a terminal shows it: how many cells it takes, and what of it fits into some."""

from __future__ import annotations

import re
from typing import Final

from wcwidth import iter_graphemes, wcswidth, wcwidth

_BREAKS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_TURNS: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def width_of(text: str) -> int:
    """Cells; a sequence that is shown as one character, such as a family, counts as one."""
    return len(text) if text.isascii() else max(wcswidth(text), 0)


def fit(text: str, most: int) -> str:
    """One line of at most `most` cells, without what would move a terminal's cursor."""
    if len(text) <= most and text.isascii() and text.isprintable():
        return text.strip()
    text = one_line(text)
    if width_of(text) <= most:
        return text
    kept, used = [], 0
    for shown in iter_graphemes(text):
        used += width_of(shown)
        if used > most - 1:
            break
        kept.append(shown)
    return "".join(kept) + "…"


def one_line(text: str) -> str:
    """The text without line breaks and controls."""
    text = _BREAKS.sub(" ", text).strip()
    return text if text.isascii() else "".join(character for character in text if wcwidth(character) >= 0)


def without_turns(text: str) -> str:
    """The text without what turns the direction of what stands beside it (Unicode UAX 9): a title could make a time
    read backwards."""
    return text if text.isascii() else _TURNS.sub("", text)
