"""The sentence that says what an event means: as examples, and held against the dates of the series."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.core.rule import Freq, Rule
from app.core.series import Occurrence, Series, check, occurrences
from app.core.times import Length, load_zone, wall_of
from app.core.wording import place
from app.core.words import MAX_SENTENCE, say_all_day, say_series, say_single
from app.errors import Problem
from tests.core.making import HOUR, all_day, series, utc
from tests.core.reading import dates_in, days_between, promised
from tests.core.rules import rules

NEW_YORK = "America/New_York"
HALF_AN_HOUR = Length(0, 1800)
COARSE = (Freq.YEARLY, Freq.MONTHLY, Freq.WEEKLY, Freq.DAILY)


def said(made: Series, cancelled: int = 0, edited: int = 0, next_dates: Sequence[Occurrence] = ()) -> str:
    return say_series(check(made), cancelled=cancelled, edited=edited, next_dates=next_dates)


# ------------------------------------------------------------------------------------------------------- each rule

SENTENCES = [
    (
        "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=14",
        "Every Monday and Wednesday, 09:00–09:30 in New York, 14 times, last on Wed 15 Apr 2026.",
    ),
    ("FREQ=WEEKLY", "Every Monday, 09:00–09:30 in New York, from Mon 2 Mar 2026."),
    (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
        "Every 2 weeks on Tuesday, 09:00–09:30 in New York, from Tue 3 Mar 2026.",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU",
        "Every 2 weeks on Monday and Sunday (weeks begin on Monday), 09:00–09:30 in New York, from Mon 2 Mar 2026.",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU",
        "Every 2 weeks on Monday and Sunday (weeks begin on Sunday), 09:00–09:30 in New York, from Mon 2 Mar 2026.",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;WKST=SU",
        "Every 2 weeks on Monday and Wednesday, 09:00–09:30 in New York, from Mon 2 Mar 2026.",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR;COUNT=20",
        "Every 2 weeks on Monday, Tuesday, Wednesday, Thursday and Friday, 09:00–09:30 in New York, 20 "
        "times, first on Mon 2 Mar 2026, last on Fri 17 Apr 2026.",
    ),
    ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "Every weekday, 09:00–09:30 in New York, from Mon 2 Mar 2026."),
    (
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA",
        "Every day except Sunday, 09:00–09:30 in New York, from Mon 2 Mar 2026.",
    ),
    ("FREQ=WEEKLY;BYDAY=SA,SU", "Every Saturday and Sunday, 09:00–09:30 in New York, from Sat 7 Mar 2026."),
    (
        "FREQ=WEEKLY;BYDAY=MO,TH;BYMONTH=3,4,5",
        "Every Monday and Thursday in March–May, 09:00–09:30 in New York, from Mon 2 Mar 2026.",
    ),
    ("FREQ=WEEKLY;BYDAY=MO,TH,FR;BYSETPOS=-1", "Every Friday, 09:00–09:30 in New York, from Fri 6 Mar 2026."),
    (
        "FREQ=WEEKLY;INTERVAL=3;BYMONTH=3,6",
        "Every 3 weeks on Monday, only in March and June, 09:00–09:30 in New York, from Mon 2 Mar 2026.",
    ),
    ("FREQ=DAILY", "Every day, 09:00–09:30 in New York, from Mon 2 Mar 2026."),
    ("FREQ=DAILY;INTERVAL=3", "Every 3 days, 09:00–09:30 in New York, from Mon 2 Mar 2026."),
    (
        "FREQ=DAILY;INTERVAL=3;BYMONTH=3",
        "Every 3 days, only in March, 09:00–09:30 in New York, from Mon 2 Mar 2026.",
    ),
    (
        "FREQ=DAILY;INTERVAL=2;BYDAY=MO,WE",
        "Every 2 days, only on Monday or Wednesday, 09:00–09:30 in New York, from Mon 2 Mar 2026.",
    ),
    (
        "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;UNTIL=20261216",
        "Every weekday, 09:00–09:30 in New York, from Mon 2 Mar 2026 until Wed 16 Dec 2026.",
    ),
    ("FREQ=DAILY;COUNT=1", "Only on Mon 2 Mar 2026, 09:00–09:30 in New York."),
    ("FREQ=DAILY;COUNT=2", "Every day, 09:00–09:30 in New York, 2 times, last on Tue 3 Mar 2026."),
    (
        "FREQ=DAILY;UNTIL=20260315T235959Z",
        "Every day, 09:00–09:30 in New York, from Mon 2 Mar 2026 until Sun 15 Mar 2026.",
    ),
    ("FREQ=DAILY;BYHOUR=9,17", "Every day, 09:00–09:30 and 17:00–17:30 in New York, from Mon 2 Mar 2026."),
    (
        "FREQ=DAILY;BYHOUR=9,10,11,12,13;BYMINUTE=0,30",
        "Every day, every 30 minutes from 09:00 to 13:30 in New York, each for 30 minutes, from Mon 2 Mar 2026.",
    ),
    (
        "FREQ=DAILY;BYHOUR=8,9,12,15,18",
        "Every day, at 5 times of day from 08:00 to 18:00 in New York, each for 30 minutes, from Mon 2 "
        "Mar 2026 at 09:00.",
    ),
    (
        "FREQ=DAILY;BYMONTHDAY=1,15",
        "On the 1st and 15th of every month, 09:00–09:30 in New York, from Sun 15 Mar 2026.",
    ),
    (
        "FREQ=DAILY;BYHOUR=9,17;BYSETPOS=1",
        "By the rule FREQ=DAILY;BYHOUR=9,17;BYSETPOS=1, each for 30 minutes, from Mon 2 Mar 2026 at "
        "09:00 in New York; then on Tue 3 Mar 2026 at 09:00 and Wed 4 Mar 2026 at 09:00.",
    ),
    (
        "FREQ=DAILY;BYMONTH=1,2,3,7",
        "Every day in January–March and July, 09:00–09:30 in New York, from Mon 2 Mar 2026.",
    ),
    ("FREQ=MONTHLY", "On the 2nd of every month, 09:00–09:30 in New York, from Mon 2 Mar 2026."),
    (
        "FREQ=MONTHLY;BYDAY=2TU",
        "On the second Tuesday of every month, 09:00–09:30 in New York, from Tue 10 Mar 2026.",
    ),
    (
        "FREQ=MONTHLY;BYDAY=1MO,3MO",
        "On the first and third Monday of every month, 09:00–09:30 in New York, from Mon 2 Mar 2026.",
    ),
    (
        "FREQ=MONTHLY;BYDAY=1MO,-1FR",
        "On the first Monday and the last Friday of every month, 09:00–09:30 in New York, from Mon 2 Mar 2026.",
    ),
    (
        "FREQ=MONTHLY;BYDAY=5MO",
        "On the fifth Monday of every month that has one, 09:00–09:30 in New York, from Mon 30 Mar 2026.",
    ),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "On the last weekday of every month, 09:00–09:30 in New York, from Tue 31 Mar 2026.",
    ),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1",
        "On the first and last weekday of every month, 09:00–09:30 in New York, from Mon 2 Mar 2026.",
    ),
    (
        "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=1",
        "On the first weekend day of every month, 09:00–09:30 in New York, from Sat 4 Apr 2026.",
    ),
    (
        "FREQ=MONTHLY;BYDAY=TU,TH;BYSETPOS=2",
        "On the second Tuesday or Thursday of every month, 09:00–09:30 in New York, from Thu 5 Mar 2026.",
    ),
    (
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=3",
        "On the third Monday of every month, 09:00–09:30 in New York, from Mon 16 Mar 2026.",
    ),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=22",
        "By the rule FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=22, 09:00–09:30 in New York, from Tue "
        "31 Mar 2026; then on Thu 30 Apr and Tue 30 Jun 2026.",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        "On the last day of every month, 09:00–09:30 in New York, from Tue 31 Mar 2026.",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-2",
        "On the second-to-last day of every month, 09:00–09:30 in New York, from Mon 30 Mar 2026.",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=15,-1",
        "On the 15th and the last day of every month, 09:00–09:30 in New York, from Sun 15 Mar 2026.",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1",
        "On the last day of every month, 09:00–09:30 in New York, from Tue 31 Mar 2026.",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=31",
        "On the 31st of every month that has one, 09:00–09:30 in New York, from Tue 31 Mar 2026.",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=1,31",
        "On the 1st and 31st of every month, where the month has that day, 09:00–09:30 in New York, "
        "from Tue 31 Mar 2026.",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=1,2,3,4,10",
        "On the 1st–4th and 10th of every month, 09:00–09:30 in New York, from Mon 2 Mar 2026.",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=15",
        "Every 3 months on the 15th, 09:00–09:30 in New York, from Sun 15 Mar 2026.",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=3;BYDAY=MO",
        "Every 3 months on every Monday of the month, 09:00–09:30 in New York, from Mon 2 Mar 2026.",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR;COUNT=6",
        "Every 2 months on the last Friday, 09:00–09:30 in New York, 6 times, first on Fri 27 Mar 2026, "
        "last on Fri 29 Jan 2027.",
    ),
    (
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        "On every Friday that falls on the 13th of the month, 09:00–09:30 in New York, from Fri 13 Mar 2026.",
    ),
    ("FREQ=MONTHLY;BYDAY=MO", "Every Monday, 09:00–09:30 in New York, from Mon 2 Mar 2026."),
    (
        "FREQ=MONTHLY;BYMONTH=3,9;BYDAY=1MO",
        "Every year on the first Monday of March and September, 09:00–09:30 in New York, from Mon 2 Mar 2026.",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-31",
        "By the rule FREQ=MONTHLY;BYMONTHDAY=-31, 09:00–09:30 in New York, from Fri 1 May 2026; then on "
        "Wed 1 Jul and Sat 1 Aug 2026.",
    ),
    ("FREQ=YEARLY", "Every year on 2 March, 09:00–09:30 in New York, from Mon 2 Mar 2026."),
    ("FREQ=YEARLY;INTERVAL=2", "Every 2 years on 2 March, 09:00–09:30 in New York, from Mon 2 Mar 2026."),
    (
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        "Every year on 29 February (leap years only), 09:00–09:30 in New York, from Tue 29 Feb 2028.",
    ),
    (
        "FREQ=YEARLY;BYMONTH=3,9",
        "Every year on 2 March and 2 September, 09:00–09:30 in New York, from Mon 2 Mar 2026.",
    ),
    (
        "FREQ=YEARLY;BYMONTH=5;BYDAY=2SU",
        "Every year on the second Sunday of May, 09:00–09:30 in New York, from Sun 10 May 2026.",
    ),
    (
        "FREQ=YEARLY;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;INTERVAL=4",
        "Every 4 years on every Tuesday that falls on the 2nd–8th of November, 09:00–09:30 in New York, "
        "from Tue 3 Nov 2026.",
    ),
    (
        "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
        "Every year on the fourth Thursday of November, 09:00–09:30 in New York, from Thu 26 Nov 2026.",
    ),
    (
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1",
        "Every year on the last day of February, 09:00–09:30 in New York, from Sun 28 Feb 2027.",
    ),
    (
        "FREQ=YEARLY;BYMONTH=1,4,7,10;BYMONTHDAY=1",
        "Every year on the 1st of January, April, July and October, 09:00–09:30 in New York, from Wed 1 Apr 2026.",
    ),
    (
        "FREQ=YEARLY;BYDAY=20MO",
        "Every year on the 20th Monday of the year, 09:00–09:30 in New York, from Mon 18 May 2026.",
    ),
    (
        "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "Every year on the last weekday of the year, 09:00–09:30 in New York, from Thu 31 Dec 2026.",
    ),
    (
        "FREQ=YEARLY;BYMONTH=12;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "Every year on the last weekday of December, 09:00–09:30 in New York, from Thu 31 Dec 2026.",
    ),
    (
        "FREQ=YEARLY;BYYEARDAY=100,-1",
        "Every year on day 100 and the last day of the year, 09:00–09:30 in New York, from Fri 10 Apr 2026.",
    ),
    (
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
        "Every year on Monday of ISO week 20, 09:00–09:30 in New York, from Mon 11 May 2026.",
    ),
    (
        "FREQ=YEARLY;BYWEEKNO=20,40",
        "Every year on Monday of ISO weeks 20 and 40, 09:00–09:30 in New York, from Mon 11 May 2026.",
    ),
    (
        "FREQ=YEARLY;BYWEEKNO=53",
        "By the rule FREQ=YEARLY;BYWEEKNO=53, 09:00–09:30 in New York, from Mon 28 Dec 2026; then on "
        "Mon 27 Dec 2032 and Mon 28 Dec 2037.",
    ),
    ("FREQ=YEARLY;BYDAY=MO", "Every Monday, 09:00–09:30 in New York, from Mon 2 Mar 2026."),
    ("FREQ=YEARLY;BYMONTH=6;BYDAY=MO", "Every Monday in June, 09:00–09:30 in New York, from Mon 1 Jun 2026."),
    ("FREQ=YEARLY;BYMONTHDAY=1", "On the 1st of every month, 09:00–09:30 in New York, from Wed 1 Apr 2026."),
    (
        "FREQ=YEARLY;BYMONTH=2,4;BYMONTHDAY=30",
        "Every year on 30 April, 09:00–09:30 in New York, from Thu 30 Apr 2026.",
    ),
    (
        "FREQ=HOURLY;COUNT=5",
        "Every hour, each for 30 minutes, from Mon 2 Mar 2026 at 09:00 in New York, 5 times, last on "
        "Mon 2 Mar 2026 at 13:00.",
    ),
    ("FREQ=HOURLY;INTERVAL=6", "Every 6 hours, each for 30 minutes, from Mon 2 Mar 2026 at 09:00 in New York."),
    (
        "FREQ=HOURLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9,10,11,12,13,14,15,16,17",
        "Every weekday, every hour from 09:00 to 17:00 in New York, each for 30 minutes, from Mon 2 Mar 2026.",
    ),
    (
        "FREQ=HOURLY;BYHOUR=0,1,2,3",
        "By the rule FREQ=HOURLY;BYHOUR=0,1,2,3, each for 30 minutes, from Tue 3 Mar 2026 at 00:00 in "
        "New York; then on Tue 3 Mar 2026 at 01:00 and Tue 3 Mar 2026 at 02:00.",
    ),
    (
        "FREQ=HOURLY;BYMINUTE=0,30;BYDAY=MO",
        "Every hour at :00 and :30 on every Monday, each for 30 minutes, from Mon 2 Mar 2026 at 09:00 in New York.",
    ),
    (
        "FREQ=HOURLY;INTERVAL=2;BYDAY=MO,FR;UNTIL=20270101",
        "Every 2 hours on every Monday and Friday, each for 30 minutes, from Mon 2 Mar 2026 at 09:00 in "
        "New York, until Fri 1 Jan 2027 at 23:00.",
    ),
    (
        "FREQ=SECONDLY;INTERVAL=30;COUNT=100",
        "By the rule FREQ=SECONDLY;INTERVAL=30, each for 30 minutes, from Mon 2 Mar 2026 at 09:00 in "
        "New York, 100 times, last on Mon 2 Mar 2026 at 09:49:30.",
    ),
    (
        "FREQ=YEARLY;INTERVAL=100;COUNT=40",
        "Every 100 years on 2 March, 09:00–09:30 in New York, at most 40 times, first on Mon 2 Mar "
        "2026, last on Sat 2 Mar 2926.",
    ),
]


@pytest.mark.parametrize(("rule", "sentence"), SENTENCES)
def test_a_rule_reads_as_a_person_would_say_it(rule: str, sentence: str) -> None:
    assert said(series(rule, zone=NEW_YORK, length=HALF_AN_HOUR)) == sentence


def test_cancelled_dates_and_the_next_ones_are_said() -> None:
    made = check(series("FREQ=WEEKLY;BYDAY=MO,WE;COUNT=14", zone=NEW_YORK, length=HALF_AN_HOUR))
    coming = occurrences(made, utc("2026-03-05"), utc("2026-03-12"))
    assert said(made, cancelled=2, next_dates=coming) == (
        "Every Monday and Wednesday, 09:00–09:30 in New York, 14 times, last on Wed 15 Apr 2026,"
        " except 2 cancelled dates; next Mon 9 Mar and Wed 11 Mar 2026."
    )


def test_one_cancelled_and_one_edited_date_are_counted_apart() -> None:
    sentence = said(series("FREQ=DAILY;COUNT=5"), cancelled=1, edited=1)
    assert sentence.endswith("last on Fri 6 Mar 2026, except 1 cancelled date, with 1 edited date.")


def test_a_next_date_that_was_moved_says_its_own_time() -> None:
    made = check(series("FREQ=WEEKLY"))
    coming = occurrences(made, utc("2026-03-05"), utc("2026-03-20"))
    moved = coming[0]._replace(start=coming[0].start + timedelta(hours=2))
    assert said(made, next_dates=[moved, coming[1]]).endswith("; next Mon 9 Mar 2026 at 11:00 and Mon 16 Mar 2026.")


def test_next_dates_over_new_year_each_say_their_year() -> None:
    made = check(series("FREQ=WEEKLY"))
    coming = occurrences(made, utc("2026-12-25"), utc("2027-01-10"))
    assert said(made, next_dates=coming).endswith("; next Mon 28 Dec 2026 and Mon 4 Jan 2027.")


# --------------------------------------------------------------------------------------------- clocks and lengths

CLOCKS = [
    ("FREQ=WEEKLY", "2026-03-02T22:00", NEW_YORK, Length(0, 28_800), "22:00–06:00 the next day in New York"),
    ("FREQ=DAILY", "2026-03-02T22:00", NEW_YORK, Length(0, 28_800), "at 22:00 in New York for 8 hours"),
    ("FREQ=DAILY", "2026-03-02T22:00", "UTC", Length(0, 28_800), "22:00–06:00 the next day UTC"),
    ("FREQ=WEEKLY", "2026-03-02T22:00", NEW_YORK, Length(0, 7_200), "22:00–24:00 in New York"),
    (
        "FREQ=DAILY",
        "2026-03-02T02:30",
        NEW_YORK,
        HALF_AN_HOUR,
        "at 02:30 in New York (later where clocks skip it) for 30 minutes",
    ),
    ("FREQ=WEEKLY;BYDAY=TU", "2026-03-03T02:30", NEW_YORK, HALF_AN_HOUR, "02:30–03:00 in New York"),
    ("FREQ=DAILY", "2026-03-02T09:00", "EST5EDT", Length(0, 0), "at 09:00 in EST5EDT"),
    ("FREQ=DAILY", "2026-03-02T09:00", "Etc/GMT+5", Length(3, 0), "at 09:00 in Etc/GMT+5 for 3 days"),
    (
        "FREQ=DAILY",
        "2026-03-02T09:00",
        NEW_YORK,
        Length(1, 5_400),
        "at 09:00 in New York for 1 day, 1 hour and 30 minutes",
    ),
    ("FREQ=DAILY", "2026-03-02T09:00", NEW_YORK, Length(0, 259_200), "at 09:00 in New York for 72 hours"),
    ("FREQ=DAILY", "2026-03-02T09:00:30", "Asia/Tokyo", Length(0, 30), "09:00:30–09:01 in Tokyo"),
    ("FREQ=DAILY;BYHOUR=9,17", "2026-03-02T09:00", "UTC", Length(0, 0), "at 09:00 and 17:00 UTC"),
    ("FREQ=DAILY;BYHOUR=9,17", "2026-03-02T09:00", "UTC", Length(1, 0), "at 09:00 and 17:00 UTC, each for 1 day"),
]


@pytest.mark.parametrize(("rule", "start", "zone", "length", "clock"), CLOCKS)
def test_times_and_lengths_are_said_so_that_they_hold_on_every_date(
    rule: str, start: str, zone: str, length: Length, clock: str
) -> None:
    assert f", {clock}, from " in said(series(rule, start, zone, length=length))


def test_an_hourly_rule_whose_hours_meet_a_change_of_the_clocks_is_quoted() -> None:
    sentence = said(series("FREQ=HOURLY;BYHOUR=1,2", zone=NEW_YORK))
    assert sentence.startswith("By the rule FREQ=HOURLY;BYHOUR=1,2, each for 1 hour, from Tue 3 Mar 2026 at 01:00")


def test_an_hourly_rule_is_quoted_where_clocks_change_by_half_an_hour() -> None:
    assert said(series("FREQ=HOURLY;BYHOUR=9,10", zone="Australia/Lord_Howe")).startswith("By the rule")


def test_a_whole_day_has_no_zone() -> None:
    assert said(all_day("FREQ=WEEKLY;COUNT=3")) == "Every Monday, all day, 3 times, last on Mon 16 Mar 2026."


def test_several_whole_days_say_how_many() -> None:
    sentence = said(all_day("FREQ=MONTHLY;BYMONTHDAY=-1", length=Length(3, 0)))
    assert sentence == "On the last day of every month, all day for 3 days, from Tue 31 Mar 2026."


# --------------------------------------------------------------------------------------------------- single dates


def test_added_dates_are_said_with_the_rule() -> None:
    sentence = said(series("FREQ=WEEKLY", rdates=["2026-03-05", "2026-03-07T15:00"]))
    assert sentence == (
        "Every Monday, 09:00–10:00 in Denver, from Mon 2 Mar 2026, and on Thu 5 Mar 2026 and Sat 7 Mar 2026 at 15:00."
    )


def test_many_added_dates_are_counted_without_those_the_series_has_already() -> None:
    days = [f"2026-03-{day:02}" for day in (2, 3, 4, 5, 6)]
    assert said(series("FREQ=WEEKLY", rdates=days)).endswith(", and on 4 added dates.")


def test_dates_without_a_rule_are_listed() -> None:
    sentence = said(series(None, rdates=["2026-03-05", "2026-03-07"]))
    assert sentence == "Only on Mon 2 Mar, Thu 5 Mar and Sat 7 Mar 2026, 09:00–10:00 in Denver."


def test_dates_at_different_times_each_say_theirs() -> None:
    sentence = said(series(None, rdates=["2026-03-05T15:00"]))
    assert sentence == "Only on Mon 2 Mar 2026 at 09:00 and Thu 5 Mar 2026 at 15:00 in Denver, each for 1 hour."


def test_a_start_from_mail_that_the_rule_does_not_make_stands_beside_it() -> None:
    sentence = said(series("FREQ=WEEKLY;BYDAY=WE;COUNT=3", start_counts=True))
    assert (
        sentence == "Every Wednesday, 09:00–10:00 in Denver, 2 times, last on Wed 11 Mar 2026, and on Mon 2 Mar 2026."
    )


def test_a_start_from_mail_that_uses_up_the_count_is_the_only_date() -> None:
    sentence = said(series("FREQ=WEEKLY;BYDAY=WE;COUNT=1", start_counts=True))
    assert sentence == "Only on Mon 2 Mar 2026, 09:00–10:00 in Denver."


def test_a_start_from_mail_is_not_counted_twice_where_finding_the_dates_takes_too_long() -> None:
    made = series("FREQ=SECONDLY;COUNT=7;BYHOUR=3;BYDAY=MO", "2027-06-20T11:15", "UTC", start_counts=True)
    assert said(made).endswith("from Sun 20 Jun 2027 at 11:15 UTC, 7 times, last on Mon 21 Jun 2027 at 03:00:05.")


SINGLE = [
    ("2026-03-03T14:00", "2026-03-03T14:30", "Tue 3 Mar 2026, 09:00–09:30 in New York."),
    ("2026-03-04T03:00", "2026-03-04T11:00", "Tue 3 Mar 2026, 22:00 – Wed 4 Mar 2026, 06:00 in New York."),
    ("2026-03-04T03:00", "2026-03-04T05:00", "Tue 3 Mar 2026, 22:00–24:00 in New York."),
    ("2026-03-04T03:00", "2026-03-04T03:00", "Tue 3 Mar 2026 at 22:00 in New York."),
    ("2026-11-01T05:30", "2026-11-01T05:45", "Sun 1 Nov 2026, 01:30–01:45 in New York (UTC-04:00)."),
    ("2026-11-01T06:30", "2026-11-01T06:45", "Sun 1 Nov 2026, 01:30–01:45 in New York (UTC-05:00)."),
    ("2026-11-01T05:30", "2026-11-01T06:15", "Sun 1 Nov 2026, 01:30–01:15 in New York (UTC-04:00, then UTC-05:00)."),
    ("2026-03-08T06:30", "2026-03-08T07:30", "Sun 8 Mar 2026, 01:30–03:30 in New York (UTC-05:00, then UTC-04:00)."),
    ("2026-03-08T07:30", "2026-03-08T07:45", "Sun 8 Mar 2026, 03:30–03:45 in New York (UTC-04:00)."),
]


@pytest.mark.parametrize(("start", "end", "sentence"), SINGLE)
def test_a_single_time_says_its_offset_only_where_clocks_are_unclear(start: str, end: str, sentence: str) -> None:
    assert say_single(utc(start), utc(end), load_zone(NEW_YORK)) == sentence


@pytest.mark.parametrize(
    ("first", "days", "sentence"),
    [
        ("2026-03-07", 1, "All day on Sat 7 Mar 2026."),
        ("2026-03-07", 3, "All day from Sat 7 to Mon 9 Mar 2026 (3 days)."),
        ("2026-03-30", 3, "All day from Mon 30 Mar to Wed 1 Apr 2026 (3 days)."),
        ("2026-12-30", 3, "All day from Wed 30 Dec 2026 to Fri 1 Jan 2027 (3 days)."),
    ],
)
def test_a_whole_day_is_a_date_and_several_are_counted(first: str, days: int, sentence: str) -> None:
    assert say_all_day(date.fromisoformat(first), days) == sentence


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("Europe/Berlin", "in Berlin"),
        ("America/Argentina/Buenos_Aires", "in Buenos Aires"),
        ("Australia/Sydney", "in Sydney"),
        ("Pacific/Easter", "in Pacific/Easter"),
        ("America/Indiana/Knox", "in America/Indiana/Knox"),
        ("US/Central", "in US/Central"),
        ("Etc/UTC", "UTC"),
        ("Zulu", "UTC"),
        ("GMT", "in GMT"),
    ],
)
def test_a_zone_is_said_by_its_city_where_that_is_clear(zone: str, words: str) -> None:
    assert place(zone) == words


# --------------------------------------------------------------------------------------------- against the dates

ZONES = st.sampled_from(["America/Denver", "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago", "UTC"]).map(
    load_zone
)
STARTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(
    lambda at: at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
)
LENGTHS = st.sampled_from([Length(0, 0), HALF_AN_HOUR, HOUR, Length(0, 28_800), Length(0, 100_000), Length(2, 0)])


def checked(made: Series) -> Series:
    try:
        return check(made)
    except Problem:
        assume(False)
        raise


@st.composite
def plain_rules(draw: st.DrawFn) -> Rule:
    """Rules with few parts, most of which there is a phrase for."""
    rule = draw(rules(COARSE))
    kept = draw(
        st.sets(st.sampled_from(["byday", "bymonthday", "bymonth", "bysetpos", "byweekno", "byyearday"]), max_size=2)
    )
    parts = {name: () for name in ("byminute", "bysecond", "byhour", "byyearday", "byweekno") if name not in kept}
    parts |= {name: () for name in ("byday", "bymonthday", "bymonth", "bysetpos") if name not in kept}
    bare = replace(rule, **parts)  # type: ignore[arg-type]
    ordinals = any(day.ordinal for day in bare.byday)
    return replace(
        bare,
        bysetpos=() if not (bare.byday or bare.bymonthday) else bare.bysetpos,
        byweekno=() if ordinals else bare.byweekno,
    )


def phrase_of(sentence: str) -> str:
    """The part of a sentence that says the days: all before the times of an all-day series."""
    return sentence.partition(", all day")[0]


@given(plain_rules(), STARTS, st.sampled_from([0, 400]))
@settings(max_examples=70, deadline=None)
def test_every_phrase_means_exactly_the_days_of_the_series(rule: Rule, start: datetime, later: int) -> None:
    made = checked(Series(start.replace(hour=0, minute=0), load_zone("UTC"), Length(1, 0), rule, all_day=True))
    sentence = say_series(made)
    assume(not sentence.startswith(("By ", "Only ")))
    first = made.start.date()
    last = min(made.last.date() if made.last else date.max, first + timedelta(1100))
    low = first + timedelta(later)
    means = promised(phrase_of(sentence), first)
    found = occurrences(made, datetime(low.year, low.month, low.day, tzinfo=UTC), utc("2035-01-01"))
    assert [day for day in days_between(low, last) if means(day)] == [
        each.original.date() for each in found if each.original.date() <= last
    ], sentence


@given(rules(), STARTS, ZONES, LENGTHS, st.booleans(), st.integers(0, 3), st.integers(0, 2))
@settings(max_examples=70, deadline=None)
def test_every_date_named_is_one_of_the_series(
    rule: Rule, start: datetime, zone: ZoneInfo, length: Length, start_counts: bool, cancelled: int, edited: int
) -> None:
    made = checked(Series(start, zone, length, rule, start_counts=start_counts))
    try:
        found = occurrences(made, utc("1990-01-01"), utc("2040-01-01"), 400)
    except Problem:
        found = []
    coming = found[2:5]
    sentence = say_series(made, cancelled=cancelled, edited=edited, next_dates=coming)
    assert 20 < len(sentence) <= MAX_SENTENCE
    assert sentence == say_series(made, cancelled=cancelled, edited=edited, next_dates=coming)
    assume(found and len(found) < 400)
    days = {wall_of(instant, zone).date() for each in found for instant in (each.start, each.end)}
    assert {day for day in dates_in(sentence) if day.year < 2040} <= days, sentence
    if match := re.search(r", (\d+) times?(, |\.)", sentence):
        extra = ", and on " in sentence
        assert int(match[1]) + extra == len(found) or (made.last and made.last.year >= 2039)


@given(rules(), STARTS, ZONES, LENGTHS, st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_series_that_was_never_checked_gets_a_sentence_too(
    rule: Rule, start: datetime, zone: ZoneInfo, length: Length, is_all_day: bool
) -> None:
    if is_all_day:
        start = start.replace(hour=0, minute=0)
    sentence = say_series(Series(start, zone, length, rule, all_day=is_all_day))
    assert 10 < len(sentence) <= MAX_SENTENCE


@given(rules((Freq.DAILY, Freq.WEEKLY), ends=False), STARTS, ZONES, LENGTHS)
@settings(max_examples=60, deadline=None)
def test_a_span_of_clock_times_is_what_clocks_show_on_every_date(
    rule: Rule, start: datetime, zone: ZoneInfo, length: Length
) -> None:
    made = checked(Series(start, zone, length, replace(rule, bysetpos=(), bysecond=()), all_day=False))
    sentence = say_series(made)
    spans = re.findall(r"(\d\d:\d\d)–(\d\d:\d\d)( the next day)?", sentence)
    assume(spans)
    for each in occurrences(made, made.start.replace(tzinfo=UTC) - timedelta(1), utc("2029-01-01"), 1200):
        begin, end = wall_of(each.start, zone), wall_of(each.end, zone)
        shown = (f"{begin:%H:%M}", f"{end:%H:%M}", " the next day" if end.date() > begin.date() else "")
        if shown[1:] == ("00:00", " the next day"):
            shown = (shown[0], "24:00", "")
        assert shown in spans, sentence


@given(rules((Freq.HOURLY,), ends=False), STARTS, ZONES)
@settings(max_examples=40, deadline=None)
def test_hours_said_as_times_of_day_come_once_on_each_of_the_days(rule: Rule, start: datetime, zone: ZoneInfo) -> None:
    rule = replace(rule, interval=1, bysetpos=(), bysecond=(), byyearday=(), byhour=rule.byhour or (9, 12))
    made = checked(Series(start, zone, Length(0, 0), rule))
    assume(not say_series(made).startswith("By "))
    as_days = replace(made, rule=replace(rule, freq=Freq.DAILY))
    window = utc("2028-02-01"), utc("2028-12-01")
    assert [each.start for each in occurrences(made, *window)] == [each.start for each in occurrences(as_days, *window)]


# ------------------------------------------------------------------------------------------------------ its limits

WORST = [
    "FREQ=SECONDLY;INTERVAL=30;COUNT=100",
    "FREQ=DAILY;INTERVAL=999;BYMONTHDAY=31",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;BYHOUR=1,2;BYSETPOS=2",
    "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=1",
    "FREQ=YEARLY;INTERVAL=2;BYDAY=1MO;BYHOUR=23;BYMINUTE=0,1;BYSECOND=1,2;COUNT=40",
    "FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24))) + ";BYMINUTE=0",
    "FREQ=MONTHLY;BYMONTHDAY=" + ",".join(map(str, range(1, 32, 2))) + ";BYDAY=MO,WE,FR;COUNT=900",
    "FREQ=HOURLY;BYMINUTE=0,7,11;INTERVAL=5;BYMONTHDAY=1,3,5,7,9,11,13;COUNT=2000",
]


@pytest.mark.parametrize("rule", WORST)
def test_no_rule_makes_the_sentence_long_or_slow(rule: str) -> None:
    made = check(
        series(rule, zone="America/Argentina/ComodRivadavia", rdates=["2026-03-05T10:00", "2026-03-07", "2026-03-09"])
    )
    coming = occurrences(made, utc("2026-03-01"), utc("2090-01-01"), 3)
    say_series(made)  # the zone's changes are looked up once
    began = time.perf_counter()
    sentence = say_series(made, cancelled=12, edited=120, next_dates=coming)
    assert time.perf_counter() - began < 0.1
    assert len(sentence) <= MAX_SENTENCE


def test_a_rule_too_long_to_quote_is_still_named() -> None:
    days = ",".join(map(str, range(1, 366, 3)))
    sentence = said(series(f"FREQ=YEARLY;BYYEARDAY={days};BYDAY=MO"))
    assert sentence.startswith("By its recurrence rule, 09:00–10:00 in Denver, from Mon ")
