"""No rule, however meant, costs more than a moment."""

from __future__ import annotations

from datetime import timedelta
from time import process_time
from typing import Final

import pytest

from app.core.rule import parse_rule
from app.core.series import Budget, at, check, first_from, occurrences
from app.core.times import nearest_zones, parse_time
from app.errors import Problem
from tests.core.making import refusal, series, utc

LIMIT: Final = 0.5  # seconds of processor time on a busy machine; alone the worst takes 0.07

HOURS, MINUTES = (",".join(map(str, range(end))) for end in (24, 60))
ODD = ",".join(map(str, range(1, 60, 2)))
YEARDAYS = ",".join(map(str, range(1, 367)))

RULES: Final = [
    "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=YEARLY;BYDAY=5MO;BYMONTH=2;BYMONTHDAY=28",
    "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
    "FREQ=YEARLY;BYDAY=MO;BYSETPOS=366",
    "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=366",
    "FREQ=WEEKLY;BYMONTH=2;BYDAY=MO;BYSETPOS=2",
    "FREQ=DAILY;BYHOUR=9;BYSETPOS=366",
    "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
    "FREQ=DAILY;INTERVAL=1000;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO",
    "FREQ=SECONDLY",
    f"FREQ=SECONDLY;INTERVAL=2;BYSECOND={ODD}",
    f"FREQ=SECONDLY;INTERVAL=301;BYSECOND={ODD}",
    "FREQ=SECONDLY;INTERVAL=86399;BYHOUR=9;BYMINUTE=0;BYSECOND=0",
    "FREQ=SECONDLY;INTERVAL=999983;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO",
    "FREQ=SECONDLY;BYSECOND=1;BYSETPOS=2",
    "FREQ=MINUTELY",
    "FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1",
    "FREQ=MINUTELY;INTERVAL=999983",
    "FREQ=MINUTELY;BYHOUR=9;BYMINUTE=0;UNTIL=29980101T000000Z",
    "FREQ=HOURLY;INTERVAL=24;BYHOUR=11",
    "FREQ=HOURLY;INTERVAL=100000",
    f"FREQ=HOURLY;BYMINUTE={MINUTES};BYSECOND={MINUTES}",
    f"FREQ=HOURLY;INTERVAL=1000;BYMINUTE={MINUTES};BYSECOND={MINUTES}",
    f"FREQ=HOURLY;BYMINUTE={MINUTES};BYSECOND={MINUTES};BYSETPOS=366",
    f"FREQ=YEARLY;BYHOUR={HOURS};BYMINUTE={MINUTES};BYSECOND={MINUTES}",
    f"FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR={HOURS};BYMINUTE={MINUTES}",
    f"FREQ=DAILY;BYHOUR={HOURS};BYMINUTE={MINUTES};BYMONTH=2;BYMONTHDAY=30",
    f"FREQ=YEARLY;BYYEARDAY={YEARDAYS}",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=10000",
    "FREQ=DAILY;COUNT=999999999",
    "FREQ=YEARLY;INTERVAL=1000000",
]


@pytest.mark.parametrize("zone", ["America/Denver", "Australia/Lord_Howe"])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule[:48])
def test_any_question_about_any_rule_is_answered_or_refused_at_once(rule: str, zone: str) -> None:
    whole = series(rule, "2026-03-01T09:00", zone)
    now = utc("2026-11-21")
    questions = (
        lambda: check(whole),
        lambda: occurrences(whole, now, now + timedelta(days=90)),
        lambda: first_from(whole, now),
        lambda: first_from(whole, utc("2500-01-01")),
        lambda: at(whole, "20270101"),
    )
    for question in questions:
        seconds = []
        for _ in range(3):  # what is slow by nature is slow each time, what a busy machine does is not
            begun = process_time()
            assert refusal(question) in (None, "recurrence_too_costly", "recurrence_without_dates")
            seconds.append(process_time() - begun)
            if seconds[-1] < LIMIT:
                break
        assert min(seconds) < LIMIT


def test_the_cost_of_a_question_is_the_same_every_time() -> None:
    def cost(rule: str) -> int:
        budget = Budget()
        first_from(series(rule), utc("2500-01-01"), budget=budget)
        return budget.left

    for rule in ("FREQ=DAILY", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MINUTELY;BYHOUR=9;BYMINUTE=0"):
        assert cost(rule) == cost(rule)


def test_a_window_ten_years_on_costs_what_the_first_one_does() -> None:
    def cost(year: int) -> int:
        budget = Budget()
        low = utc(f"{year}-06-01")
        assert occurrences(series("FREQ=WEEKLY;BYDAY=MO,WE,FR"), low, low + timedelta(days=90), budget=budget)
        return Budget().left - budget.left

    assert abs(cost(2036) - cost(2026)) <= 64


def test_a_budget_of_ones_own_is_kept() -> None:
    with pytest.raises(Problem) as refused:
        occurrences(series("FREQ=DAILY"), utc("2026-03-01"), utc("2036-03-01"), budget=Budget(1_000))
    assert refused.value.code == "recurrence_too_costly"


@pytest.mark.parametrize("text", ["FREQ=DAILY;" * 100_000, "BYDAY=" + "MO," * 500_000, ";" * 1_000_000, "\0" * 1_000])
def test_a_flood_of_text_is_refused_at_once(text: str) -> None:
    begun = process_time()
    with pytest.raises(Problem):
        parse_rule(text)
    with pytest.raises(Problem):
        parse_time(text)
    nearest_zones(text)
    assert process_time() - begun < LIMIT
