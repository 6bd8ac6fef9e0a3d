"""Invitations, cancellations and answers as organisers and attendees send them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pytest

from app.core.itip import (
    Attendee,
    Component,
    Meaning,
    Message,
    Ours,
    Person,
    Thread,
    Verdict,
    When,
    absorb,
    asks_again,
    by_uid,
    changed,
    format_moment,
    meaning,
    on_date,
    parse_moment,
    thread_from_json,
    thread_to_json,
)
from app.core.itip.thread import MAX_SLOTS
from app.core.times import Length

ZONE: Final = "America/Denver"
PAT: Final = Person("pat@example.org", "Pat")
MONDAYS: Final = "FREQ=WEEKLY;BYDAY=MO"
STAMP: Final = datetime(2026, 12, 4, 10, tzinfo=UTC)
DEC_14, DEC_21, DEC_28 = (f"2026-12-{day}T16:00:00Z" for day in (14, 21, 28))  # nine o'clock in Denver


def at(wall: str, zone: str = ZONE, **more: Any) -> When:
    return When(len(wall) == 10, datetime.fromisoformat(wall), zone, Length(0, 3600), True, **more)


def said(
    summary: str = "Stand-up",
    start: str = "2026-12-14T09:00",
    *,
    sequence: int = 0,
    minutes: int = 0,
    organizer: Person | None = PAT,
    zone: str = ZONE,
    **more: Any,
) -> Component:
    """A component of one UID, said so many minutes after the first one."""
    given: dict[str, Any] = {"when": at(start, zone), "dtstamp": STAMP + timedelta(minutes=minutes)} | more
    return Component(uid="1", sequence=sequence, summary=summary, organizer=organizer, **given)


def of(method: str, *components: Component) -> Message:
    return Message(method, components)


def told(*messages: Message, ours: Ours | None = None) -> tuple[Thread, list[Verdict]]:
    thread, verdicts = Thread("1"), []
    for message in messages:
        thread, verdict = absorb(thread, message, ZONE, ours=ours)
        verdicts.append(verdict)
    return thread, verdicts


def means(*messages: Message) -> Meaning:
    return meaning(told(*messages)[0], ZONE)


def outcomes(*messages: Message, ours: Ours | None = None) -> list[tuple[str, str | None]]:
    return [(verdict.status, verdict.reason) for verdict in told(*messages, ours=ours)[1]]


def titles(found: Meaning) -> dict[str, str | None]:
    return {key: component.summary for key, component in found.overrides.items()}


INVITE: Final = of("REQUEST", said())
SERIES: Final = of("REQUEST", said(rule=MONDAYS))


# ------------------------------------------------------------------------------------------------- the whole event


def test_an_invitation_an_update_and_a_cancellation() -> None:
    update = of("REQUEST", said("Moved", "2026-12-14T11:00", sequence=1))
    cancel = of("CANCEL", said("Moved", sequence=2, status="cancelled"))
    assert outcomes(INVITE, update, cancel) == [("created", None), ("updated", None), ("cancelled", None)]
    found = means(INVITE, update, cancel)
    assert found.cancelled
    assert found.master is not None
    assert found.master.summary == "Moved"


@pytest.mark.parametrize("method", ["REQUEST", "PUBLISH", ""])
def test_a_forwarded_calendar_without_a_method_counts_as_an_invitation(method: str) -> None:
    assert outcomes(of(method, said())) == [("created", None)]


def test_an_older_revision_is_stale_and_the_same_one_a_duplicate() -> None:
    newer = of("REQUEST", said("New", sequence=2))
    older = of("REQUEST", said("Old", sequence=1, minutes=60))
    assert outcomes(newer, older, newer) == [("created", None), ("ignored", "stale"), ("ignored", "duplicate")]


def test_google_s_update_with_the_same_sequence_is_ordered_by_dtstamp() -> None:
    later = of("REQUEST", said("Later", minutes=5))
    assert outcomes(INVITE, later) == [("created", None), ("updated", None)]
    assert outcomes(later, INVITE) == [("created", None), ("ignored", "stale")]


def test_a_cancellation_that_overtakes_its_invitation_wins() -> None:
    cancel = of("CANCEL", said(minutes=1, when=None))
    assert outcomes(cancel, INVITE) == [("ignored", "unknown_event"), ("cancelled", "cancelled_earlier")]
    assert means(cancel, INVITE) == means(INVITE, cancel)
    assert means(cancel).is_empty


def test_who_is_invited_again_after_a_cancellation_has_the_event_again() -> None:
    cancel, again = of("CANCEL", said(sequence=1)), of("REQUEST", said("Again", sequence=2))
    assert outcomes(INVITE, cancel, again)[-1] == ("updated", "reinvited")
    assert not means(INVITE, cancel, again).cancelled
    assert means(again, cancel, INVITE) == means(INVITE, cancel, again)


def test_a_cancelled_status_cancels_whatever_the_method_and_a_cancel_whatever_the_status() -> None:
    by_status = of("REQUEST", said("Canceled: Stand-up", sequence=1, status="cancelled"))
    by_method = of("CANCEL", said("Canceled: Stand-up", sequence=1, status="confirmed"))
    for cancel in (by_status, by_method):
        assert outcomes(INVITE, cancel)[-1] == ("cancelled", None)
        assert means(INVITE, cancel).cancelled


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("COUNTER", "counter"),
        ("DECLINECOUNTER", "counter"),
        ("REFRESH", "refresh"),
        ("SHOUT", "unknown_method"),
        ("REPLY", "unknown_event"),
    ],
)
def test_other_methods_change_nothing(method: str, reason: str) -> None:
    other = of(method, said("Other", sequence=9, minutes=9))
    assert outcomes(INVITE, other)[-1] == ("ignored", reason)
    assert told(INVITE, other)[0] == told(INVITE)[0]


def test_a_message_without_a_start_invites_to_nothing() -> None:
    assert outcomes(of("REQUEST", said(when=None)), of("REQUEST")) == [("ignored", "nothing_to_read")] * 2


# -------------------------------------------------------------------------------------------------- the organiser


@pytest.mark.parametrize("method", ["REQUEST", "PUBLISH", "ADD", "CANCEL", ""])
@pytest.mark.parametrize("who", [Person("eve@example.com"), None])
def test_nobody_but_the_stored_organiser_changes_an_event(method: str, who: Person | None) -> None:
    forged = of(method, said("Forged", sequence=9, minutes=9, organizer=who))
    thread, verdicts = told(INVITE, forged)
    assert (verdicts[1].status, verdicts[1].reason) == ("ignored", "not_the_organiser")
    assert thread == told(INVITE)[0]


def test_a_published_event_needs_no_organiser_and_the_first_one_named_is_it() -> None:
    published = of("PUBLISH", said(organizer=None))
    update = of("PUBLISH", said("Changed", sequence=1, organizer=None))
    assert outcomes(published, update) == [("created", None), ("updated", None)]
    claimed = of("REQUEST", said("By Pat", sequence=2))
    assert outcomes(published, claimed, of("PUBLISH", said(sequence=3, organizer=None)))[1:] == [
        ("updated", None),
        ("ignored", "not_the_organiser"),
    ]


def test_a_forged_cancellation_that_comes_first_neither_cancels_nor_takes_the_event() -> None:
    for who in (Person("eve@example.com"), None):
        forged = of("CANCEL", said(sequence=99, minutes=99, organizer=who))
        assert outcomes(forged, INVITE) == [("ignored", "unknown_event"), ("created", None)]
        cancel = of("CANCEL", said(sequence=1))
        assert told(forged, cancel, INVITE)[0] == told(INVITE, cancel)[0]
        assert means(forged, cancel, INVITE).cancelled


def test_cancellations_of_few_organisers_wait_for_one_event() -> None:
    forged = [of("CANCEL", said(organizer=Person(f"e{number}@example.com"))) for number in range(9)]
    assert [reason for _, reason in outcomes(*forged)] == ["unknown_event"] * 8 + ["too_many_dates"]


def test_a_calendar_may_be_the_organiser() -> None:
    team = Person("c_1a2b@group.calendar.google.com", "Team")
    assert outcomes(of("REQUEST", said(organizer=team)), of("CANCEL", said(organizer=team, sequence=1)))[-1] == (
        "cancelled",
        None,
    )


def test_mail_changes_nothing_of_an_event_the_agent_made() -> None:
    ours = Ours({"kim@example.com"})
    for method in ("REQUEST", "PUBLISH", "ADD", "CANCEL"):
        assert outcomes(of(method, said(sequence=9)), ours=ours) == [("ignored", "our_event")]


# ----------------------------------------------------------------------------------------------- dates of a series


def test_a_changed_date_and_a_cancelled_one_leave_the_series() -> None:
    moved = of("REQUEST", said("Moved", "2026-12-22T15:00", sequence=1, recurrence_id=DEC_21))
    gone = of("CANCEL", said(sequence=1, recurrence_id=DEC_28))
    found = means(SERIES, moved, gone)
    assert outcomes(SERIES, moved, gone) == [("created", None), ("updated", None), ("cancelled", None)]
    assert (titles(found), found.cancelled_dates, found.cancelled) == ({"20261221": "Moved"}, ("20261228",), False)
    assert means(gone, moved, SERIES) == found


@pytest.mark.parametrize(
    "named",
    [DEC_21, "2026-12-21T09:00:00", "2026-12-21"],
)
def test_however_a_date_is_named_there_is_one_override_of_it(named: str) -> None:
    first = of("REQUEST", said("First", sequence=1, recurrence_id=DEC_21))
    second = of("REQUEST", said("Second", sequence=2, recurrence_id=named))
    assert titles(means(SERIES, first, second)) == {"20261221": "Second"}
    assert titles(means(second, SERIES, first)) == {"20261221": "Second"}
    cancel = of("CANCEL", said(sequence=3, recurrence_id=named))
    assert means(cancel, second, first, SERIES).cancelled_dates == ("20261221",)


def test_a_date_invited_without_its_series_is_an_event_until_the_series_comes() -> None:
    alone = of("REQUEST", said("Just this one", "2026-12-21T10:00", recurrence_id=DEC_21))
    assert outcomes(alone, SERIES) == [("created", None), ("updated", None)]
    assert [component.summary for component in means(alone).loose.values()] == ["Just this one"]
    found = means(alone, SERIES)
    assert (titles(found), dict(found.loose)) == ({"20261221": "Just this one"}, {})


def test_a_date_invited_alone_and_cancelled_is_a_cancelled_event() -> None:
    alone = of("REQUEST", said("Just this one", recurrence_id=DEC_21))
    cancel = of("CANCEL", said(sequence=1, recurrence_id=DEC_21))
    assert list(means(cancel, alone).loose_cancelled) == [DEC_21]
    assert outcomes(alone, cancel)[-1] == ("cancelled", None)
    assert list(means(alone, of("CANCEL", said(minutes=1))).loose_cancelled) == [DEC_21]


def test_a_date_may_be_invited_again_after_its_cancellation() -> None:
    cancel = of("CANCEL", said(sequence=1, recurrence_id=DEC_21))
    again = of("REQUEST", said("Again", sequence=2, recurrence_id=DEC_21))
    found = means(SERIES, cancel, again)
    assert (titles(found), found.cancelled_dates) == ({"20261221": "Again"}, ())


def test_a_new_title_of_the_series_leaves_its_changed_and_cancelled_dates() -> None:
    moved = of("REQUEST", said("Moved", "2026-12-22T15:00", sequence=1, minutes=1, recurrence_id=DEC_21))
    gone = of("CANCEL", said(sequence=1, minutes=1, recurrence_id=DEC_28))
    renamed = of("REQUEST", said("Renamed", sequence=5, minutes=9, rule=MONDAYS))
    found = means(SERIES, moved, gone, renamed)
    assert (titles(found), found.cancelled_dates) == ({"20261221": "Moved"}, ("20261228",))


def test_a_new_time_of_the_series_resets_what_was_said_of_its_old_dates() -> None:
    moved = of("REQUEST", said("Moved", "2026-12-22T15:00", sequence=1, minutes=1, recurrence_id=DEC_21))
    gone = of("CANCEL", said(sequence=1, minutes=1, recurrence_id=DEC_28))
    retimed = of("REQUEST", said("At ten", "2026-12-14T10:00", sequence=2, minutes=9, rule=MONDAYS))
    found = means(SERIES, moved, gone, retimed)
    assert (titles(found), found.cancelled_dates, dict(found.loose)) == ({}, (), {})
    assert means(retimed, gone, SERIES, moved) == found


def test_an_old_name_for_a_date_said_after_the_new_time_still_names_its_day() -> None:
    retimed = of("REQUEST", said("At ten", "2026-12-14T10:00", sequence=2, minutes=1, rule=MONDAYS))
    later = of("REQUEST", said("Moved", "2026-12-22T15:00", sequence=1, minutes=9, recurrence_id=DEC_21))
    assert titles(means(retimed, later)) == {"20261221": "Moved"}


def test_a_date_the_series_does_not_have_is_an_event_beside_it() -> None:
    extra = of("REQUEST", said("Extra", "2026-12-16T09:00", minutes=1, recurrence_id="2026-12-16T16:00:00Z"))
    assert [component.summary for component in means(SERIES, extra).loose.values()] == ["Extra"]


def test_add_adds_a_date_to_the_series() -> None:
    added = of("ADD", said("Added", "2026-12-16T09:00", sequence=1))
    found = means(SERIES, added)
    assert [(key, component.summary) for key, component in found.loose.items()] == [("2026-12-16T16:00:00Z", "Added")]
    assert outcomes(SERIES, added)[-1] == ("updated", None)
    assert means(added, SERIES) == found


def test_an_excluded_date_with_a_component_of_its_own_is_shown_unless_excluded_later() -> None:
    master = said(rule=MONDAYS, exdates=("2026-12-21T09:00:00", "2026-12-28"))
    override = said("Moved", "2026-12-22T15:00", recurrence_id=DEC_21)
    found = means(of("REQUEST", master, override))
    assert (titles(found), found.cancelled_dates) == ({"20261221": "Moved"}, ("20261228",))
    later = said(rule=MONDAYS, exdates=("2026-12-21T09:00:00",), sequence=1, minutes=1)
    found = means(of("REQUEST", master, override), of("REQUEST", later))
    assert (titles(found), found.cancelled_dates) == ({}, ("20261221",))


def test_all_day_dates_are_named_by_dates_and_by_midnights() -> None:
    when = When(True, datetime(2026, 12, 14), ZONE, Length(1, 0))
    series = of("REQUEST", said(rule=MONDAYS, when=when))
    for named in ("2026-12-21", "2026-12-21T00:00:00Z", "2026-12-21T07:00:00Z", "2026-12-21T00:00:00"):
        assert means(series, of("CANCEL", said(sequence=1, recurrence_id=named))).cancelled_dates == ("20261221",)


def test_the_one_date_of_a_single_event_is_the_whole_of_it() -> None:
    assert means(INVITE, of("CANCEL", said(sequence=1, recurrence_id=DEC_14))).cancelled
    changed_date = means(INVITE, of("REQUEST", said("Changed", sequence=1, recurrence_id=DEC_14)))
    assert changed_date.master is not None
    assert (changed_date.master.summary, changed_date.overrides) == ("Changed", {})


def test_a_cancelled_series_takes_its_changed_dates_along_whatever_their_sequence() -> None:
    moved = of("REQUEST", said("Moved", "2026-12-22T15:00", sequence=7, minutes=1, recurrence_id=DEC_21))
    cancel = of("CANCEL", said(sequence=1, minutes=2))
    found = means(SERIES, moved, cancel)
    assert (found.cancelled, titles(found)) == (True, {})
    again = of("REQUEST", said("Only this", sequence=8, minutes=3, recurrence_id=DEC_21))
    assert titles(means(SERIES, moved, cancel, again)) == {"20261221": "Only this"}
    fresh = of("REQUEST", said(sequence=2, minutes=3, rule=MONDAYS))
    assert (titles(means(SERIES, moved, cancel, fresh)), means(SERIES, moved, cancel, fresh).cancelled) == ({}, False)


def test_this_and_future_may_be_cancelled_or_changed() -> None:
    rest = said("From here on", "2026-12-21T10:00", sequence=1, minutes=1, recurrence_id=DEC_21, this_and_future=True)
    found = means(SERIES, of("REQUEST", rest))
    assert [(future.key, future.component.summary) for future in found.futures] == [("20261221", "From here on")]
    end = of("CANCEL", said(sequence=2, minutes=2, recurrence_id=DEC_28, this_and_future=True))
    found = means(SERIES, of("REQUEST", rest), end)
    assert (found.ends_before, len(found.futures)) == ("20261228", 1)
    moved = of("REQUEST", said("Moved", sequence=1, minutes=1, recurrence_id="2027-01-04T16:00:00Z"))
    assert titles(means(SERIES, moved, end)) == {}
    assert means(end, SERIES).ends_before == "20261228"
    assert outcomes(SERIES, end)[-1] == ("cancelled", None)


def test_this_and_future_of_dates_without_their_series_and_of_a_single_event() -> None:
    alone = of("REQUEST", said("First", recurrence_id=DEC_21), said("Second", recurrence_id=DEC_28))
    end = of("CANCEL", said(sequence=1, minutes=1, recurrence_id=DEC_28, this_and_future=True))
    found = means(alone, end)
    assert (list(found.loose), list(found.loose_cancelled)) == ([DEC_21], [DEC_28])
    earlier = of("CANCEL", said(sequence=1, minutes=1, recurrence_id=DEC_14, this_and_future=True))
    assert list(means(earlier, alone).loose_cancelled) == [DEC_21, DEC_28]
    assert means(INVITE, earlier).cancelled


def test_a_thread_takes_so_many_dates_and_no_more() -> None:
    start = datetime(2026, 12, 14, 16, tzinfo=UTC)
    dates = [
        said(f"Date {number}", recurrence_id=format_moment(start + timedelta(days=7 * number)))
        for number in range(MAX_SLOTS + 5)
    ]
    thread, verdicts = told(of("REQUEST", *dates[:MAX_SLOTS]), of("REQUEST", *dates[MAX_SLOTS:]), SERIES)
    assert [verdict.reason for verdict in verdicts] == [None, "too_many_dates", "too_many_dates"]
    assert len(thread.slots) == MAX_SLOTS


def test_a_thread_takes_so_much_text_and_then_cancellations_alone() -> None:
    text = "x" * 65_536
    days = [f"2027-{month:02}-{day:02}" for month in range(1, 5) for day in range(1, 21)]
    thread, verdicts = told(*(of("REQUEST", said(description=text, recurrence_id=day)) for day in days))
    assert verdicts[-1].reason == "too_many_dates"
    assert 50 < len(thread.slots) < len(days)
    _, verdict = absorb(thread, of("CANCEL", said(sequence=1, minutes=1, when=None)), ZONE)
    assert verdict.status == "cancelled"


# -------------------------------------------------------------------------------------------------------- answers


def reply(partstat: str, who: str = "kim@example.com", **more: Any) -> Message:
    return of("REPLY", said(attendees=(Attendee(who, partstat=partstat),), **more))


def test_an_answer_changes_that_attendee_on_that_date() -> None:
    ours = Ours({"kim@example.com", "lee@example.com"})
    thread, verdicts = told(reply("ACCEPTED"), reply("DECLINED", recurrence_id=DEC_21), ours=ours)
    assert [(verdict.status, verdict.reason) for verdict in verdicts] == [("updated", "answered")] * 2
    answers = [(answer.address, answer.recurrence_id, answer.partstat) for answer in thread.answers.values()]
    assert answers == [("kim@example.com", None, "ACCEPTED"), ("kim@example.com", DEC_21, "DECLINED")]
    assert meaning(thread, ZONE).is_empty


def test_the_newest_answer_counts_and_one_to_an_older_revision_does_not() -> None:
    ours = Ours({"kim@example.com"}, answerable_from=2)
    newer, older = reply("DECLINED", sequence=2, minutes=9), reply("ACCEPTED", sequence=2, minutes=1)
    assert outcomes(newer, older, newer, reply("ACCEPTED", sequence=1, minutes=20), ours=ours) == [
        ("updated", "answered"),
        ("ignored", "stale"),
        ("ignored", "duplicate"),
        ("ignored", "stale"),
    ]


def test_an_unknown_attendee_is_reported_and_not_added() -> None:
    thread, (verdict,) = told(reply("ACCEPTED", "eve@example.com"), ours=Ours({"kim@example.com"}))
    assert (verdict.status, verdict.reason, thread.answers) == ("ignored", "unknown_attendee", {})
    assert verdict.answer is not None
    assert (verdict.answer.address, verdict.answer.partstat) == ("eve@example.com", "ACCEPTED")


def test_of_several_attendees_in_an_answer_the_sender_s_counts() -> None:
    both = of("REPLY", said(attendees=(Attendee("kim@example.com", partstat="DECLINED"), Attendee("lee@example.com"))))
    ours = Ours({"kim@example.com", "lee@example.com"})
    assert outcomes(both, ours=ours) == [("ignored", "unknown_attendee")]
    thread, verdict = absorb(Thread("1"), both, ZONE, ours=ours, sender="Kim@example.com")
    assert verdict.status == "updated"
    assert [answer.address for answer in thread.answers.values()] == ["kim@example.com"]


def test_an_unknown_answer_counts_as_none() -> None:
    thread, _ = told(reply("MAYBE"), ours=Ours({"kim@example.com"}))
    assert [answer.partstat for answer in thread.answers.values()] == ["NEEDS-ACTION"]


# ------------------------------------------------------------------------------------------------- asking again


@pytest.mark.parametrize(
    ("change", "parts", "asks"),
    [
        ({}, set(), False),
        ({"sequence": 5, "description": "x", "attendees": (Attendee("new@example.com"),)}, set(), False),
        ({"summary": "Other"}, {"title"}, False),
        ({"summary": " stand-up "}, set(), False),
        ({"exdates": ("2026-12-21",)}, set(), False),
        ({"location": "Room 5"}, {"place"}, True),
        ({"when": at("2026-12-14T10:00")}, {"time"}, True),
        ({"when": at("2026-12-14T17:00", "Europe/Berlin")}, set(), False),
        ({"rule": MONDAYS}, {"recurrence"}, True),
        ({"rdates": ("2026-12-15",)}, {"recurrence"}, True),
    ],
)
def test_a_change_of_time_place_or_recurrence_asks_again(change: dict[str, Any], parts: set[str], asks: bool) -> None:
    old = said()
    new = msgspec.structs.replace(old, **change)
    assert changed(old, new, ZONE) == parts
    assert asks_again(old, new, ZONE) == asks


def test_a_series_moved_to_another_zone_asks_again_though_its_first_date_stands() -> None:
    old, new = said(rule=MONDAYS), said(rule=MONDAYS, start="2026-12-14T17:00", zone="Europe/Berlin")
    assert changed(old, new, ZONE) == {"time"}
    assert changed(old, said(rule=f"BYDAY=MO;{MONDAYS.partition(';')[0]}"), ZONE) == frozenset()


def test_a_date_that_is_moved_asks_again_and_one_that_is_renamed_does_not() -> None:
    before = on_date(said(rule=MONDAYS), "20261221", ZONE)
    assert before is not None
    assert before.recurrence_id == DEC_21
    assert not asks_again(before, said("Renamed", "2026-12-21T09:00", recurrence_id=DEC_21), ZONE)
    assert not asks_again(before, said(start="2026-12-21T17:00", zone="Europe/Berlin", recurrence_id=DEC_21), ZONE)
    assert asks_again(before, said(start="2026-12-21T10:00", recurrence_id=DEC_21), ZONE)
    assert on_date(said(rule=MONDAYS), "20261222", ZONE) is None


# ---------------------------------------------------------------------------------------------------------- storing


def test_a_thread_survives_json() -> None:
    fold = at("2026-11-01T01:30", second_pass=True)
    thread, _ = told(
        of("REQUEST", said(rule=MONDAYS, when=fold, last="2027-01-01T01:30:00", extra=("X-A:1",), notices=("n",))),
        of("CANCEL", said(sequence=1, recurrence_id=DEC_21)),
    )
    again = thread_from_json(thread_to_json(thread))
    assert again == thread
    kept = again.slots[""].invite
    assert kept is not None
    assert kept.when is not None
    assert kept.when.start_wall.fold == 1


@pytest.mark.parametrize("text", ["2026-03-01", "2026-03-01T09:00:00", "2026-11-01T01:30:00b", "2026-03-01T09:00:00Z"])
def test_a_moment_s_text_reads_back(text: str) -> None:
    assert format_moment(parse_moment(text)) == text


def test_a_message_about_several_events_is_taken_apart() -> None:
    other = msgspec.structs.replace(said(), uid="2")
    parts = by_uid(of("REQUEST", said(), other, said(recurrence_id=DEC_21)))
    assert {uid: len(message.components) for uid, message in parts.items()} == {"1": 2, "2": 1}
