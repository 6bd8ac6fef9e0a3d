"""The catalogue as pages: one with everything, and one a topic. Nothing is loaded from anywhere, and all of it is
readable without style and script too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from html import escape
from typing import Any, Final

from app.errors import CODES
from app.pages.catalogue import SECTIONS, headers
from app.pages.catalogue.bodies import body_schema
from app.pages.catalogue.examples import answer_of, error_of
from app.pages.catalogue.objects import OBJECTS
from app.pages.catalogue.shape import Example, Operation, Parameter
from app.pages.catalogue.words import INTRODUCTION, PATH_VARIABLES, TITLE
from app.pages.curl import curl_of
from app.pages.frame import brand, links, page
from app.pages.manual.tools import Tools
from app.pages.manual.topics import Topic, changelog, operations_of, text_of
from app.pages.prose import html_of
from app.pages.schema_words import type_words

_CODE: Final = re.compile(r"`([^`]+)`")


def docs_page(url: str) -> str:
    """Everything; `url` is what its commands are sent to, without a final slash."""
    sections = "".join(_section(name, operations, url) for name, operations in SECTIONS.items())
    head = (
        f"<h1>{TITLE}</h1>\n<p>Calendars for AI agents, over plain HTTP. The same description for machines: "
        '<a href="/openapi.json">openapi.json</a>, <a href="/man">the manual</a>, '
        '<a href="/llms.txt">llms.txt</a>.</p>\n'
    )
    content = f"{_introduction()}{sections}{_objects()}{_errors()}"
    return page(f"{TITLE}: the HTTP interface", head, _index(), content)


def topic_page(topic: Topic, tools: Tools, url: str) -> str:
    """One topic: its prose, then what belongs to it."""
    operations = operations_of(topic)
    index = links("Requests", {f"#{o.id}": o.summary for o in operations}) if operations else ""
    articles = "".join(_operation(operation, url, "/docs") for operation in operations)
    requests = (
        f'<section aria-labelledby="requests"><h2 id="requests">Requests</h2>\n{articles}</section>\n'
        if articles
        else ""
    )
    content = f'<div class="prose">\n{html_of(text_of(topic, tools))}</div>\n{requests}'
    return page(f"{topic.title}: {TITLE}", brand(), index, content)


def changelog_page() -> str:
    """What is new."""
    return page(f"Changes: {TITLE}", brand(), "", f'<div class="prose">\n{html_of(changelog())}</div>\n')


def _index() -> str:
    parts = [links(name, {f"#{o.id}": o.summary for o in operations}) for name, operations in SECTIONS.items()]
    return "".join([*parts, links("Reference", {"#objects": "Objects", "#errors": "Errors"})])


def _introduction() -> str:
    items = "".join(f"<dt>{escape(head)}</dt><dd>{_prose(text)}</dd>\n" for head, text in INTRODUCTION.items())
    head = '<section aria-labelledby="overview"><h2 id="overview">What holds everywhere</h2>'
    return f"{head}\n<dl>{items}</dl></section>\n"


def _section(name: str, operations: Iterable[Operation], url: str) -> str:
    anchor = _anchor(name)
    articles = "".join(_operation(operation, url) for operation in operations)
    return f'<section aria-labelledby="{anchor}"><h2 id="{anchor}">{escape(name)}</h2>\n{articles}</section>\n'


def _operation(operation: Operation, url: str, errors_at: str = "") -> str:
    """`errors_at` is the page that explains the codes, empty for this one."""
    parts = [
        f'<article aria-labelledby="{operation.id}">\n<h3 id="{operation.id}">{escape(operation.summary)}</h3>\n',
        f'<p class="route"><code><span class="method {operation.method.lower()}">{operation.method}</span> '
        f"{escape(operation.path)}</code></p>\n",
        f"<p>{_prose(operation.description)} {_prose(operation.needs)}</p>\n",
        _parameters(operation),
        _body(operation),
        *(_example(operation, example, url) for example in operation.examples),
        _refusals(operation, errors_at),
        "</article>\n",
    ]
    return "".join(parts)


def _parameters(operation: Operation) -> str:
    rows = [
        *((name, "path, required", PATH_VARIABLES[name][1]) for name in operation.path_variables),
        *((p.name, _kind(p, "query"), p.description) for p in operation.query),
        *(
            (name, _kind(headers.REQUEST[name], "header"), headers.REQUEST[name].description)
            for name in operation.request_headers
        ),
    ]
    return _table("Parameters", ("name", "kind", "meaning"), rows) if rows else ""


def _kind(parameter: Parameter, place: str) -> str:
    return f"{place}{', required' if parameter.required else ''}; {type_words(parameter.schema)}"


def _body(operation: Operation) -> str:
    if operation.request is None:
        return ""
    schema = body_schema(operation.request)
    required = schema.get("required", ())
    rows = [
        (name, ("required; " if name in required else "") + type_words(field), field["description"])
        for name, field in schema["properties"].items()
    ]
    return _table("Body", ("field", "kind", "meaning"), rows)


def _example(operation: Operation, example: Example, url: str) -> str:
    title = f": {example.summary}" if example.summary else ""
    keeps = "".join(f" Keep `{member}` as `{name}`." for name, member in example.keeps.items())
    answer = answer_of(operation.id, example.name)
    status = operation.answers[0].status
    if answer is None:
        shown = f'<p class="soft">Answer: {status}{"" if operation.answers[0].has_body else ", without a body"}.</p>\n'
    else:
        label = f"Answer, {operation.summary}{title}"
        shown = f"<h4>Answer {status}</h4>\n{_pre(_text_of(answer), 'answer', label)}"
    return (
        f"<h4>Example{escape(title)}</h4>\n"
        + _pre(curl_of(operation, example, url), "command", f"Command, {operation.summary}{title}")
        + (f'<p class="soft">{_prose(keeps.strip())}</p>\n' if keeps else "")
        + shown
    )


def _refusals(operation: Operation, errors_at: str) -> str:
    codes = ", ".join(f'<a href="{errors_at}#error-{code}"><code>{code}</code></a>' for code in operation.error_codes)
    return f"<h4>Errors</h4>\n<p>{codes}</p>\n"


def _objects() -> str:
    parts = ['<section aria-labelledby="objects"><h2 id="objects">Objects</h2>\n']
    for name, schema in OBJECTS.items():
        required = schema.get("required", ())
        rows = [
            (member, type_words(field) + ("" if member in required else "; at times"), field.get("description", ""))
            for member, field in schema.get("properties", {}).items()
        ]
        parts.append(
            f'<article aria-labelledby="object-{name}"><h3 id="object-{name}">{name}</h3>\n'
            f"<p>{_prose(schema['description'])}</p>\n{_rows(name, ('member', 'kind', 'meaning'), rows)}</article>\n"
        )
    return "".join([*parts, "</section>\n"])


def _errors() -> str:
    rows = "".join(
        f'<tr id="error-{name}"><td><code>{name}</code></td><td>{code.status}</td>'
        f"<td>{_prose(code.meaning)}</td></tr>\n"
        for name, code in CODES.items()
    )
    example = _pre(_text_of(error_of("invalid_timezone")), "answer", "An error")
    return (
        f'<section aria-labelledby="errors"><h2 id="errors">Errors</h2>\n{example}<div class="wide"><table>\n'
        f'<thead><tr><th scope="col">code</th><th scope="col">status</th><th scope="col">meaning</th></tr></thead>\n'
        f"<tbody>{rows}</tbody></table></div></section>\n"
    )


def _table(title: str, head: Iterable[str], rows: Iterable[tuple[str, str, str]]) -> str:
    return f"<h4>{escape(title)}</h4>\n{_rows(title, head, rows)}"


def _rows(label: str, head: Iterable[str], rows: Iterable[tuple[str, str, str]]) -> str:
    cells = "".join(f'<th scope="col">{name}</th>' for name in head)
    lines = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{_prose(kind)}</td><td>{_prose(meaning)}</td></tr>\n"
        for name, kind, meaning in rows
    )
    return (
        f'<div class="wide"><table aria-label="{escape(label)}">\n<thead><tr>{cells}</tr></thead>\n'
        f"<tbody>{lines}</tbody></table></div>\n"
    )


def _pre(text: str, kind: str, label: str) -> str:
    """Text as it stands. What may need scrolling can be reached with the keyboard, and so has a name."""
    return f'<pre class="{kind}" tabindex="0" role="region" aria-label="{escape(label)}">{escape(text)}</pre>\n'


def _text_of(answer: Any) -> str:
    if isinstance(answer, str):
        return answer.replace("\r\n", "\n").rstrip("\n")
    return json.dumps(answer, ensure_ascii=False, indent=2)


def _prose(text: str) -> str:
    """Escaped text in which `this` is code."""
    return _CODE.sub(r"<code>\1</code>", escape(text, quote=False))


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")
