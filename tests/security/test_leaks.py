from __future__ import annotations

import base64

import pytest

from tests.security.leaks import leaks

SECRET = "sk_live_Vb7Nq2RtY9pLxGh4Wc6Zs8DmK3fJ5aTe"
WEBHOOK = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@pytest.mark.parametrize(
    "written",
    [
        f"key={SECRET}&".encode(),
        f"\\x{SECRET.encode().hex()}".encode(),
        SECRET.encode().hex().upper().encode(),
        base64.b64encode(f"user:{SECRET}".encode()),
        base64.b64encode(f"us:{SECRET} and more".encode()),
        base64.urlsafe_b64encode(f"{SECRET}".encode()),
    ],
)
def test_a_secret_is_found_however_it_is_spelt(written: bytes) -> None:
    assert leaks({"key": SECRET}, {"log": written}) != []


def test_a_webhooks_secret_is_found_by_the_bytes_it_stands_for() -> None:
    assert leaks({"secret": WEBHOOK}, {"log": bytes(range(32)).hex().encode()}) == ["secret in log, key in hex"]


def test_another_text_is_no_leak() -> None:
    assert leaks({"key": SECRET}, {"log": b"sk_live_\xe2\x80\xa6 " + base64.b64encode(b"sk_live_")}) == []
