"""JSON Schema in a few words, for readers."""

from __future__ import annotations

import json
from typing import Final

from app.pages.catalogue.shape import Schema

_LIMITS: Final = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "maxLength": "up to {} characters",
    "maxItems": "up to {} entries",
}


def type_words(schema: Schema) -> str:
    """A schema's type, its values or limits, its default."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    if "anyOf" in schema:
        return " or ".join(type_words(option) for option in schema["anyOf"])
    types = schema.get("type", "any")
    words = " or ".join(types) if isinstance(types, list) else str(types)
    if "enum" in schema:
        words = ", ".join(f"`{value}`" for value in schema["enum"])
    elif "items" in schema:
        words = words.replace("array", f"array of {type_words(schema['items']).partition(';')[0]}")
    found = [text.format(schema[name]) for name, text in _LIMITS.items() if name in schema]
    if "default" in schema:
        found.append(f"default `{json.dumps(schema['default']).strip(chr(34))}`")
    return "; ".join([words, *found])
