"""Examples as commands for a shell."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from app.pages.catalogue.examples import VARIABLES, filled, with_values
from app.pages.catalogue.shape import Example, Operation

KEY: Final = "KALENDS_API_KEY"  # the variable of a shell that holds the key
OPERATORS_TOKEN: Final = "KALENDS_METRICS_TOKEN"  # noqa: S105 (the name of the variable that holds the operators')
_NOTHING: Final[Mapping[str, str]] = {}


def address_of(operation: Operation, example: Example) -> str:
    """Path and query with the example's values; its variables stay for a shell to fill in."""
    path = operation.path.format(**example.path)
    query = "&".join(f"{name}={quote(value, safe='$:')}" if value else name for name, value in example.query.items())
    return f"{path}?{query}" if query else path


def curl_of(operation: Operation, example: Example, url: str, values: Mapping[str, str] = _NOTHING) -> str:
    """One command that does what the example shows, with the key from `$KALENDS_API_KEY` and ids from variables of a
    shell, but for those that `values` has."""
    method = "" if operation.method == "GET" else f" -X {operation.method}"
    parts = [f'curl -s{method} "{url}{filled(address_of(operation, example), values)}"']
    if operation.takes_key or operation.for_operators:
        variable = OPERATORS_TOKEN if operation.for_operators else KEY
        parts.append(f'-H "Authorization: Bearer ${variable}"')
    if example.body is not None:
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(_body(example, values))}"]
    if example.text is not None:
        parts += [f"-H 'Content-Type: {operation.takes}'", f"--data-binary {shlex.quote(example.text)}"]
    return " \\\n  ".join(parts)


def _body(example: Example, values: Mapping[str, str]) -> str:
    """A body stands in single quotes, where a shell fills nothing in."""
    known = {**VARIABLES, **values}
    text = with_values(json.dumps(example.body, ensure_ascii=False), known)
    return text if len(text) <= 80 else with_values(json.dumps(example.body, ensure_ascii=False, indent=2), known)
