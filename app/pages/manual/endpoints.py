"""Operations as the manual's JSON tells of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from app.pages.catalogue import OPERATIONS, headers
from app.pages.catalogue.bodies import body_schema
from app.pages.catalogue.examples import answer_of
from app.pages.catalogue.shape import Operation
from app.pages.catalogue.words import PATH_VARIABLES
from app.pages.curl import curl_of
from app.pages.schema_words import type_words


def endpoint(operation: Operation, url: str, values: Mapping[str, str]) -> dict[str, Any]:
    """`values` stand for variables of the example. What removes something keeps its variables: a command that was only
    read must not remove anything when it is run as it stands."""
    example = operation.examples[0]
    return {
        "id": operation.id,
        "method": operation.method,
        "path": operation.path,
        "description": f"{operation.summary}. {operation.description}",
        "auth": auth_of(operation),
        "parameters": _parameters_of(operation.id),
        "example_curl": curl_of(operation, example, url, {} if operation.method == "DELETE" else values),
        "example_response": answer_of(operation.id, example.name),
    }


def auth_of(operation: Operation) -> str:
    """What key it asks for, in a word or two."""
    if operation.scope is not None:
        return f"key of scope {operation.scope}"
    if operation.for_operators:
        return "operators' token"
    return "optional key" if operation.welcomes_key else "none"


@cache
def _parameters_of(operation_id: str) -> tuple[dict[str, Any], ...]:
    """Kept, because the schema of a body takes a millisecond to make."""
    return tuple(_parameters(next(operation for operation in OPERATIONS if operation.id == operation_id)))


def _parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for name in operation.path_variables:
        yield _parameter(name, "path", True, "string", PATH_VARIABLES[name][1])
    for found in operation.query:
        yield _parameter(found.name, "query", found.required, type_words(found.schema), found.description)
    for name in operation.request_headers:
        header = headers.REQUEST[name]
        yield _parameter(name, "header", header.required, type_words(header.schema), header.description)
    if operation.request is not None:
        schema = body_schema(operation.request)
        required = schema.get("required", ())
        for name, field in schema["properties"].items():
            yield _parameter(name, "body", name in required, type_words(field), field["description"])


def _parameter(name: str, place: str, required: bool, kind: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "type": kind, "description": description}
