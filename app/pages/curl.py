"""Examples as commands for a shell."""

from __future__ import annotations

import json
import shlex
from urllib.parse import quote

from app.pages.catalogue.examples import with_values
from app.pages.catalogue.shape import Example, Operation


def address_of(operation: Operation, example: Example) -> str:
    """Path and query with the example's values; its variables stay for a shell to fill in."""
    path = operation.path.format(**example.path)
    query = "&".join(f"{name}={quote(value, safe='$:')}" for name, value in example.query.items())
    return f"{path}?{query}" if query else path


def curl_of(operation: Operation, example: Example, url: str) -> str:
    """One command that does what the example shows, with the key from `$KEY` and ids from variables of a shell."""
    method = "" if operation.method == "GET" else f" -X {operation.method}"
    parts = [f'curl -s{method} "{url}{address_of(operation, example)}"']
    if operation.scope is not None:
        parts.append('-H "Authorization: Bearer $KEY"')
    if example.body is not None:
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(_body(example))}"]
    return " \\\n  ".join(parts)


def _body(example: Example) -> str:
    text = with_values(json.dumps(example.body, ensure_ascii=False))
    return text if len(text) <= 80 else with_values(json.dumps(example.body, ensure_ascii=False, indent=2))
