"""The catalogue as an OpenAPI 3.1 document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from app.errors import CODES
from app.pages.catalogue import OPERATIONS, SECTIONS, headers
from app.pages.catalogue.bodies import FIELDS, INNER, body_schema
from app.pages.catalogue.examples import VARIABLES, answer_of, error_of, with_values
from app.pages.catalogue.members import ref
from app.pages.catalogue.objects import OBJECTS
from app.pages.catalogue.shape import JSON, Answer, Example, Operation, Parameter, Schema
from app.pages.catalogue.words import INTRODUCTION, PATH_VARIABLES, TITLE
from app.pages.release import release

Document = dict[str, Any]


def document(url: str) -> Document:
    """The whole description; `url` is what requests are sent to, without a final slash."""
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": TITLE,
            "version": release(),
            "summary": "Calendars for AI agents, over plain HTTP.",
            "description": "\n\n".join(f"## {head}\n\n{text}" for head, text in INTRODUCTION.items()),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": url}],
        "tags": [{"name": section} for section in SECTIONS],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, sk_live_…, from POST /agents or POST /agents/keys.",
                },
                "operators": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The deployment's KALENDS_METRICS_TOKEN, which its operators have.",
                },
            },
            "schemas": {**OBJECTS, **{model.__name__: body_schema(model) for model in (*FIELDS, *INNER)}},
            "examples": {code: {"summary": CODES[code].meaning, "value": error_of(code)} for code in CODES},
            "headers": {header.name: _header(header) for header in headers.ANSWER.values()},
            "parameters": {
                **{name: _parameter(parameter, "path") for name, parameter in _path_parameters().items()},
                **{header.name: _parameter(header, "header") for header in headers.REQUEST.values()},
            },
        },
    }


def _security_without_key(operation: Operation) -> list[Schema]:
    if operation.for_operators:
        return [{"operators": []}]
    return [{}, {"key": []}] if operation.welcomes_key else []


def _operation(operation: Operation) -> Schema:
    shared = [*operation.path_variables, *operation.request_headers]
    described: Schema = {
        "operationId": operation.id,
        "tags": [operation.section],
        "summary": operation.summary,
        "description": f"{operation.description}\n\n{operation.needs}",
        "parameters": [
            *({"$ref": f"#/components/parameters/{name}"} for name in shared),
            *(_parameter(parameter, "query") for parameter in operation.query),
        ],
        "responses": {
            **{str(answer.status): _answer(operation, answer) for answer in operation.all_answers},
            **_errors(operation),
        },
    }
    if operation.scope is None:
        described["security"] = _security_without_key(operation)
    if operation.body is not None:
        described["requestBody"] = {
            "required": operation.body_required,
            "content": {
                JSON: {
                    "schema": ref(operation.body),
                    "examples": {
                        example.name: _named(example, _with_values_in(example.body))
                        for example in operation.examples
                        if example.body is not None
                    },
                }
            },
        }
    if operation.takes is not None:
        described["requestBody"] = {
            "required": True,
            "content": {
                operation.takes: {
                    "schema": {"type": "string"},
                    "examples": {each.name: _named(each, each.text) for each in operation.examples},
                }
            },
        }
    return described


def _with_values_in(body: Mapping[str, Any] | None) -> dict[str, Any]:
    """A body with its variables replaced."""
    return {name: with_values(value) if isinstance(value, str) else value for name, value in (body or {}).items()}


def _named(example: Example, value: Any) -> Schema:
    return {"summary": example.summary, "value": value} if example.summary else {"value": value}


def _answer(operation: Operation, answer: Answer) -> Schema:
    described: Schema = {
        "description": answer.description,
        "headers": _header_refs(headers.of_answer(operation, answer)),
    }
    if answer.has_body:
        content: Schema = {"schema": ref(answer.schema) if answer.schema else {"type": "string"}}
        recorded = ((example, answer_of(operation.id, example.name)) for example in operation.examples)
        if answer is operation.answers[0]:
            content["examples"] = {example.name: _named(example, value) for example, value in recorded if value}
        described["content"] = {answer.media: content}
    return described


def _errors(operation: Operation) -> Schema:
    """One answer a status, naming the codes that may come with it."""
    by_status: dict[int, list[str]] = {}
    for code in operation.error_codes:
        by_status.setdefault(CODES[code].status, []).append(code)
    return {
        str(status): {
            "description": f"{HTTPStatus(status).phrase}. "
            + " ".join(f"`{code}`: {CODES[code].meaning}" for code in codes),
            "headers": _header_refs(headers.of_error(operation, status)),
            "content": {
                JSON: {
                    "schema": ref("Error"),
                    "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
                }
            },
        }
        for status, codes in by_status.items()
    }


def _header_refs(names: Iterable[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _header(header: Parameter) -> Schema:
    return {"description": header.description, "required": header.required, "schema": header.schema}


def _parameter(parameter: Parameter, place: str) -> Schema:
    return {
        "name": parameter.name,
        "in": place,
        "required": parameter.required,
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _path_parameters() -> dict[str, Parameter]:
    return {
        name: Parameter(name, {"type": "string", "examples": [VARIABLES[variable]]}, meaning, required=True)
        for name, (variable, meaning) in PATH_VARIABLES.items()
    }
