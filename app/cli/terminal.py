"""What is printed, and how: for people, or as JSON for programs."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TextIO

_CONTROL: Final = re.compile(r"[\x7f-\x9f\u2028\u2029]")  # those that JSON lets stand: some terminals obey them
_GAP: Final = "  "
_COLOURS: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


def say(sentence: str) -> None:
    """Tell whoever watches what takes so long, or what to know."""
    print(sentence, file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """One document, as the deployment sent it."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    print(_CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def one_line(text: object) -> str:
    """Text of somebody else's without what would move a terminal's cursor or change its colours."""
    from app.events import cells

    return cells.one_line(str(text))


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """`text` in a colour where the stream, by default the standard output, is a terminal that nobody wants plain
    (https://no-color.org)."""
    stream = stream or sys.stdout
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], widest: Sequence[int]) -> None:
    """Columns that never run together; `widest` has the most cells of each, 0 where nothing may be cut off."""
    from app.events.cells import fit, width_of

    cells = [[fit(text, most or sys.maxsize) for text, most in zip(row, widest, strict=True)] for row in rows]
    widths = [max(width_of(row[column]) for row in (header, *cells)) for column in range(len(header))]
    lines = [
        _GAP.join(text + " " * (most - width_of(text)) for text, most in zip(row, widths, strict=True)).rstrip()
        for row in (header, *cells)
    ]
    print(paint(lines[0], "bold"))
    for line in lines[1:]:
        print(line)


def print_fields(fields: Sequence[tuple[str, object]]) -> None:
    """A line for each that is not None."""
    shown = [(name, value) for name, value in fields if value is not None]
    widest = max(len(name) for name, _ in shown) + 1
    for name, value in shown:
        print(f"{paint(f'{name}:'.ljust(widest), 'dim')} {one_line(value)}")


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """A line on standard error that each call replaces, gone at the end; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _sentence: None
        return

    def show(sentence: str) -> None:
        sys.stderr.write(f"\r\x1b[K{sentence}")
        sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def bytes_in_words(count: int) -> str:
    return f"{count:,} bytes" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
