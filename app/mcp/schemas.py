"""JSON Schemas of tools, from what the HTTP interface says of the same operation: the same members, limits, words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from app.mcp.tool import Tool
from app.pages.catalogue.headers import REQUEST
from app.pages.catalogue.shape import JSON, Parameter, Schema
from app.pages.catalogue.words import PATH_VARIABLES
from app.pages.openapi import document

_PLACES: Final = ("#/components/schemas/", "#/$defs/")
DONE: Final = "Done"
ERROR: Final = "ToolError"
_ERROR_MEMBERS: Final = ("error", "code", "request_id", "hint", "field")
_LIMITS: Final[Schema] = {"type": "string", "minLength": 1}


def input_schema(tool: Tool) -> Schema:
    """What the arguments are: ids of the path first, then the body's fields, then parameters and headers."""
    operation = tool.operation
    properties: dict[str, Schema] = {
        name: {**_LIMITS, "description": PATH_VARIABLES[name][1]} for name in operation.path_variables
    }
    required = list(operation.path_variables)
    if tool.text is not None:
        properties[tool.text] = {**_LIMITS, "description": f"The {tool.text_media} text itself."}
        required.append(tool.text)
    elif operation.body is not None:
        body = _components()[operation.body]
        properties |= body["properties"]
        required += body.get("required", [])
    for parameter in operation.query:
        properties[parameter.name] = _described(parameter)
        required += [parameter.name] if parameter.required else []
    for argument, header in tool.header_arguments.items():
        properties[argument] = _described(REQUEST[header])
    for name in (*tool.hides, *tool.always):
        del properties[name]
    return _self_contained(
        {
            "type": "object",
            "additionalProperties": False,
            "properties": properties,
            **({"required": required} if required else {}),
        }
    )


def argument_names(tool: Tool) -> tuple[str, ...]:
    """For whoever tells of the tools."""
    return tuple(input_schema(tool)["properties"])


def output_schema(tool: Tool) -> Schema | None:
    """What `structuredContent` is: the answer, or an error. None where answers are text.

    Errors are part of it because clients hold them against it too, and would give the model their own complaint
    instead of our hint. What members mean is left out: seven tools answer with events, and the HTTP reference says it.
    """
    answers = tool.operation.answers
    if any(answer.has_body and answer.media != JSON for answer in answers):
        return None
    names = dict.fromkeys(answer.schema or DONE for answer in answers)
    either: list[Schema] = [{"$ref": f"#/$defs/{name}"} for name in (*names, ERROR)]
    whole: Schema = _without_words(_self_contained({"type": "object", "anyOf": either}))
    return whole


def _without_words(schema: Any) -> Any:
    """The schema without descriptions; a member of that name is none, being no text."""
    if isinstance(schema, Mapping):
        kept = {name: value for name, value in schema.items() if name != "description" or not isinstance(value, str)}
        return {name: _without_words(value) for name, value in kept.items()}
    return [_without_words(item) for item in schema] if isinstance(schema, list | tuple) else schema


def _described(parameter: Parameter) -> Schema:
    return {**parameter.schema, "description": parameter.description}


@cache
def _components() -> Mapping[str, Schema]:
    """All that the HTTP reference describes, and what only tools answer with."""
    found: dict[str, Schema] = document("")["components"]["schemas"]
    members = {name: dict(found["Error"]["properties"][name]) for name in _ERROR_MEMBERS}
    del members["code"]["enum"]  # dozens of words that no model needs before it meets one
    return {
        **found,
        DONE: {"type": "object", "required": ["done"], "properties": {"done": {"type": "boolean", "const": True}}},
        ERROR: {"type": "object", "required": ["error"], "properties": members},
    }


def _self_contained(schema: Schema) -> Schema:
    """The schema with all it refers to under `$defs`."""
    found: dict[str, Schema] = {}
    asked = list(_references(schema))
    while asked:
        name = asked.pop(0)
        if name not in found:
            found[name] = _components()[name]
            asked += _references(found[name])
    whole = _local(schema)
    return {**whole, "$defs": {name: _local(found[name]) for name in sorted(found)}} if found else whole


def _references(schema: Any) -> Iterator[str]:
    for inner in _inner(schema):
        yield from _references(inner)
    if isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str):
        yield _name(schema["$ref"])


def _inner(schema: Any) -> Iterator[Any]:
    if isinstance(schema, Mapping):
        yield from schema.values()
    elif isinstance(schema, list | tuple):
        yield from schema


def _local(schema: Any) -> Any:
    if isinstance(schema, Mapping):
        inner = {name: _local(value) for name, value in schema.items()}
        return {**inner, "$ref": f"#/$defs/{_name(schema['$ref'])}"} if isinstance(schema.get("$ref"), str) else inner
    return [_local(item) for item in schema] if isinstance(schema, list | tuple) else schema


def _name(reference: str) -> str:
    return next(reference.removeprefix(place) for place in _PLACES if reference.startswith(place))
