"""The members that objects in answers consist of, as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from app.pages.catalogue.shape import Schema

_STAMP: Final = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$"
ONCE: Final = "Shown this once; what is stored is sealed or hashed."
EVENT_TIME: Final = r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}\.\d{3}Z)?$"


def text(description: str, **more: Any) -> Schema:
    return {"type": "string", "description": description, **more}


def text_or_null(description: str, **more: Any) -> Schema:
    return {"type": ["string", "null"], "description": description, **more}


def instant(description: str) -> Schema:
    return text(description, format="date-time", pattern=_STAMP)


def instant_or_null(description: str) -> Schema:
    return {"type": ["string", "null"], "description": description, "format": "date-time"}


def number(description: str, least: int = 0) -> Schema:
    return {"type": "integer", "minimum": least, "description": description}


def flag(description: str, **more: Any) -> Schema:
    return {"type": "boolean", "description": description, **more}


def list_of(description: str, items: Schema) -> Schema:
    return {"type": "array", "description": description, "items": items}


def one_of(description: str, type_: Any) -> Schema:
    """The values of a `Literal`."""
    return text(description, enum=list(get_args(type_)))


def ref(component: str) -> Schema:
    return {"$ref": f"#/components/schemas/{component}"}


def object_of(description: str, members: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """`members` are always there, `optional` ones at times."""
    return {
        "type": "object",
        "description": description,
        "required": list(members),
        "properties": {**members, **(optional or {})},
    }
