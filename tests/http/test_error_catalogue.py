from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from app.errors import CODES, Problem

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "errors.md"
SOURCES = sorted((ROOT / "app").rglob("*.py"))


def _codes_in(tree: ast.AST) -> Iterator[ast.expr]:
    """What is given as the code of each `Problem(…)`; the branches of a conditional each count."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem"):
            continue
        code = node.args[0] if node.args else next(k.value for k in node.keywords if k.arg == "code")
        yield from (code.body, code.orelse) if isinstance(code, ast.IfExp) else (code,)


def test_the_page_on_errors_lists_every_code_with_its_status_and_meaning() -> None:
    rows = [f"| `{name}` | {code.status} | {code.meaning} |" for name, code in CODES.items()]
    expected = "\n".join(["| code | status | meaning |", "|---|---|---|", *rows])
    assert expected in DOCS.read_text(encoding="utf-8"), f"docs/errors.md should hold:\n\n{expected}"
    assert len(re.findall(r"^\| `", DOCS.read_text(encoding="utf-8"), re.MULTILINE)) == len(CODES)


def test_every_code_raised_in_the_source_is_in_the_catalogue() -> None:
    raised = {
        code.value: path.name
        for path in SOURCES
        for code in _codes_in(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(code, ast.Constant)
    }
    assert len(raised) > 10
    assert {code: where for code, where in raised.items() if code not in CODES} == {}


def test_every_code_of_the_catalogue_is_raised_somewhere() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in SOURCES if path.name != "errors.py")
    assert [code for code in CODES if f'"{code}"' not in source] == []


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_a_word_with_an_error_status_and_a_sentence(code: str) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
    assert HTTPStatus(CODES[code].status) >= 400
    assert CODES[code].meaning.endswith(".")
    assert "|" not in CODES[code].meaning
    assert Problem(code, "Why.").status == CODES[code].status


def test_a_problem_cannot_be_made_with_a_code_that_is_not_in_the_catalogue() -> None:
    with pytest.raises(AssertionError, match="no_such_code"):
        Problem("no_such_code", "Why.")


def test_the_field_found_first_stays() -> None:
    problem = Problem("invalid_field", "Why.").at("inner")
    assert problem.at("outer").field == "inner"
