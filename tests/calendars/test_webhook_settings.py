from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from app.errors import Problem
from app.net.urls import check_webhook_url
from app.settings import Settings
from tests.support.service import Api, Calendar, Service

PUBLIC = Settings(host="0.0.0.0")
LOCAL = Settings()
EVERYWHERE = (PUBLIC, LOCAL, replace(PUBLIC, allow_private_hosts=True), replace(LOCAL, allow_private_hosts=False))


def _taken(url: str, settings: Settings) -> bool:
    try:
        check_webhook_url(url, settings)
    except Problem as problem:
        refusal = problem
    else:
        return True
    assert (refusal.code, refusal.field) == ("invalid_field", "webhook_url")
    assert refusal.hint
    return False


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/hooks/kalends?team=7",
        "http://example.com:8080/",
        "HTTPS://EXAMPLE.COM/x",
        "https://my_service.example.com./x",
        "https://xn--bcher-kva.example/x",
        "https://8.8.8.8/x",
        "https://[2606:4700:4700::1111]/x",
        "https://example.com/" + "x" * 2028,
    ],
)
def test_a_public_address_may_be_called_from_everywhere(url: str) -> None:
    assert all(_taken(url, settings) for settings in EVERYWHERE)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com/x",
        "ftp://example.com",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "https:///x",
        "https://:443/",
        "https://user@example.com",
        "https://user:password@example.com",
        "https://:@example.com",
        "https://example.com/#x",
        "https://example.com/#",
        "https://exa mple.com",
        "https://example.com/a b",
        "https://example.com/\r\nX-Injected: 1",
        "https://example.com/\t",
        "https://example.com/\x7f",
        "https://bücher.example",
        "https://example.com:99999",
        "https://example.com:0",
        "https://example.com:http",
        "https://[::1",
        "https://[example.com]/",
        "https://exa%6dple.com",
        "https://example..com",
        "https://example.com\\@10.0.0.1/",
        "https://ex<ample>.com",
        "https://example.com/" + "x" * 2029,
    ],
)
def test_what_is_no_plain_http_address_is_refused_everywhere(url: str) -> None:
    assert not any(_taken(url, settings) for settings in EVERYWHERE)


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "[::]",
        "[fe80::1]",
        "[fec0::1]",
        "[fd00::1]",
        "[ff02::1]",
        "[::ffff:10.0.0.1]",
        "[::10.0.0.1]",
        "[64:ff9b::a00:1]",
        "[2002:a00:1::]",
        "10.1",
        "0xa.0.0.1",
        "012.0.0.1",
        "167772161",
        "0x0a000001",
        "10.0.0.1.",
    ],
)
def test_a_private_address_in_any_spelling_needs_permission(host: str) -> None:
    url = f"http://{host}/x"
    assert not _taken(url, PUBLIC)
    assert not _taken(url, LOCAL)
    assert not _taken(url, replace(LOCAL, allow_private_hosts=False))
    assert _taken(url, replace(PUBLIC, allow_private_hosts=True))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "127.1"])
def test_loopback_may_be_called_by_a_start_bound_to_loopback_unless_forbidden(host: str) -> None:
    url = f"http://{host}:9000/x"
    assert _taken(url, LOCAL)
    assert _taken(url, replace(LOCAL, host="::1"))
    assert not _taken(url, PUBLIC)
    assert not _taken(url, replace(LOCAL, allow_private_hosts=False))
    assert _taken(url, replace(PUBLIC, allow_private_hosts=True))


def test_a_refused_address_makes_no_calendar(api: Api) -> None:
    refused = api.post("/calendars", {"name": "Work", "webhook_url": "http://10.0.0.1/x"})
    assert (refused.status_code, refused.json()["field"]) == (400, "webhook_url")
    assert "private" in refused.json()["error"]
    assert api.got("/calendars") == {"calendars": []}


@pytest.mark.parametrize("offset", ["0", "-5m", "-1h", "-2d", "+10m", "-90s", "-30d", "+720h"])
def test_an_offset_is_a_signed_number_with_a_unit(api: Api, offset: str) -> None:
    made = api.made("/calendars", name="Work", webhook_url="https://example.com", webhook_offsets=[offset])
    assert made["webhook_offsets"] == [offset]


@pytest.mark.parametrize(
    "offset",
    [
        "",
        "5m",
        "-5",
        "-5 m",
        "-5w",
        "--5m",
        "-1.5h",
        "-31d",
        "+43201m",
        "-" + "9" * 5000 + "d",
        "-٥m",
        "P1D",
        None,
        5,
        {},
    ],
)
def test_another_offset_is_refused_by_its_place_in_the_list(api: Api, offset: Any) -> None:
    refused = api.post("/calendars", {"name": "Work", "webhook_offsets": ["-5m", offset]})
    assert refused.status_code == 400
    assert refused.json()["field"] == "webhook_offsets.1"
    assert len(refused.text) < 1000


