"""The pieces that measure deliveries."""

from __future__ import annotations

import socket
from math import isnan

import msgspec
import pytest

from tests.bench.appointments import Kept
from tests.bench.bare_client import posts_per_second
from tests.bench.deliveries import Delivered, Deliveries, out_of_order, told
from tests.bench.delivery_report import delivery_table, look_table, section, with_section
from tests.bench.looking import Look
from tests.bench.receiver import Arrival, arrival_of, receiver

PART = Delivered("instant_one", "10,000 reminders", 10_000, 40.0, 60.0, 80.0, 4.0, 0, 150, 140, 20, True)
LOOK = Look(1_000_000, 0.5, 4.0, 3.0, 15.0, 1.0, 2.0)


def arrived(at: float, message_id: str) -> Arrival:
    return Arrival(at, message_id, "/", "event.created")


def kept(seq: int, owed_at: float) -> Kept:
    return Kept("whe_1", seq, owed_at, "delivered")


def test_a_receiver_writes_down_what_the_client_posts_and_answers_it() -> None:
    with receiver(ports=1, silent=1) as listening:
        assert posts_per_second(f"http://127.0.0.1:{listening.ports[0]}/here", 70) > 0
        arrivals = listening.take(70, seconds=10)
        assert len({arrival.id for arrival in arrivals}) == 70
        assert {(arrival.path, arrival.type) for arrival in arrivals} == {("/here", "event.upcoming")}
        assert listening.take(1, seconds=0.01) == []


def test_a_silent_port_accepts_and_says_nothing() -> None:
    with (
        receiver(ports=0, silent=1) as listening,
        socket.create_connection(("127.0.0.1", listening.silent[0]), timeout=0.2) as connection,
    ):
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_a_message_tells_its_moment_and_its_place_in_the_log() -> None:
    body = b'{"type":"event.created","seq":7,"fires_at":"2026-03-01T16:00:00.250Z","event":{"title":"x"}}'
    found = arrival_of(5.0, b"POST /a?b HTTP/1.1\r\nwebhook-id: dlv_1\r\nContent-Length: 9\r\n\r\n" + body)
    assert (found.id, found.path, found.type, found.seq) == ("dlv_1", "/a?b", "event.created", 7)
    assert found.fires_at is not None
    assert found.fires_at.isoformat() == "2026-03-01T16:00:00.250000+00:00"


def test_lateness_counts_from_when_a_message_was_owed_to_when_it_first_came() -> None:
    part = told("x", "X", 2, [arrived(10.1, "a"), arrived(10.4, "b"), arrived(99.0, "b")],
                {"a": kept(1, 10.0), "b": kept(2, 10.2)})  # fmt: skip
    assert (part.count, part.astray) == (2, 1)  # one came twice
    assert [part.p50, part.p99] == pytest.approx([100, 200], rel=0.01)
    assert [part.seconds, part.rate] == pytest.approx([0.4, 5])


def test_what_is_missing_is_astray_and_so_is_what_nobody_owed() -> None:
    assert told("x", "X", 3, [arrived(10.1, "a"), arrived(10.2, "unknown")], {"a": kept(1, 10.0)}).astray == 3
    assert isnan(told("x", "X", 3, [], {}).p50)


def test_a_change_that_comes_after_a_later_one_is_out_of_order() -> None:
    log = {name: kept(seq, 0.0) for seq, name in enumerate("abcd", 1)}
    assert out_of_order([arrived(1, name) for name in "abcd"], log) == 0
    assert out_of_order([arrived(1, name) for name in "adbc"], log) == 2


def test_the_tables_say_what_was_met() -> None:
    cells = [cell.strip() for cell in delivery_table(Deliveries([PART], 14_000)).split("\n")[-1].strip("|").split("|")]
    assert cells == ["10,000 reminders", "40.0", "60.0", "80.0", "4.00", "2,500", "0", "150", "140", "20", "yes"]
    assert look_table([LOOK]).endswith("| yes |")
    assert look_table([msgspec.structs.replace(LOOK, waiting_p99=25.0)]).endswith("|  no |")


def test_the_section_on_deliveries_is_put_before_the_last_and_replaced_there() -> None:
    page = "# Performance\n\n## Speed\n\nx\n\n## Repeat it\n\n    ./scripts/bench\n"
    first = section("2026-03-02", Deliveries([PART], 10_000), [LOOK])
    assert "the fastest of the above is 25% of that" in first
    once = with_section(page, first)
    assert once.index("## Speed") < once.index("## Deliveries") < once.index("## Repeat it")
    again = with_section(once, first.replace("2026-03-02", "2026-03-03"))
    assert again == once.replace("2026-03-02", "2026-03-03")
    assert section("2026-03-02", None, []) == ""
