from __future__ import annotations

import base64
import hashlib
import re
import subprocess
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from app.errors import CODES
from app.http.requests import members
from app.pages.catalogue import OPERATIONS
from app.pages.catalogue.shape import Operation
from app.pages.docs import docs_page
from app.pages.frame import CONTENT_SECURITY_POLICY
from tests.support.service import Api, Calendar, Service

URL: Final = "https://calendars.example.com"
VOID: Final = {"meta", "link", "br", "img", "input", "hr"}
CSS: Final = Path(__file__).parents[2] / "app" / "pages" / "docs.css"


class Page(HTMLParser):
    """The page's elements; `open` holds what was never closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def values(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.found if name in attributes]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(docs_page(URL))


def test_the_page_is_well_formed_and_every_link_of_it_leads_somewhere(page: Page) -> None:
    assert page.open == []
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    inner = [link.removeprefix("#") for link in page.values("href") if link.startswith("#")]
    assert [link for link in inner if link not in ids] == []


def test_the_page_loads_nothing_and_links_to_no_other_host(page: Page) -> None:
    assert page.values("src") == []
    assert [tag for tag, _ in page.found if tag in ("link", "img", "iframe", "object", "form")] == []
    assert [attributes for tag, attributes in page.found if tag == "script"] == [{}]  # its own few lines
    assert [link for link in page.values("href") if not link.startswith(("#", "/"))] == []
    assert [name for _, attributes in page.found for name in attributes if name.startswith("on")] == []
    assert "url(" not in CSS.read_text(encoding="utf-8")
    assert "@import" not in CSS.read_text(encoding="utf-8")


def test_the_policy_of_the_page_lets_in_its_own_style_and_script_and_nothing_else(service: Service) -> None:
    answer = Api(service.url, None).get("/docs")
    policy = answer.headers["Content-Security-Policy"]
    for element in ("style", "script"):
        found = re.search(rf"<{element}>(.*?)</{element}>", answer.text, re.DOTALL)
        assert found is not None
        digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert policy == CONTENT_SECURITY_POLICY
    assert "http" not in policy
    assert ' style="' not in answer.text  # the policy would not let it in
    assert answer.headers["Content-Type"].startswith("text/html")


def test_the_page_has_landmarks_and_headings_in_order(page: Page) -> None:
    tags = [tag for tag, _ in page.found]
    for landmark in ("header", "nav", "main"):
        assert tags.count(landmark) == 1
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.found[0] == ("html", {"lang": "en"})
    scrollable = [attributes for tag, attributes in page.found if tag == "pre"]
    assert all(attributes["tabindex"] == "0" and attributes["aria-label"] for attributes in scrollable)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_their_ground_in_both_schemes(scheme: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5."""
    light, dark = re.findall(r":root \{(.*?)\}", CSS.read_text(encoding="utf-8"), re.DOTALL)
    colours = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", light if scheme == "light" else dark))
    for ink in ("ink", "soft", "link", "get", "post", "patch", "delete"):
        for ground in ("paper", "raised"):
            assert _contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)


def _contrast(one: str, other: str) -> float:
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_every_operation_is_on_the_page_with_its_parameters_command_and_errors(operation: Operation) -> None:
    article = _article(operation.id)
    assert operation.method in article
    assert operation.path in article
    for name in (*operation.path_variables, *(p.name for p in operation.query), *operation.request_headers):
        assert f"<code>{name}</code>" in article
    for name in members(operation.request) if operation.request else ():
        assert f"<code>{name}</code>" in article
    assert article.count('class="command"') == len(operation.examples)
    for code in operation.error_codes:
        assert f'href="#error-{code}"' in article


@cache
def _page_text() -> str:
    return docs_page(URL)


def _article(name: str) -> str:
    found = re.search(rf'<article aria-labelledby="{name}">.*?</article>', _page_text(), re.DOTALL)
    assert found is not None
    return found[0]


def test_every_code_is_in_the_table_of_errors(page: Page) -> None:
    assert [code for code in CODES if f"error-{code}" not in page.values("id")] == []


def test_a_command_copied_from_the_page_works_in_a_shell(calendar: Calendar, service: Service) -> None:
    """Its variables are those of a shell, and its quotes those a shell understands."""
    page = Page(docs_page(service.url))
    commands = [text for tag, text in page.texts if tag == "pre" and text.startswith("curl ")]
    assert len(commands) == sum(len(operation.examples) for operation in OPERATIONS)
    command = next(text for text in commands if "Standup" in text and "POST" in text)
    program = f'KALENDS_API_KEY={calendar.api.key} CALENDAR={calendar.id}; printf "%s\\n" {command[5:]}'
    words = subprocess.run(["/bin/sh", "-c", program], capture_output=True, text=True, check=True, timeout=10).stdout
    assert f"{service.url}{calendar.path}/events\n" in words
    assert f"Authorization: Bearer {calendar.api.key}\n" in words
    assert '"recurrence": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"' in words
