"""Topics, changes and llms.txt: as pages for people, as Markdown for everybody else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from app.pages.catalogue.words import TITLE
from app.pages.docs import changelog_page, topic_page
from app.pages.manual.llms import llms_text
from app.pages.manual.topics import TOPICS, operations_of, text_of
from app.pages.prose import html_of
from tests.pages.test_docs import URL, Page
from tests.support.service import Api, Calendar, Service

ROOT = Path(__file__).parents[2]
BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize("name", TOPICS)
def test_a_topics_page_is_well_formed_and_shows_its_prose_and_its_requests(name: str) -> None:
    text = topic_page(TOPICS[name], (), URL)
    page = Page(text)
    assert page.open == []
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert [link for link in page.values("href") if link.startswith("#") and link[1:] not in ids] == []
    assert [tag for tag, _ in page.found].count("h1") == 1
    assert [attributes for tag, attributes in page.found if tag == "script"] == [{}]
    assert [attributes for tag, attributes in page.found if tag == "pre" and "aria-label" not in attributes] == []
    for operation in operations_of(TOPICS[name]):
        assert f'<article aria-labelledby="{operation.id}">' in text
    assert page.values("src") == []


def test_browsers_get_a_page_and_everybody_else_markdown(service: Service) -> None:
    http = Api(service.url, None).http
    for path, beginning in (("/docs/time", "# Time"), ("/changelog", "# Changelog")):
        markdown, page = http.get(path), http.get(path, headers=BROWSER)
        assert markdown.headers["Content-Type"] == "text/markdown; charset=utf-8"
        assert markdown.text.startswith(beginning)
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "script-src 'sha256-" in page.headers["Content-Security-Policy"]
        assert page.text.startswith("<!doctype html>")
        assert markdown.headers["Vary"] == page.headers["Vary"] == "Accept"
        assert markdown.headers["ETag"] != page.headers["ETag"]
        again = http.get(path, headers={**BROWSER, "If-None-Match": page.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_a_topic_that_is_not_there_is_404_with_the_nearest(service: Service) -> None:
    refused = Api(service.url, None).get("/docs/webhook")
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert refused.json()["hint"].startswith("Did you mean webhooks?")


def test_the_changelog_is_the_projects_own(service: Service) -> None:
    text = Api(service.url, None).get("/changelog").text
    assert re.sub(r"\(/docs/([a-z-]+)\)", r"(docs/\1.md)", text) == (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert Page(changelog_page()).open == []
    assert "<h2>Unreleased</h2>" in changelog_page()


def test_every_document_is_part_of_what_is_installed() -> None:
    """A wheel's files: those of the packages, and what pyproject.toml names besides."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert '"share/kalends" = ["schema.sql", "CHANGELOG.md"]' in project
    assert '"share/kalends/docs" = ["docs/*.md"]' in project
    found = [*(ROOT / "app" / "pages").glob("*.*"), *(ROOT / "app" / "pages" / "catalogue").glob("*.*")]
    assert [kind for kind in {path.suffix for path in found} - {".py"} if f'"*{kind}"' not in project] == []


def test_prose_becomes_tables_and_code_and_markup_in_it_is_shown_not_obeyed() -> None:
    found = html_of(
        '| a | b |\n|---|---|\n| `x` | <b>y</b> |\n\n```sh\ncurl -s "$URL"\n```\n\n<script>alert(1)</script>\n'
    )
    assert '<div class="wide"><table>' in found
    assert "&lt;b&gt;y&lt;/b&gt;" in found
    assert '<pre class="command" tabindex="0" role="region" aria-label="Command">curl -s &quot;$URL&quot;' in found
    assert "<script>" not in found


def test_llms_txt_has_the_form_that_is_proposed(service: Service) -> None:
    answer = Api(service.url, None).get("/llms.txt")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    lines = answer.text.splitlines()
    assert lines[0] == f"# {TITLE}"
    assert lines[2].startswith("> ")
    prose, *lists = re.split(r"^## .*$", answer.text, flags=re.MULTILINE)
    assert "curl -s -X POST" in prose
    assert not re.search(r"^#{2,} ", prose, re.MULTILINE)
    for entries in lists:
        assert all(re.fullmatch(r"- \[[^]]+\]\(\S+\): .+", line) for line in entries.strip().splitlines())
    assert len(answer.content) < 6_000  # short enough to be read whole


def test_every_link_of_llms_txt_leads_somewhere(service: Service) -> None:
    http = Api(service.url, None).http
    links: list[Any] = re.findall(r"\]\((\S+?)\)", llms_text(service.url))
    assert len(links) == len(TOPICS) + 5
    assert [link for link in links if http.get(link).status_code != 200] == []


@pytest.mark.parametrize("name", TOPICS)
def test_every_link_between_documents_leads_somewhere(name: str, service: Service) -> None:
    http = Api(service.url, None).http
    links: list[Any] = re.findall(r"\]\((/\S+?)\)", text_of(TOPICS[name], ()))
    assert [link for link in links if http.get(link).status_code != 200] == []


def test_every_rule_that_is_shown_makes_a_series(calendar: Calendar) -> None:
    rules = re.findall(r"^\| .* \| `(FREQ=[^`]+)` \|$", text_of(TOPICS["recurrence"], ()), re.MULTILINE)
    assert len(rules) >= 8
    for rule in rules:
        made = calendar.add(title="Shown", start="2026-03-03T09:00:00", duration="PT1H", recurrence=rule)
        assert (made["status"], made["recurrence"]) == ("recurring", rule)
