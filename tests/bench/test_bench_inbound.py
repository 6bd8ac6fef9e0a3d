"""The pieces that measure mail."""

from __future__ import annotations

import msgspec

from app.ical.read import read_calendar
from tests.bench.inbound import EVENTS, Inbound, Taken, invitation, mail_section, many, with_mail_section

FOUND = Inbound([Taken(2_000, 590, 12, 40, 1_500, 1_000), Taken(50_000, 310.4, 50, 85, 2_900, 2_100)], 0.31, 16.4)


def test_the_mails_are_of_their_size_and_say_one_event_each() -> None:
    for size in (2_000, 50_000):
        text = invitation("u1", size)
        assert abs(len(text) - size) < size * 0.1
        (message,) = read_calendar(text, floating_zone="UTC").messages
        assert [component.uid for component in message.components] == ["u1"]
    (large,) = read_calendar(many(EVENTS), floating_zone="UTC").messages
    assert len({component.uid for component in large.components}) == EVENTS


def test_the_section_on_mail_is_put_before_the_last_and_says_what_was_met() -> None:
    page = "# Performance\n\n## Deliveries\n\nx\n\n## Repeat it\n\n    ./scripts/bench\n"
    first = mail_section("2026-03-02", FOUND)
    assert "| 50 KB |      310 |" in first
    assert "met: yes." in first
    assert "met: no." in mail_section("2026-03-02", msgspec.structs.replace(FOUND, others=101.0))
    once = with_mail_section(page, first)
    assert once.index("## Deliveries") < once.index("## Mail that comes in") < once.index("## Repeat it")
    assert with_mail_section(once, first) == once
    assert mail_section("2026-03-02", None) == ""
