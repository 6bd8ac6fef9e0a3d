"""How requests enter: the bearer key, the JSON body into a schema, the query string into values.

Everything refused here is refused before the database is asked for anything.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from typing import Any, Final, TypeVar, cast, get_args

import msgspec
from litestar import Request
from litestar.types import Scope
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from app.errors import Problem
from app.ids import digest

AnyRequest = Request[Any, Any, Any]
_LONGEST_KEY: Final = 200  # characters; ours have 40, and nothing longer is worth hashing
DEPTH_MOST: Final = 64  # levels of JSON; no field here takes half as many, and every reader's stack carries them
_SHOWN: Final = 60  # characters of a caller's text that an error repeats
_KEY: Final = "kalends.key_hash"  # where the scope keeps it
PRESENTED: Final = "kalends.presented"  # in a scope: the digest of the key that came along, or None
HEAD: Final = "kalends.head"  # in a scope: the client asked with HEAD
_BEARER: Final = re.compile(r"^bearer +([!-~]+)$", re.IGNORECASE)
_decode = msgspec.json.Decoder().decode


class Body(BaseModel):
    """The base of every request schema: strict types, unknown fields refused. Validators raise Problems that name
    their field; those pass through pydantic as they are."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Schema = TypeVar("Schema", bound=Body)


def bearer(request: AnyRequest) -> bytes:
    """The digest of the request's key. Raises `unauthorized` when there is none; whether it lives is SQL's answer."""
    key_hash = request.scope.get(PRESENTED)
    if key_hash is not None:
        request.scope[_KEY] = key_hash  # type: ignore[typeddict-unknown-key]
        return cast("bytes", key_hash)
    if request.headers.get("authorization") is None:
        raise Problem(
            "unauthorized",
            "This request needs an API key.",
            hint="Send it as 'Authorization: Bearer sk_live_…'. POST /agents makes an agent and its first key.",
        )
    raise Problem(
        "unauthorized",
        "The Authorization header does not hold a bearer key.",
        hint="Send it as 'Authorization: Bearer sk_live_…'.",
    )


def _digest_of(header: str) -> bytes | None:
    match = _BEARER.match(header.strip())
    return digest(match[1]) if match is not None and len(match[1]) <= _LONGEST_KEY else None


def presented_key(scope: Scope) -> bytes | None:
    """The digest of the key a request comes with, whether or not it is asked for one, and whether or not it lives."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            return _digest_of(value.decode("latin-1"))
    return None


def is_head(request: AnyRequest) -> bool:
    """Whether the client asked with HEAD; routes see GET."""
    return bool(request.scope.get(HEAD))


def key_in(scope: Scope) -> bytes | None:
    """The digest that `bearer` read for this request; None where no key was asked for."""
    return cast("bytes | None", scope.get(_KEY))


async def read_json(request: AnyRequest, schema: type[Schema], *, empty: bool = False) -> Schema:
    """The body, checked against `schema`. With `empty`, no body at all counts as `{}`."""
    raw = await request.body()
    if empty and not raw.strip():
        raw = b"{}"
    return parse(raw, schema)


def parse(raw: bytes, schema: type[Schema]) -> Schema:
    """Raises `invalid_json`, `missing_field`, `unknown_field` or `invalid_field`, naming the field at fault."""
    return checked(decode_object(raw), schema)


def checked(value: Mapping[str, Any], schema: type[Schema]) -> Schema:
    """`parse`, for an object that is decoded."""
    try:
        return schema.model_validate(value)
    except ValidationError as error:
        raise _first_problem(error, schema) from None


def decode_object(raw: bytes) -> dict[str, Any]:
    """One JSON object in strict UTF-8, without NUL characters and lone surrogates: Postgres could not store those."""
    value = decode_unseen(raw)
    if raw.count(b"[") + raw.count(b"{") > DEPTH_MOST or b"\\u0000" in raw:
        inspect(value)
    return value


def decode_unseen(raw: bytes) -> dict[str, Any]:
    """One JSON object in strict UTF-8, not inspected yet."""
    if not raw.strip():
        raise Problem("invalid_json", "The body is empty.", hint="Send a JSON object, such as {}.")
    try:
        value = _decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        detail = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Problem(
            "invalid_json",
            f"The body is not well-formed JSON: {detail}.",
            hint="Send one JSON object in UTF-8.",
        ) from None
    if not isinstance(value, dict):
        raise Problem("invalid_json", "The body is JSON, but not an object.", hint='Send {"field": value, …}.')
    return value


def inspect(value: dict[str, Any]) -> None:
    """Refuses NUL characters, in names too, and nesting beyond `DEPTH_MOST`. Without recursion: the value may be
    nested deeper than the stack."""
    waiting: list[tuple[Any, str | None, int]] = [(value, None, 1)]
    while waiting:
        item, field, depth = waiting.pop()
        if isinstance(item, str):
            if "\0" in item:
                raise Problem(
                    "invalid_field",
                    f"{field or 'The body'} holds a NUL character, which no calendar can store.",
                    hint="Leave \\u0000 out.",
                    field=field,
                )
        elif isinstance(item, (dict, list)):
            if depth > DEPTH_MOST:
                sentence = f"{field} is nested more than {DEPTH_MOST} levels deep."
                raise Problem("invalid_field", sentence, hint="Send flatter JSON.", field=field)
            if isinstance(item, list):
                waiting += [(inner, field, depth + 1) for inner in item]
                continue
            for name, inner in item.items():
                here = field or shown(name.replace("\0", ""))
                waiting += [(inner, here, depth + 1), (name, here, depth + 1)]


def shown(text: str) -> str:
    """`text` short enough to be repeated in an error."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def nearest(name: str, known: Collection[str]) -> str | None:
    found = difflib.get_close_matches(name[:_SHOWN], sorted(known), n=1)
    return found[0] if found else None


