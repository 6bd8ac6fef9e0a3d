from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.rule import Freq, Rule, WeekdayNum, format_rule, parse_rule
from app.errors import Problem
from tests.core.making import refusal
from tests.core.rules import rules


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("FREQ=DAILY", "FREQ=DAILY"),
        ("  rrule:freq=weekly;byday=we,mo,mo;interval=2;  ", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE"),
        ("FREQ=MONTHLY;BYDAY=+1MO,-1FR", "FREQ=MONTHLY;BYDAY=1MO,-1FR"),
        ("BYMONTH=03;BYMONTHDAY=05;FREQ=YEARLY", "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=5"),
        ("FREQ=DAILY;INTERVAL=1;WKST=MO", "FREQ=DAILY"),
        ("FREQ=DAILY;UNTIL=20261231", "FREQ=DAILY;UNTIL=20261231"),
        ("FREQ=DAILY;UNTIL=20261231T235959Z", "FREQ=DAILY;UNTIL=20261231T235959Z"),
        ("RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=OMIT", "FREQ=YEARLY"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=-1,1;COUNT=3;WKST=SU", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=-1,1;WKST=SU;COUNT=3"),
    ],
)
def test_rules_are_read_leniently_and_written_in_one_way(text: str, canonical: str) -> None:
    assert format_rule(parse_rule(text)) == canonical


def test_until_is_kept_in_the_form_it_was_given() -> None:
    assert parse_rule("FREQ=DAILY;UNTIL=20261231").until == date(2026, 12, 31)
    assert parse_rule("FREQ=DAILY;UNTIL=20261231T080000").until == datetime(2026, 12, 31, 8)
    assert parse_rule("FREQ=DAILY;UNTIL=99991231T235959Z").until == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@given(rules())
def test_every_rule_survives_being_written(rule: Rule) -> None:
    assert parse_rule(format_rule(rule)) == rule
    assert format_rule(parse_rule(format_rule(rule))) == format_rule(rule)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "NAME=VALUE"),
        ("INTERVAL=2", "no FREQ"),
        ("FREQ=FORTNIGHTLY", "FORTNIGHTLY"),
        ("FREQ=DAILY;FREQ=WEEKLY", "twice"),
        ("FREQ=DAILY;BYFOO=1", "BYFOO"),
        ("FREQ=DAILY;X-NOTE=1", "X-NOTE"),
        ("FREQ=DAILY;;COUNT=2", "NAME=VALUE"),
        ("FREQ=DAILY;COUNT", "NAME=VALUE"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL=-1"),
        ("FREQ=DAILY;INTERVAL=1.5", "INTERVAL"),
        ("FREQ=DAILY;INTERVAL=٣", "ASCII"),
        ("FREQ=DAILY;COUNT=0", "COUNT=0"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20261231", "exclude"),
        ("FREQ=WEEKLY;BYDAY=2MO", "2MO"),
        ("FREQ=DAILY;BYDAY=-1FR", "number"),
        ("FREQ=YEARLY;BYWEEKNO=3;BYDAY=1MO", "BYWEEKNO"),
        ("FREQ=MONTHLY;BYDAY=0MO", "0MO"),
        ("FREQ=MONTHLY;BYDAY=54MO", "54MO"),
        ("FREQ=MONTHLY;BYDAY=XX", "XX"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYYEARDAY=1", "BYYEARDAY"),
        ("FREQ=WEEKLY;BYYEARDAY=1", "BYYEARDAY"),
        ("FREQ=DAILY;BYYEARDAY=1", "BYYEARDAY"),
        ("FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "without 0"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY"),
        ("FREQ=YEARLY;BYMONTH=13", "BYMONTH"),
        ("FREQ=YEARLY;BYMONTH=-1", "BYMONTH"),
        ("FREQ=YEARLY;BYWEEKNO=54", "BYWEEKNO"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR"),
        ("FREQ=DAILY;BYMINUTE=60", "BYMINUTE"),
        ("FREQ=DAILY;BYHOUR=", "NAME=VALUE"),
        ("FREQ=DAILY;UNTIL=20260230", "UNTIL"),
        ("FREQ=DAILY;UNTIL=2026-12-31", "UNTIL"),
        ("FREQ=DAILY;WKST=XX", "WKST"),
        ("RSCALE=HEBREW;FREQ=YEARLY", "HEBREW"),
        ("RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=FORWARD", "FORWARD"),
        ("FREQ=DAILY;BYMINUTE=" + ",".join(["1"] * 5_000), "longer"),
        ("FREQ=DAILY;COUNT=" + "9" * 500, "COUNT"),
    ],
)
def test_what_the_rfc_forbids_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_rule(text)
    assert refused.value.code == "invalid_recurrence"
    assert refused.value.field == "recurrence"
    assert reason in refused.value.message
    assert refused.value.hint
    assert len(refused.value.message) < 200


@pytest.mark.parametrize("text", ["FREQ=DAILY\r\nEXDATE:20260301", "FREQ=DAILY\nRDATE:20260301", "FREQ=DAILY;EXDATE=1"])
def test_other_properties_smuggled_into_the_rule_are_shown_their_fields(text: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_rule(text)
    assert "exdates" in (refused.value.hint or "")
    assert "rdates" in (refused.value.hint or "")


@given(st.text(max_size=80) | st.text("FREQDAILYBY=;,0123456789MOTU-+", max_size=60).map("FREQ=WEEKLY;".__add__))
def test_any_text_is_either_a_rule_or_refused(text: str) -> None:
    assert refusal(lambda: parse_rule(text)) in (None, "invalid_recurrence")


@pytest.mark.parametrize(
    ("text", "several"),
    [
        ("FREQ=DAILY", False),
        ("FREQ=DAILY;BYHOUR=9", False),
        ("FREQ=DAILY;BYHOUR=9,17", True),
        ("FREQ=WEEKLY;BYMINUTE=0,30", True),
        ("FREQ=YEARLY;BYSECOND=0,30", True),
        ("FREQ=HOURLY", True),
        ("FREQ=MINUTELY;INTERVAL=1440", True),
    ],
)
def test_a_rule_knows_whether_it_can_make_several_dates_a_day(text: str, several: bool) -> None:
    assert parse_rule(text).several_a_day is several


def test_a_rule_knows_how_fine_it_is() -> None:
    assert parse_rule("FREQ=SECONDLY").is_finer_than_hourly
    assert parse_rule("FREQ=MINUTELY").is_finer_than_hourly
    assert not parse_rule("FREQ=HOURLY").is_finer_than_hourly
    assert parse_rule("FREQ=HOURLY").is_sub_daily
    assert not parse_rule("FREQ=DAILY").is_sub_daily


def test_weekdays_count_from_monday() -> None:
    assert parse_rule("FREQ=MONTHLY;BYDAY=-1SU").byday == (WeekdayNum(6, -1),)
    assert parse_rule("FREQ=WEEKLY;WKST=SU").wkst == 6
    assert Freq.SECONDLY > Freq.DAILY > Freq.YEARLY
