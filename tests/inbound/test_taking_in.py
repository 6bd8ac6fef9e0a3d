"""What a mail is taken for, whom it is for, and that it counts once."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from app.inbound.mail import Attachment, unpacked
from tests.inbound.mails import Inbox, attachment, calendar_text, inbox, many_events, postmark, received
from tests.support.service import Service


def stored(service: Service, calendar_id: str) -> list[Any]:
    with psycopg.connect(service.dsn) as database:
        found = database.execute(
            "select state, content, answer::json, sender_check::json from mails where calendar_id = %s "
            "order by received_at, id",
            (calendar_id,),
        )
        return [(state, unpacked(content), *others) for state, content, *others in found.fetchall()]


def threads(service: Service, calendar_id: str) -> list[Any]:
    with psycopg.connect(service.dsn) as database:
        found = database.execute(
            "select uid, message_id from threads where calendar_id = %s order by uid", (calendar_id,)
        )
        return found.fetchall()


def test_an_invitation_is_answered_with_what_it_made_and_kept(mail: Inbox) -> None:
    answer = mail.take(postmark(attachment(calendar_text("u1"))))
    assert answer["status"] == "created"
    ((state, content, kept, _),) = stored(mail.service, mail.calendar.id)
    assert (state, kept) == ("done", answer)
    assert content.parts[0].data.decode() == calendar_text("u1")
    assert (content.text, content.sender) == ("You are invited.", "pat@example.org")
    assert threads(mail.service, mail.calendar.id) == [("u1", "<m1@mail.example.org>")]


def test_a_series_says_its_rule(mail: Inbox) -> None:
    answer = mail.take(postmark(attachment(calendar_text("u1", lines=("RRULE:FREQ=WEEKLY;COUNT=3",)))))
    assert answer["recurrence"] == "FREQ=WEEKLY;COUNT=3"
    assert isinstance(answer["instances_created"], int)


@pytest.mark.parametrize("provider", ["postmark", "agentmail"])
def test_the_same_message_again_gets_the_first_answer_again(mail: Inbox, provider: str) -> None:
    if provider == "postmark":
        payload = postmark(attachment(calendar_text("u1")))
    else:
        payload = received(text=calendar_text("u1"))
    first = mail.post(payload)
    assert first.json()["status"] == "created"
    assert [mail.post(payload).content for _ in range(3)] == [first.content] * 3
    assert len(stored(mail.service, mail.calendar.id)) == 1


def test_the_same_message_ten_times_at_once_is_taken_once(mail: Inbox) -> None:
    payload = postmark(attachment(calendar_text("u1")))
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: mail.post(payload), range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["status"] == "created"
    assert len(stored(mail.service, mail.calendar.id)) == 1


def test_other_messages_about_one_event_at_once_make_it_once(mail: Inbox) -> None:
    payloads = [postmark(attachment(calendar_text("u1"))) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = [answer.json() for answer in pool.map(mail.post, payloads)]
    assert sorted(answer["status"] for answer in answers) == ["created"] + ["ignored"] * 7
    assert {answer["code"] for answer in answers if answer["status"] == "ignored"} == {"duplicate"}


def test_a_mail_without_an_id_is_known_by_what_it_says(mail: Inbox) -> None:
    payload = postmark(attachment(calendar_text("u1")), MessageID=None)
    assert mail.post(payload).content == mail.post(payload).content
    assert len(stored(mail.service, mail.calendar.id)) == 1


def test_an_update_and_a_cancellation_follow(mail: Inbox) -> None:
    def said(**more: Any) -> Any:
        return mail.take(postmark(attachment(calendar_text("u1", **more))))

    assert said()["status"] == "created"
    assert said(sequence=1, start="20260310T100000Z")["status"] == "updated"
    assert said(method="CANCEL", sequence=2)["status"] == "cancelled"
    assert said(sequence=1)["code"] == "stale"


def test_somebody_else_than_the_organiser_changes_nothing(mail: Inbox) -> None:
    mail.take(postmark(attachment(calendar_text("u1"))))
    answer = mail.take(postmark(attachment(calendar_text("u1", sequence=5, organiser="eve@example.org"))))
    assert (answer["status"], answer["code"]) == ("ignored", "not_the_organiser")
    assert "eve@example.org" in answer["reason"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("invite.ics", "TEXT/Calendar; METHOD=REQUEST; Charset=UTF-8"),
        ("", "text/calendar"),
        ("Meeting.ICS", "application/octet-stream"),
        ("invite.ics", ""),
        ("x", "Application/ICS"),
        ("a.ics", 'text/plain; name="a.ics"'),
    ],
)
def test_a_calendar_is_known_by_its_type_or_its_name(mail: Inbox, name: str, kind: str) -> None:
    assert mail.take(postmark(attachment(calendar_text(), name, kind)))["status"] == "created"


def test_a_calendar_pasted_into_the_text_counts(mail: Inbox) -> None:
    text = f"FYI, see below.\n\n{calendar_text()}\n-- \nPat"
    assert mail.take(postmark(TextBody=text))["status"] == "created"


def test_the_method_and_charset_of_the_part_count_where_the_calendar_has_none(mail: Inbox) -> None:
    mail.take(postmark(attachment(calendar_text("u1"))))
    part = attachment(calendar_text("u1", method=None, sequence=1), kind="text/calendar; method=CANCEL")
    assert mail.take(postmark(part))["status"] == "cancelled"
    latin = calendar_text("u2", title="Réunion").encode("latin-1")
    answer = mail.take(postmark(attachment(latin, kind="text/calendar; charset=iso-8859-1")))
    assert answer["status"] == "created"


def test_the_same_calendar_twice_in_a_mail_counts_once(mail: Inbox) -> None:
    text = calendar_text()
    twice = [attachment(text), attachment(text.replace("\r\n", "\n"), kind="application/ics")]
    answer = mail.take(postmark(*twice))
    assert answer["status"] == "created"
    assert "events" not in answer


def test_several_events_in_a_mail_are_answered_one_by_one(mail: Inbox) -> None:
    mail.take(postmark(attachment(calendar_text("u1"))))
    parts = [calendar_text("u1", sequence=1, start="20260311T100000Z"), calendar_text("u2"), "BEGIN:VCALENDAR\r\n"]
    answer = mail.take(postmark(*map(attachment, parts)))
    assert answer["status"] == "created"
    told = [(each.get("ical_uid"), each["status"], each.get("code")) for each in answer["events"]]
    assert told == [("u1", "updated", None), ("u2", "created", None), (None, "ignored", "no_event")]
    assert answer["event_id"] == answer["events"][1]["event_id"]


@pytest.mark.parametrize(
    "content",
    [
        "\r\n".join(base64.encodebytes(calendar_text().encode()).decode().split("\n")),
        base64.b64encode(calendar_text().encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(calendar_text(title="???>>>").encode()).decode(),
        calendar_text(),
    ],
    ids=["wrapped", "without padding", "the other alphabet", "not encoded"],
)
def test_base64_may_be_written_carelessly(mail: Inbox, content: str) -> None:
    assert mail.take(postmark(attachment("") | {"Content": content}))["status"] == "created"


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (attachment("PK\x03\x04", "invite.zip", "application/zip"), "no_calendar"),
        (attachment("<html>Sign in</html>"), "not_a_calendar"),
        (attachment(many_events(501)), "too_many_events"),
        (attachment(calendar_text(lines=("X-FILL:" + "x" * 1_100_000,))), "too_large"),
        (attachment(calendar_text(lines=("X-FILL:" + "x" * 3_100_000,))), "too_large"),
        (attachment(calendar_text(lines=tuple(f"ATTENDEE:mailto:a{n}@x.org" for n in range(1001)))),
         "too_many_attendees"),
        (attachment(calendar_text(method="REFRESH")), "refresh"),
        (attachment(calendar_text(method="COUNTER")), "counter"),
        (attachment(calendar_text(method="REPLY")), "unknown_event"),
        (attachment(calendar_text(method="CANCEL")), "unknown_event"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_ignored_is_kept_and_says_why(mail: Inbox, part: dict[str, Any], code: str) -> None:
    answer = mail.take(postmark(part))
    assert (answer["status"], answer["code"]) == ("ignored", code)
    assert answer["reason"].endswith(".")
    ((state, _, kept, _),) = stored(mail.service, mail.calendar.id)
    assert (state, kept) == ("done", answer)


def test_events_of_all_attachments_together_are_bounded(mail: Inbox) -> None:
    parts = [attachment(many_events(300).replace("many-", f"m{n}-")) for n in range(2)]
    assert mail.take(postmark(*parts))["code"] == "too_many_events"


def test_a_cancellation_that_comes_first_is_remembered(mail: Inbox) -> None:
    assert mail.take(postmark(attachment(calendar_text("u1", method="CANCEL", sequence=1))))["status"] == "ignored"
    answer = mail.take(postmark(attachment(calendar_text("u1"))))
    assert (answer["status"], answer["code"]) == ("cancelled", "cancelled_earlier")


def test_other_attachments_are_kept_by_name_and_size_alone(mail: Inbox) -> None:
    mail.take(postmark(attachment(b"\x00" * 900, "scan.pdf", "application/pdf"), attachment(calendar_text())))
    ((_, content, _, _),) = stored(mail.service, mail.calendar.id)
    assert content.attachments == (Attachment("scan.pdf", "application/pdf", 900),)


# ------------------------------------------------------------------------------------------------------ for whom


def test_an_unknown_token_is_ignored_and_nothing_is_stored(mail: Inbox) -> None:
    with psycopg.connect(mail.service.dsn, autocommit=True) as database:
        before = database.execute("select count(*) from mails").fetchone()
        response = mail.http.post("/inbound/inb_nobody", json=postmark(attachment(calendar_text())))
        assert database.execute("select count(*) from mails").fetchone() == before
    assert (response.status_code, response.json()["status"]) == (200, "ignored")
    assert response.json()["reason"] == "No calendar has this address."


def test_a_token_that_was_rotated_away_is_nobodys(mail: Inbox) -> None:
    mail.calendar.api.post(f"{mail.calendar.path}/rotate", {"what": ["inbound"]})
    assert mail.take(postmark(attachment(calendar_text())))["code"] == "unknown_address"


@pytest.mark.parametrize(
    "fields",
    [
        lambda address: {"OriginalRecipient": address},
        lambda address: {"OriginalRecipient": address.upper()},
        lambda address: {"OriginalRecipient": "x@inbound.example", "ToFull": [{"Email": address, "Name": "Agent"}]},
        lambda address: {"CcFull": [{"Email": "other@example.org"}, {"Email": address}]},
        lambda address: {"To": f'"Doe, Agent" <{address}>, other@example.org'},
        lambda address: {"To": f"{address.replace('@', '+tag@')}"},
    ],
    ids=["delivered to", "in capitals", "ToFull", "CcFull", "To with display names", "with a tag"],
)
def test_mail_to_the_domain_goes_to_the_calendar_it_names(mail: Inbox, fields: Any) -> None:
    response = mail.http.post("/inbound", json=postmark(attachment(calendar_text()), **fields(mail.address)))
    assert response.json()["status"] == "created", response.text
    assert len(stored(mail.service, mail.calendar.id)) == 1


def test_agentmail_to_the_domain_goes_to_the_calendar_it_names(mail: Inbox) -> None:
    payload = received(text=calendar_text(), to=[f"Agent <{mail.address}>"])
    assert mail.http.post("/inbound", json=payload).json()["status"] == "created"
    payload = received(text=calendar_text("u2"), inbox_id=mail.address)
    assert mail.http.post("/inbound", json=payload).json()["status"] == "created"


@pytest.mark.parametrize("to", ["", "cal-000000000000@{domain}", "x@{domain}", "{address}.evil.example", "x{address}"])
def test_mail_to_the_domain_for_nobody_is_ignored(mail: Inbox, to: str) -> None:
    filled = to.format(domain=mail.address.partition("@")[2], address=mail.address)
    response = mail.http.post("/inbound", json=postmark(attachment(calendar_text()), OriginalRecipient=filled))
    assert (response.status_code, response.json()["code"]) == (200, "unknown_address")


def test_mail_to_two_calendars_is_taken_for_both_unless_it_was_delivered_to_one(service: Service) -> None:
    one, other = inbox(service), inbox(service)
    both = {"ToFull": [{"Email": one.address}, {"Email": other.address}]}
    answer = one.http.post("/inbound", json=postmark(attachment(calendar_text()), **both)).json()
    assert {each["calendar_id"] for each in answer["events"]} == {one.calendar.id, other.calendar.id}
    assert [each["status"] for each in answer["events"]] == ["created", "created"]
    payload = postmark(attachment(calendar_text("u2")), OriginalRecipient=one.address, **both)
    assert "events" not in one.http.post("/inbound", json=payload).json()
    assert [len(stored(service, each.calendar.id)) for each in (one, other)] == [2, 1]


# -------------------------------------------------------------------------------------------- what is said of it


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, (None, None, None)),
        ({"Received-SPF": "Pass (sender SPF authorized) identity=mailfrom; client-ip=192.0.2.1"}, ("pass", None, None)),
        ({"X-Spam-Tests": "DKIM_SIGNED,DKIM_VALID,DKIM_VALID_AU,SPF_SOFTFAIL"}, ("softfail", "pass", None)),
        ({"Authentication-Results": "mx.example; dkim=pass header.i=@x.org; spf=fail; dmarc=fail (p=none)"},
         ("fail", "pass", "fail")),
        ({"Authentication-Results": "spf=whatever dmarc=" + "x" * 5000}, (None, None, None)),
    ],
)  # fmt: skip
def test_what_the_provider_reports_of_the_sender_is_kept(
    mail: Inbox, headers: dict[str, str], expected: tuple[str | None, ...]
) -> None:
    found = [{"Name": name, "Value": value} for name, value in headers.items()]
    mail.take(postmark(attachment(calendar_text()), Headers=found))
    ((_, _, _, check),) = stored(mail.service, mail.calendar.id)
    assert (check["spf"], check["dkim"], check["dmarc"]) == expected
    assert check["organiser_is_sender"] is True


def test_results_below_the_topmost_may_be_the_senders_invention(mail: Inbox) -> None:
    found = [{"Name": "Authentication-Results", "Value": f"mx; spf={result}"} for result in ("fail", "pass")]
    mail.take(postmark(attachment(calendar_text()), Headers=found))
    assert stored(mail.service, mail.calendar.id)[0][3]["spf"] == "fail"


def test_who_forwards_an_invitation_is_not_its_organiser(mail: Inbox) -> None:
    mail.take(postmark(attachment(calendar_text()), FromFull={"Email": "colleague@example.org"}))
    assert stored(mail.service, mail.calendar.id)[0][3]["organiser_is_sender"] is False


def test_an_answer_to_our_own_event_changes_its_attendee_alone(mail: Inbox) -> None:
    event = mail.calendar.add(
        title="Ours", start="2026-03-09T10:00:00", end="2026-03-09T11:00:00", attendees=["bob@example.org"]
    )
    reply = calendar_text(
        event["ical_uid"],
        method="REPLY",
        organiser=mail.address,
        title="Theirs",
        lines=("ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org",),
    )
    answer = mail.take(postmark(attachment(reply), From="bob@example.org", FromFull=None))
    assert (answer["status"], answer["event_id"], answer["code"]) == ("updated", event["id"], "answered")
    after = mail.calendar.event(event["id"])
    assert (after["title"], after["attendee_details"][0]["partstat"]) == ("Ours", "ACCEPTED")
    request = calendar_text(event["ical_uid"], sequence=9, title="Theirs")
    assert mail.take(postmark(attachment(request)))["code"] == "our_event"


def test_what_comes_by_mail_says_so_and_carries_the_check_of_its_sender(mail: Inbox) -> None:
    spf = [{"Name": "Received-SPF", "Value": "Pass (ok)"}]
    answer = mail.take(postmark(attachment(calendar_text()), Headers=spf))
    event = mail.calendar.event(answer["event_id"])
    assert (event["source"], event["untrusted"], event["status"]) == ("inbound_email", True, "tentative")
    assert event["sender_check"] == {"spf": "pass", "dkim": None, "dmarc": None, "organiser_is_sender": True}
    (change,) = mail.calendar.changes()
    assert (change["type"], change["by"]) == ("invite.received", mail.list()[0]["id"])