def test_twenty_offsets_are_taken_and_no_more(api: Api) -> None:
    api.made("/calendars", name="Work", webhook_offsets=[f"-{n}m" for n in range(20)])
    refused = api.post("/calendars", {"name": "Work", "webhook_offsets": [f"-{n}m" for n in range(21)]})
    assert refused.json()["field"] == "webhook_offsets"
    assert "20" in refused.json()["error"]


def test_a_secret_is_made_with_the_address_and_shown_once(api: Api) -> None:
    made = api.made("/calendars", name="Work", webhook_url="https://example.com/x")
    assert made["webhook_secret"].startswith("whsec_")
    read = api.get(f"/calendars/{made['calendar_id']}")
    assert read.json()["has_webhook_secret"] is True
    assert made["webhook_secret"] not in read.text
    again = api.changed(f"/calendars/{made['calendar_id']}", {"webhook_url": "https://example.com/y"})
    assert "webhook_secret" not in again


def test_a_secret_of_ones_own_is_kept_and_not_repeated(api: Api) -> None:
    made = api.post("/calendars", {"name": "W", "webhook_url": "https://example.com", "webhook_secret": "my own"})
    assert made.status_code == 201
    assert "my own" not in made.text
    assert "webhook_secret" not in made.json()
    read = api.got(f"/calendars/{made.json()['calendar_id']}")
    assert read["has_webhook_secret"] is True


def test_an_address_set_later_brings_its_secret_with_it(calendar: Calendar) -> None:
    answer = calendar.api.changed(calendar.path, {"webhook_url": "https://example.com/x"})
    assert answer["webhook_url"] == "https://example.com/x"
    assert answer["webhook_secret"].startswith("whsec_")
    assert answer["has_webhook_secret"] is True


def test_null_clears_the_address_and_the_secret_stays_for_the_next(calendar: Calendar) -> None:
    calendar.api.changed(calendar.path, {"webhook_url": "https://example.com/x"})
    cleared = calendar.api.changed(calendar.path, {"webhook_url": None})
    assert (cleared["webhook_url"], cleared["has_webhook_secret"]) == (None, True)
    assert "webhook_secret" not in calendar.api.changed(calendar.path, {"webhook_url": "https://example.com/y"})


def test_rotating_the_secret_shows_the_new_one_and_how_long_the_old_one_verifies(calendar: Calendar) -> None:
    old = calendar.api.changed(calendar.path, {"webhook_url": "https://example.com/x"})["webhook_secret"]
    answer = calendar.api.post(f"{calendar.path}/rotate", {"what": ["webhook_secret"]}).json()
    assert set(answer) == {"calendar_id", "webhook_secret", "previous_secret_verifies_until"}
    assert answer["webhook_secret"] not in ("", old)
    assert answer["previous_secret_verifies_until"] == "2026-03-03T12:00:00.000Z"


def test_no_secret_of_a_calendar_lies_open_in_the_database(own_service: Service) -> None:
    api = Api(own_service.url, Api(own_service.url, None).made("/agents")["api_key"])
    secrets = {"webhook_secret": "my own webhook secret", "agentmail_api_key": "am_key_of_mine"}
    made = api.made("/calendars", name="Work", webhook_url="https://example.com", **secrets)
    inbound = made["inbound_webhook_url"].rpartition("/")[2]
    with psycopg.connect(own_service.dsn) as database:
        row = database.execute(
            "select feed_sealed, inbound_sealed, agentmail_key_sealed, secret_sealed, feed_hash, inbound_hash,"
            " row_to_json(c)::text::bytea, row_to_json(e)::text::bytea"
            " from calendars c join endpoints e on e.calendar_id = c.id"
        ).fetchone()
    assert row is not None
    for stored in row:
        for secret in (*secrets.values(), made["feed_token"], inbound):
            assert secret.encode() not in stored
            assert secret.encode().hex().encode() not in stored
    sealer, place = own_service.context.sealer, made["calendar_id"]
    opened = [
        sealer.open(sealed, f"{place}/{name}")
        for sealed, name in zip(row, ("feed", "inbound", "agentmail", "webhook_secret"), strict=False)
    ]
    assert opened == [made["feed_token"], inbound, secrets["agentmail_api_key"], secrets["webhook_secret"]]
