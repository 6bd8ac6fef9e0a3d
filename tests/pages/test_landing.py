"""The first page: its commands work as they stand, and it says whether the deployment does."""

from __future__ import annotations

import html
import re
import shlex
from itertools import pairwise
from urllib.parse import urlsplit

import psycopg

from app.pages.curl import KEY
from tests.support.service import Api, Service


def commands(service: Service) -> list[str]:
    page = Api(service.url, None).get("/").text
    return [html.unescape(found) for found in re.findall(r'<code id="command-\d">(.*?)</code>', page, re.DOTALL)]


def test_its_three_commands_make_an_agent_a_calendar_and_an_event(service: Service) -> None:
    known = {KEY: "", "CALENDAR": ""}
    answers = []
    for command in commands(service):
        for name, value in known.items():
            command = command.replace(f"${name}", value)
        words = shlex.split(command.replace("\\\n", " "))
        assert words[:4] == ["curl", "-s", "-X", "POST"]
        headers = dict(word.split(": ") for flag, word in pairwise(words) if flag == "-H")
        answer = Api(words[4].rsplit("/", 1)[0], None).http.post(words[4], content=words[-1], headers=headers)
        assert answer.status_code == 201, answer.text
        answers.append(answer.json())
        known[KEY] = answers[0]["api_key"]
        known["CALENDAR"] = answers[-1].get("calendar_id", "")
    page = html.unescape(Api(service.url, None).get("/").text)
    assert answers[2]["reads"] == "Mon 9 Mar 2026, 12:00–13:00 in New York."
    assert f"<code>{answers[2]['reads']}</code>" in page


def test_it_leads_to_all_that_is_to_be_read(service: Service) -> None:
    page = Api(service.url, None).get("/")
    for path in ("/docs", "/man", "/llms.txt", "/openapi.json", "/changelog"):
        assert f'href="{path}"' in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.text.count("<script") == page.text.count("<script src=")


def test_it_says_whether_requests_would_be_served(own_service: Service, database_server: str) -> None:
    home = Api(own_service.url, None)
    assert 'data-state="up">Ready<' in home.get("/").text
    name = urlsplit(own_service.dsn).path.removeprefix("/")
    with psycopg.connect(database_server, autocommit=True) as other:
        other.execute(f'alter database "{name}" allow_connections false')
        other.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
    page = home.get("/")
    assert page.status_code == 200
    assert 'data-state="down">Not ready' in page.text
