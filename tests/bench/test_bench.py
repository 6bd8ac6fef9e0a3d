"""The bench's own pieces. Nothing here measures Kalends: a suite must not fail by a machine's pace."""

from __future__ import annotations

import asyncio
from math import isnan, nan

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.histogram import Histogram
from tests.bench.load import Job, content_length, http_request, run
from tests.bench.measuring import Result, Sample, measure
from tests.bench.recording import Statement
from tests.bench.report import Machine, Run, Step, comparison, growth_table, is_met, of_json, page, table, to_json
from tests.bench.works import Aim
from tests.bench.write_floor import script

RESULT = Result(
    name="list", title="GET list", rate=4200, p50=3.5, p99=9.1, errors=0, first_error="", web=150, postgres=90,
    generator=30, floor_rate=5600, share=0.75, floor_web=100,
)  # fmt: skip
MACHINE = Machine(2, "Linux", "3.11", "18.1", "on", "on")
RUN = Run("2026-03-02 12:00 UTC", 5.0, MACHINE, [RESULT], 90.4, [])


@given(st.lists(st.integers(1_000, 10**10), min_size=1, max_size=200), st.sampled_from((0.5, 0.9, 0.99)))
def test_a_quantile_is_within_one_percent_of_the_exact_one(nanoseconds: list[int], share: float) -> None:
    exact = sorted(nanoseconds)[max(0, -(-int(share * 100) * len(nanoseconds) // 100) - 1)] / 1e6
    assert Histogram.of(nanoseconds).quantile(share) == pytest.approx(exact, rel=0.01, abs=0.001)


@given(st.lists(st.integers(0, 10**9)), st.lists(st.integers(0, 10**9)))
def test_rounds_added_up_are_one_long_round(first: list[int], second: list[int]) -> None:
    assert (Histogram.of(first) + Histogram.of(second)).counts == Histogram.of(first + second).counts


def test_no_requests_have_no_latency() -> None:
    assert isnan(Histogram().quantile(0.5))


def test_a_result_is_the_median_of_its_rounds_and_counts_all_errors() -> None:
    rates = iter((100.0, 300.0, 200.0))

    def real() -> Sample:
        rate = next(rates)
        return Sample(rate, 1, "HTTP/1.1 500", {2000: 99, 8000: 1}, rate / 10, 5, 3)

    result = measure("list", "GET list", real, lambda: (400.0, 7.0))
    assert (result.rate, result.share, result.web, result.floor_web) == (200, 0.5, 20, 7)
    assert (result.p50, result.p99, result.errors, result.first_error) == (2, 2, 3, "HTTP/1.1 500")


@pytest.mark.parametrize(
    ("aim", "met"),
    [(Aim(4000, 0.70), True), (Aim(4300), False), (Aim(None, 0.80), False), (Aim(), None)],
)
def test_an_aim_is_met_when_every_part_of_it_is(aim: Aim, met: bool | None) -> None:
    assert is_met(aim, RESULT) is met


def test_errors_or_a_long_tail_miss_every_aim() -> None:
    assert is_met(Aim(4000), msgspec.structs.replace(RESULT, errors=1)) is False
    assert is_met(Aim(4000), msgspec.structs.replace(RESULT, p99=15)) is False


def test_the_table_shows_aims_beside_results_and_a_dash_for_what_was_not_measured() -> None:
    heading, _, row = table([msgspec.structs.replace(RESULT, floor_rate=nan, share=nan)], {"list": Aim(4000)}).split(
        "\n"
    )
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == ["GET list", "4,200", "3.50", "9.10", "2.6", "0", "–", "–", "150", "90", "4,000", "yes"]
    assert len(heading) == len(row)


def test_growth_is_told_as_what_is_left_of_the_first_step() -> None:
    steps = [
        Step(1_000, RESULT, RESULT, RESULT),
        Step(100_000, msgspec.structs.replace(RESULT, rate=3780), RESULT, RESULT),
    ]
    assert growth_table(steps).split("\n")[-1].split()[5] == "90%"


def test_a_comparison_gives_ratios_to_the_run_kept_before() -> None:
    kept = of_json(to_json(RUN))
    faster = msgspec.structs.replace(RUN, results=[msgspec.structs.replace(RESULT, rate=8400)])
    assert comparison(faster, kept).split("\n")[-1].split()[4:7:2] == ["2.00", "1.00"]


def test_a_figure_that_was_not_measured_can_be_kept_too() -> None:
    unmeasured = msgspec.structs.replace(RUN, results=[msgspec.structs.replace(RESULT, share=nan)])
    assert comparison(RUN, of_json(to_json(unmeasured))).split()[-2] == "–"


def test_the_page_says_what_was_measured_and_how_to_repeat_it() -> None:
    text = page(msgspec.structs.replace(RUN, growth=[Step(1_000, RESULT, RESULT, RESULT)]), {"list": Aim(4000, 0.7)})
    assert "2026-03-02" in text
    assert "4,000, ≥ 70% of floor" in text
    assert "./scripts/bench" in text
    assert "nan" not in text


def test_a_request_is_written_as_http_and_a_head_tells_how_much_follows() -> None:
    assert http_request("POST", "/x", {"A": "b"}, b"{}") == (
        b"POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nA: b\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
    assert content_length(b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\nX: y") == 17
    assert content_length(b"HTTP/1.1 304 Not Modified\r\nETag: z") == 0


def test_the_generator_counts_what_a_server_answers(capsys: pytest.CaptureFixture[str]) -> None:
    answered = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        try:
            while (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET /"):
                answered += 1
                status = b"500 Oops" if answered % 10 == 0 else b"200 OK"
                writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\n\r\n")
                await asyncio.sleep(0)  # the body in a packet of its own
                writer.write(b"hello")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def measured() -> tuple[int, int]:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            load = await run(Job("127.0.0.1", port, 0.2, 0.0, [[http_request("GET", "/")]] * 4))
            assert sum(load.latencies.values()) == load.requests
            assert load.first_error.startswith("HTTP/1.1 500")
            return load.requests, load.errors

    requests, errors = asyncio.run(measured())
    assert capsys.readouterr().out == "measuring\n"
    assert 0 < requests <= answered
    assert abs(errors - answered / 10) <= 4


def test_a_recorded_write_becomes_a_script_that_draws_ids_and_takes_its_number_from_the_lock() -> None:
    statements = [
        Statement("begin", {}),
        Statement("select seq from calendars where id = %(id)s for update", {"id": "cal_1"}),
        Statement("insert into events values (%(id)s, %(version)s, %(text)s, %(none)s)",
                  {"id": "evt_abc", "version": 8, "text": '{"id":"evt_abc","it\'s":true}', "none": None}),
        Statement("commit", {}),
    ]  # fmt: skip
    drawn = "lpad(:drawn::text, 7, 'evt_bench000000000000000000000000')"
    assert script(statements, "evt_abc").splitlines() == [
        "\\set drawn random(1, 9000000000000000)",
        "begin;",
        "select seq from calendars where id = E'cal_1' for update",
        "\\gset",
        "\\startpipeline",
        f"insert into events values ({drawn}, (:seq + 1), "
        f"replace(E'{{\"id\"\\072\"evt_abc\",\"it''s\"\\072true}}', E'evt_abc', {drawn}), NULL);",
        "commit;",
        "\\endpipeline",
    ]


def test_a_recorded_statement_that_commits_by_itself_does_so_in_the_script() -> None:
    assert script([Statement("select 1", {}), Statement("with n as (insert …) select 2", {})]).splitlines() == [
        "\\set drawn random(1, 9000000000000000)",
        "select 1;",
        "with n as (insert …) select 2;",
    ]
