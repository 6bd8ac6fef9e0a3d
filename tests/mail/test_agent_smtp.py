"""An agent's own mail server: set, shown without its password, tried, removed."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from app.mail.agent_smtp import reseal_passwords, smtp_of_agent
from app.seal import Sealer
from tests.support.mailserver import PASSWORD, USER, MailServer
from tests.support.service import Api, Service

SMTP = {
    "host": "SMTP.example.com.",
    "port": 587,
    "username": "ada",
    "password": "never shown again",
    "from": "ada@example.com",
}


def put(api: Api, **changes: Any) -> Any:
    return api.http.put("/agents/smtp", json=SMTP | changes)


def test_it_is_kept_and_shown_without_its_password(api: Api, service: Service) -> None:
    assert api.got("/agents/me")["smtp_configured"] is False
    assert api.get("/agents/smtp").status_code == 404
    answer = put(api)
    assert answer.status_code == 200
    shown = {
        "host": "smtp.example.com",
        "port": 587,
        "username": "ada",
        "from": "ada@example.com",
        "secure": False,
        "security": "starttls",
        "updated_at": "2026-03-02T12:00:00.000Z",
    }
    assert answer.json() == api.got("/agents/smtp") == shown
    assert api.got("/agents/me")["smtp_configured"] is True
    assert api.changed("/agents/me", {"name": "Ada"})["smtp_configured"] is True
    with psycopg.connect(service.dsn) as database:
        rows = database.execute("select * from agent_smtp").fetchall()
    assert b"never shown again" not in repr(rows).encode()
    assert api.delete("/agents/smtp").status_code == 204
    assert api.get("/agents/smtp").status_code == 404
    assert api.delete("/agents/smtp").status_code == 404


def test_putting_it_again_replaces_all_of_it(api: Api) -> None:
    put(api)
    assert put(api, port=465, **{"from": "eve@example.com"}).json()["security"] == "tls"
    assert (api.got("/agents/smtp")["from"], api.got("/agents/smtp")["port"]) == ("eve@example.com", 465)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"host": "10.0.0.1"}, "invalid_field", "host"),
        ({"host": "0x0a000001"}, "invalid_field", "host"),
        ({"host": "[::ffff:192.168.0.1]"}, "invalid_field", "host"),
        ({"host": "169.254.169.254"}, "invalid_field", "host"),
        ({"host": "not a host"}, "invalid_field", "host"),
        ({"host": "smtp://example.com"}, "invalid_field", "host"),
        ({"port": 0}, "invalid_field", "port"),
        ({"port": 65536}, "invalid_field", "port"),
        ({"port": "587"}, "invalid_field", "port"),
        ({"username": "a\r\nb"}, "invalid_field", "username"),
        ({"password": "a\nb"}, "invalid_field", "password"),
        ({"password": None}, "missing_field", "password"),
        ({"from": None}, "missing_field", "from"),
        ({"from": "nobody"}, "invalid_field", "from"),
        ({"from": "a@b\r\nBcc: x@example.com"}, "invalid_field", "from"),
        ({"secure": "yes"}, "invalid_field", "secure"),
        ({"sender": "a@example.com"}, "unknown_field", "sender"),
    ],
)
def test_what_no_mail_can_be_sent_with_is_refused(api: Api, change: dict[str, Any], code: str, field: str) -> None:
    answer = put(api, **change)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, code, field)
    assert "never shown again" not in answer.text


def test_a_missing_member_is_named_as_the_wire_has_it(api: Api) -> None:
    body = {name: value for name, value in SMTP.items() if name != "from"}
    answer = api.http.put("/agents/smtp", json=body)
    assert (answer.json()["code"], answer.json()["field"]) == ("missing_field", "from")


def test_only_a_key_of_full_scope_sees_or_sets_it(api: Api) -> None:
    put(api)
    reader = Api(str(api.http.base_url), api.made("/agents/keys", scope="book")["api_key"])
    assert reader.get("/agents/smtp").status_code == 403
    assert put(reader).status_code == 403
    assert reader.post("/agents/smtp/test").status_code == 403


def test_a_test_sends_one_mail_now(api: Api, own_server: MailServer) -> None:
    own = {"host": "127.0.0.1", "port": own_server.port, "username": USER, "password": PASSWORD}
    put(api, **own)
    answer = api.post("/agents/smtp/test").json()
    assert (answer["success"], answer["code"], answer["to"]) == (True, 250, "ada@example.com")
    assert "took the mail" in answer["message"]
    assert api.post("/agents/smtp/test", {"to": "bob@example.org"}).json()["success"] is True
    assert [mail.to for mail in own_server.mails] == ["ada@example.com", "bob@example.org"]
    assert own_server.mails[0].message.get_content().strip().startswith("This is a test.")


def test_a_test_that_fails_says_why(api: Api, own_server: MailServer) -> None:
    assert api.post("/agents/smtp/test").status_code == 404
    put(api, host="127.0.0.1", port=own_server.port, username=USER, password="wrong and secret")
    answer = api.post("/agents/smtp/test")
    assert (answer.status_code, answer.json()["success"]) == (200, False)
    assert "user name or password" in answer.json()["message"]
    assert "wrong and secret" not in answer.text
    put(api, host="127.0.0.1", port=1)
    assert "cannot be reached" in api.post("/agents/smtp/test").json()["message"]
    assert api.post("/agents/smtp/test", {"to": "nobody"}).json()["field"] == "to"
    assert own_server.mails == []


def test_an_agent_goes_with_its_server(api: Api, service: Service) -> None:
    put(api)
    agent_id = api.got("/agents/me")["agent_id"]
    api.deleted("/agents/me", confirm=agent_id)
    assert service.run(smtp_of_agent(service.context.db, agent_id)) is None


def test_passwords_are_sealed_anew_with_a_new_key(api: Api, service: Service) -> None:
    put(api)
    agent_id = api.got("/agents/me")["agent_id"]
    new = Sealer(("n" * 32, "k" * 32))
    assert service.run(reseal_passwords(service.context.db, new)) >= 1
    assert service.run(reseal_passwords(service.context.db, new)) == 0
    smtp = service.run(smtp_of_agent(service.context.db, agent_id))
    assert smtp is not None
    assert smtp.server(Sealer(("n" * 32,))).password == "never shown again"
    service.run(reseal_passwords(service.context.db, Sealer(("k" * 32, "n" * 32))))
