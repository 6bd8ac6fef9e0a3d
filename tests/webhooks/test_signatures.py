"""What is sent can be checked by the official library, and by CalDave's clients."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from app.errors import Problem
from app.outbox.signing import headers_for, signing_key
from tests.support.receiver import Call, Receiver
from tests.support.service import Api, Calendar, Service
from tests.webhooks.calls import settled

Pass = Callable[..., None]
LUNCH = {"title": "Mittag, größer 🍜", "start": "2026-03-02T13:00:00", "end": "2026-03-02T14:00:00"}


def verified(call: Call, secret: str) -> bool:
    """By the official library, which reads every secret as base64. It holds the timestamp against the machine's clock,
    which a frozen service does not have: so what it signs is compared."""
    at = datetime.fromtimestamp(int(call.headers["webhook-timestamp"]), UTC)
    key = secret if secret.startswith("whsec_") else base64.b64encode(secret.encode()).decode()
    expected = Webhook(key).sign(call.id, at, call.body.decode())
    return expected in call.headers["webhook-signature"].split(" ")


def caldave(call: Call, secret: str, header: str = "x-caldave-signature") -> bool:
    return call.headers[header] == hmac.new(secret.encode(), call.body, hashlib.sha256).hexdigest()


def test_a_secret_made_here_signs_both_ways(service: Service, hooked: Calendar, receiver: Receiver) -> None:
    hooked.add(**LUNCH)
    (call,) = receiver.wait_for(1)
    secret = hooked.created["webhook_secret"]
    assert verified(call, secret)
    assert caldave(call, secret)
    assert not verified(call, "whsec_" + "A" * 32)


def test_a_secret_of_ones_own_is_its_bytes(service: Service, api: Api, receiver: Receiver) -> None:
    made = api.made("/calendars", name="W", webhook_url=receiver.url, webhook_secret="my own secret")
    Calendar(api, made).add(**LUNCH)
    (call,) = receiver.wait_for(1)
    assert verified(call, "my own secret")
    assert caldave(call, "my own secret")


def test_after_a_rotation_both_secrets_sign_for_a_day(
    service: Service, hooked: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    old = hooked.created["webhook_secret"]
    new = hooked.api.post(f"{hooked.path}/rotate", {"what": ["webhook_secret"]}).json()["webhook_secret"]
    hooked.add(**LUNCH)
    both = receiver.wait_for(1)[0]
    assert verified(both, old)
    assert verified(both, new)
    assert caldave(both, new)
    assert caldave(both, old, "x-caldave-signature-previous")
    service.clock.advance(timedelta(hours=24))
    hooked.add(**LUNCH)
    settled(service, hooked)
    one = receiver.calls[-1]
    assert verified(one, new)
    assert not verified(one, old)
    assert "x-caldave-signature-previous" not in one.headers


def test_the_official_library_takes_what_is_signed_now_and_refuses_what_was_altered() -> None:
    secret = "whsec_" + base64.b64encode(b"k" * 24).decode()
    body = b'{"type":"test"}'
    headers = headers_for("dlv_1", int(datetime.now(UTC).timestamp()), body, [secret])
    assert Webhook(secret).verify(body, headers) == {"type": "test"}
    for altered in (body + b" ", b"{}"):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(altered, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers | {"webhook-id": "dlv_2"})


@given(st.binary(min_size=1, max_size=64), st.text(max_size=50), st.binary(max_size=200))
def test_any_key_signs_as_the_official_library_does(key: bytes, message_id: str, raw: bytes) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    body = base64.b64encode(raw)
    headers = headers_for(message_id, 1_800_000_000, body, [secret])
    at = datetime.fromtimestamp(1_800_000_000, UTC)
    assert headers["webhook-signature"] == Webhook(secret).sign(message_id, at, body.decode())
    assert signing_key(secret) == key


@pytest.mark.parametrize("secret", ["whsec_", "whsec_not base64!", "whsec_abc", "whsec_====", "whsec_äöü"])
def test_a_secret_that_claims_to_be_base64_and_is_not_is_refused(api: Api, secret: str) -> None:
    with pytest.raises(Problem):
        signing_key(secret)
    for path, member, more in (
        ("/calendars", "webhook_secret", {"name": "W", "webhook_url": "https://example.com"}),
        ("/webhooks", "secret", {"url": "https://example.com"}),
    ):
        refused = api.post(path, {**more, member: secret})
        assert (refused.status_code, refused.json()["field"]) == (400, member)


def test_an_endpoint_of_several_calendars_signs_with_its_own_secret(
    service: Service, api: Api, receiver: Receiver
) -> None:
    made: Any = api.made("/webhooks", url=receiver.url)
    for name in ("One", "Two"):
        Calendar(api, api.made("/calendars", name=name)).add(**LUNCH)
    calls = receiver.wait_for(2)
    assert all(verified(call, made["secret"]) for call in calls)
    rotated = api.post(f"/webhooks/{made['id']}/rotate").json()
    Calendar(api, api.made("/calendars", name="Three")).add(**LUNCH)
    last = receiver.wait_for(3)[2]
    assert verified(last, rotated["secret"])
    assert verified(last, made["secret"])
