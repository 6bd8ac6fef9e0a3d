"""Mails bent at random: whatever is in them, they are answered, kept, and harm nothing that is there.

`./scripts/fuzz` looks at many more.
"""

from __future__ import annotations

import json
import random
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.inbound.mails import Inbox, attachment, calendar_text, inbox, postmark
from tests.support.bent import EXAMPLES, bent
from tests.support.service import Service

OUTCOMES: Final = {"created", "updated", "cancelled", "ignored"}
METHODS: Final = ("REQUEST", "CANCEL", "REPLY", "PUBLISH", "COUNTER", "ADD", "REFRESH", "x")
EACH: Final = 400  # mails to one calendar, so that what came before is there, and is not without end

KINDS: Final = st.sampled_from(METHODS).map(lambda method: f"text/calendar; method={method}; charset=UTF-8")
PAYLOAD: Final = json.dumps(postmark(attachment(calendar_text()))).encode()


class Inboxes:
    """A calendar for so many mails, then the next."""

    def __init__(self, service: Service) -> None:
        self._service, self._taken = service, 0
        self._now: Inbox | None = None

    def next(self) -> Inbox:
        if self._now is None or self._taken % EACH == 0:
            self.check()
            self._now = inbox(self._service)
        self._taken += 1
        return self._now

    def check(self) -> None:
        """All that can be read of the calendar can be read."""
        if self._now is None:
            return
        calendar = self._now.calendar
        assert "END:VCALENDAR" in calendar.feed()
        for path in ("events", "events?expand=false", "upcoming", "view", "changes", "inbound"):
            answer = calendar.api.http.get(f"{calendar.path}/{path}")
            assert answer.status_code == 200, (path, answer.text[:300])


def test_a_bent_calendar_in_a_mail_is_answered(service: Service) -> None:
    inboxes = Inboxes(service)

    @given(st.lists(st.tuples(bent(), KINDS), min_size=1, max_size=2))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def take(calendars: list[tuple[bytes, str]]) -> None:
        mail = inboxes.next()
        payload = postmark(*[attachment(octets, kind=kind) for octets, kind in calendars])
        answer = mail.http.post(f"/inbound/{mail.token}", json=payload)
        assert answer.status_code == 200, answer.text[:300]
        told: dict[str, Any] = answer.json()
        assert told["status"] in OUTCOMES
        assert told["status"] != "ignored" or told["reason"].endswith(".")

    take()
    inboxes.check()


def test_a_bent_payload_is_taken_or_refused(service: Service) -> None:
    inboxes = Inboxes(service)

    @given(st.integers(0, 2**32))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def take(seed: int) -> None:
        mail, chance, payload = inboxes.next(), random.Random(seed), bytearray(PAYLOAD)
        for _ in range(chance.randint(1, 4)):
            low = chance.randrange(len(payload))
            payload[low : low + chance.randint(0, 20)] = chance.randbytes(chance.randint(0, 3)) or b'"'
        answer = mail.http.post(f"/inbound/{mail.token}", content=bytes(payload))
        assert answer.status_code in (200, 400), answer.text[:300]

    take()
    inboxes.check()
