from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ids import new_secret
from app.logs import log, redact
from tests.support.service import Api, Calendar, Service


def lines(captured: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in captured.readouterr().err.splitlines()]


def test_a_line_is_one_json_object_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    log("thing.done", text='line\nbreak "quoted" \x1b[31m ünï', number=1.5, nothing=None, odd=ValueError("why"))
    (line,) = lines(capsys)
    assert line["event"] == "thing.done"
    assert line["text"] == 'line\nbreak "quoted" \x1b[31m ünï'
    assert (line["number"], line["nothing"], line["odd"]) == (1.5, None, "why")
    assert line["at"].endswith("+00:00")


@pytest.mark.parametrize("prefix", ["sk_live", "feed", "inb", "whsec"])
@given(around=st.tuples(*[st.text(st.characters(codec="utf-8"), max_size=3)] * 2))
def test_a_secret_is_struck_out_wherever_it_stands(prefix: str, around: tuple[str, str]) -> None:
    secret = new_secret(prefix)
    text = redact(f"{around[0]}{secret}{around[1]}")
    assert secret[len(prefix) + 1 :] not in text
    assert f"{prefix}_…" in text


def test_a_secret_at_the_beginning_of_a_line_of_a_trace_is_struck_out(capsys: pytest.CaptureFixture[str]) -> None:
    secret = new_secret("sk_live")
    log("request.fault", trace=f"Traceback:\n{secret}\n\t{secret}", nested={"key": [secret]})
    assert secret[8:] not in capsys.readouterr().err


def test_ids_and_prefixes_stay_readable() -> None:
    for text in ("cal_aB3dE5fG7hJ9", "sk_live_aB3dE5", "feed_…", "evt_aB3dE5fG7hJ9_20260301", "key_aB3dE5fG7hJ9"):
        assert redact(text) == text


def test_each_request_leaves_one_line_with_its_id(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    anyone = Api(service.url, None)
    answers = [anyone.get("/health"), anyone.get("/calendars"), anyone.get("/nowhere"), anyone.post("/agents", [])]
    written = lines(capsys)
    assert [line["event"] for line in written] == ["request.done"] * 4
    assert [line["request_id"] for line in written] == [answer.headers["X-Request-Id"] for answer in answers]
    assert [line["status"] for line in written] == [200, 401, 404, 400]
    assert [line["path"] for line in written] == ["/health", "/calendars", "/nowhere", "/agents"]
    assert all(line["ms"] >= 0 for line in written)


def test_no_secret_reaches_the_log(calendar: Calendar, capsys: pytest.CaptureFixture[str]) -> None:
    api, created = calendar.api, calendar.created
    inbound = created["inbound_webhook_url"]
    other = api.made("/agents/keys", scope="read")["api_key"]
    given_secret = "a secret of my own"
    api.changed(calendar.path, {"webhook_url": "https://example.com/hook?key=abc", "webhook_secret": given_secret})
    made = api.changed(calendar.path, {"webhook_secret": None})["webhook_secret"]
    api.http.get(created["ical_feed_url"])
    api.http.post(inbound, json={})
    api.get(f"/calendars/{created['feed_token']}")
    api.get(f"/nowhere/{other}")
    api.post("/calendars", {"name": other, created["feed_token"]: 1})
    api.http.get("/calendars", headers={"Authorization": f"Basic {other}"})
    written = capsys.readouterr().err
    assert len(written.splitlines()) >= 8
    assert all(json.loads(line)["request_id"] for line in written.splitlines())
    for secret in (api.key, other, created["feed_token"], inbound.rpartition("/")[2], made, given_secret, "key=abc"):
        assert str(secret) not in written