def unknown_field(name: str, known: Collection[str], what: str) -> Problem:
    close = nearest(name, known)
    hint = f"Did you mean {close}?" if close else f"Known here: {', '.join(sorted(known)) or 'nothing'}."
    name = shown(name)
    return Problem("unknown_field", f"{name} is not a {what} of this request.", hint=hint, field=name)


_TYPE_NAMES: Final = {
    "string_type": "a string",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "dict_type": "an object",
    "list_type": "an array",
    "model_type": "an object",
}


def _first_problem(error: ValidationError, schema: type[Body]) -> Problem:
    """The first fault in the order of the schema's fields; unknown fields only when the known ones are right."""
    details = error.errors(include_url=False)
    first = min(details, key=lambda d: d["type"] == "extra_forbidden")
    return _problem_of(first, schema)


def _problem_of(detail: ErrorDetails, schema: type[Body]) -> Problem:
    kind = detail["type"]
    context = detail.get("ctx", {})
    path = detail["loc"]
    name = ".".join(str(part) for part in path) or "body"
    if kind == "missing" or (detail["input"] is None and _is_required(schema, path)):
        return Problem("missing_field", f"{name} is required.", hint=f"Add {name} to the body.", field=name)
    if kind == "extra_forbidden":
        return unknown_field(name, members(_inner(schema, path)).keys(), "field")
    if kind in _TYPE_NAMES:
        return Problem("invalid_field", f"{name} must be {_TYPE_NAMES[kind]}.", field=name)
    if kind == "literal_error":
        return Problem("invalid_field", f"{name} must be {context['expected']}.", field=name)
    if kind == "string_too_long":
        return Problem("invalid_field", f"{name} is longer than {context['max_length']} characters.", field=name)
    if kind == "string_too_short":
        return Problem("invalid_field", f"{name} must not be empty.", field=name)
    if kind == "too_long":
        return Problem("invalid_field", f"{name} has more than {context['max_length']} entries.", field=name)
    return Problem("invalid_field", f"{name}: {detail['msg']}.", field=name)


def _inner(schema: type[Body], path: tuple[int | str, ...]) -> type[Body]:
    """The schema of the object in which the last member of `path` stands."""
    for part in path[:-1]:
        field = members(schema).get(str(part))
        options = () if field is None else (field.annotation, *get_args(field.annotation))
        schema = next((each for each in options if isinstance(each, type) and issubclass(each, Body)), schema)
    return schema


def members(schema: type[Body]) -> dict[str, FieldInfo]:
    """The fields of a schema under their names on the wire."""
    return {field.alias or name: field for name, field in schema.model_fields.items()}


def _is_required(schema: type[Body], path: tuple[int | str, ...]) -> bool:
    field = members(schema).get(str(path[0])) if len(path) == 1 else None
    return field is not None and field.is_required()


_UNREADABLE: Final = frozenset("\0\ufffd")  # NUL cannot be stored; the other stands for bytes that are not UTF-8


def query_values(request: AnyRequest, known: Collection[str]) -> Mapping[str, str]:
    """The query string as one value a name. Raises `unknown_field` for a name not in `known`, and
    `invalid_field` for one given twice or holding NUL."""
    values: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise unknown_field(name, known, "parameter")
        if name in values:
            raise Problem("invalid_field", f"{name} is given twice.", hint=f"Give {name} once.", field=name)
        if not _UNREADABLE.isdisjoint(value):
            raise Problem("invalid_field", f"{name} holds characters that cannot be read.", field=name)
        values[name] = value
    return values


_WHOLE: Final = re.compile(r"[0-9]{1,12}")


def whole_number(values: Mapping[str, str], name: str, default: int, *, least: int, most: int | None) -> int:
    """A whole number parameter; above `most` it is clamped, anything else out of order is `invalid_field`."""
    text = values.get(name)
    if text is None:
        return default
    if not _WHOLE.fullmatch(text) or int(text) < least:
        raise Problem(
            "invalid_field",
            f"{name} must be a whole number from {least}" + (f" to {most}." if most is not None else "."),
            hint=f"Leave it out for {default}.",
            field=name,
        )
    return int(text) if most is None else min(int(text), most)


def flag(values: Mapping[str, str], name: str, default: bool = False) -> bool:
    text = values.get(name)
    if text is None:
        return default
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    raise Problem("invalid_field", f"{name} must be true or false.", field=name)


def choice(values: Mapping[str, str], name: str, options: Collection[str]) -> str | None:
    text = values.get(name)
    if text is not None and text not in options:
        raise Problem("invalid_field", f"{name} must be one of {', '.join(options)}.", field=name)
    return text
