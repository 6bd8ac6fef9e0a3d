"""Mails with iTIP messages, read back by the standard library's parser and by icalendar."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from icalendar import Calendar

from app.core.mailbox import Mailbox, is_mailable
from app.core.times import Length
from app.core.zones import load_zone
from app.ical.itip_write import Answer, Attendee, Invited
from app.ical.write import VEvent
from app.mail.compose import answer, cancellation, invitation
from app.mail.message import Mail
from app.mail.mime import mime
from app.mail.postmark import postmark_json
from tests.ical.test_content_lines import NASTY

NEW_YORK = load_zone("America/New_York")
STAMP = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 12, 31, tzinfo=UTC)
WORK = Mailbox("cal-aB3dE5fG7hJ9@kalends.example", "Work")
ADA = Mailbox("ada@example.com", "Ada Lovelace")
SENDER = Mailbox("calendars@kalends.example")
LUNCH = VEvent(
    uid="lunch@example.com",
    sequence=1,
    summary="Team lunch",
    created=datetime(2026, 2, 1, tzinfo=UTC),
    modified=datetime(2026, 2, 1, tzinfo=UTC),
    start=datetime(2026, 3, 3, 12, 0),
    zone=NEW_YORK,
    end=datetime(2026, 3, 3, 18, 0, tzinfo=UTC),
    description="Bring an appetite.\nAnd a friend.",
    location="Room 5,\nsecond floor",
)
GUESTS = (Attendee("ada@example.com", "Ada Lovelace"), Attendee("bob@example.org"))


def answered(response: Answer = "accepted", event: VEvent = LUNCH, organiser: Mailbox = ADA, **more: Any) -> Mail:
    return answer(
        delivery_id="dlv_aB3dE5fG7hJ9",
        calendar=WORK,
        event=event,
        organiser=organiser,
        response=response,
        stamp=STAMP,
        **more,
    )


def invited(event: VEvent = LUNCH, *overrides: VEvent, recipient: Mailbox = ADA, is_update: bool = False) -> Mail:
    return invitation(
        delivery_id="dlv_1",
        calendar=WORK,
        recipient=recipient,
        invited=[Invited(each, GUESTS) for each in (event, *overrides)],
        stamp=STAMP,
        is_update=is_update,
    )


def called_off(event: VEvent = LUNCH) -> Mail:
    return cancellation(
        delivery_id="dlv_1", calendar=WORK, recipient=ADA, cancelled=Invited(event, GUESTS), stamp=STAMP
    )


def parsed(mail: Mail, sender: Mailbox = SENDER) -> EmailMessage:
    octets = mime(mail, sender, LATER)
    lines = octets.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert all(b"\n" not in line and b"\r" not in line for line in lines)
    message = message_from_bytes(octets, policy=default)
    assert isinstance(message, EmailMessage)
    assert [part.defects for part in message.walk() if part.defects] == []
    return message


def address(message: EmailMessage, header: str) -> Address:
    [found] = message[header].addresses
    assert isinstance(found, Address)
    return found


# ------------------------------------------------------------------------------------------------------ the whole


def test_an_answer_as_its_organiser_gets_it() -> None:
    message = parsed(answered(in_reply_to="<CAF123=x@mail.example.com>"))
    assert {name: str(value) for name, value in message.items() if name not in ("Content-Type", "MIME-Version")} == {
        "From": "Work <calendars@kalends.example>",
        "To": "Ada Lovelace <ada@example.com>",
        "Reply-To": "Work <cal-aB3dE5fG7hJ9@kalends.example>",
        "Subject": "Accepted: Team lunch",
        "Date": "Sun, 01 Mar 2026 12:31:00 +0000",
        "Message-ID": "<dlv_aB3dE5fG7hJ9@kalends.example>",
        "In-Reply-To": "<CAF123=x@mail.example.com>",
        "References": "<CAF123=x@mail.example.com>",
        "Auto-Submitted": "auto-generated",
    }
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines() == [
        "Work has accepted the invitation: Team lunch",
        "",
        "When: Tue 3 Mar 2026, 12:00–13:00 in New York.",
        "Where: Room 5, second floor",
        "Who: Ada Lovelace <ada@example.com> (organiser), Work <cal-aB3dE5fG7hJ9@kalends.example>",
        "",
        "-- ",
        "This mail comes from the calendar of an AI agent, kept by Kalends; a reply to it reaches that calendar.",
    ]


def test_the_calendar_stands_beside_the_text_and_again_as_a_file() -> None:
    mail = invited()
    message = parsed(mail)
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/calendar",
        "application/ics",
    ]
    assert b"Content-Type: text/calendar; method=REQUEST; charset=UTF-8\r\n" in mime(mail, SENDER, LATER)
    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == "invite.ics"
    calendar = next(part for part in message.walk() if part.get_content_type() == "text/calendar")
    assert calendar.get_payload(decode=True) == attachment.get_payload(decode=True) == mail.ics.encode()


@pytest.mark.parametrize(
    ("mail", "subject", "method"),
    [
        (answered("accepted"), "Accepted: Team lunch", "REPLY"),
        (answered("declined"), "Declined: Team lunch", "REPLY"),
        (answered("tentative"), "Tentative: Team lunch", "REPLY"),
        (invited(), "Invitation: Team lunch", "REQUEST"),
        (invited(is_update=True), "Updated invitation: Team lunch", "REQUEST"),
        (called_off(), "Canceled: Team lunch", "CANCEL"),
    ],
)
def test_subject_and_method_agree_in_every_place(mail: Mail, subject: str, method: str) -> None:
    message = parsed(mail)
    assert message["Subject"] == subject
    [part] = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
    assert part["Content-Type"].params == {"method": method, "charset": "UTF-8"}
    assert Calendar.from_ical(part.get_content())["METHOD"] == method
    posted = json.loads(postmark_json(mail, SENDER))
    assert posted["Subject"] == subject
    [attachment] = posted["Attachments"]
    assert attachment["ContentType"] == f"text/calendar; method={method}; charset=UTF-8"
    assert b64decode(attachment["Content"]) == mail.ics.encode()


def test_the_same_delivery_has_the_same_message_id_and_octets_on_every_attempt() -> None:
    mail = answered()
    assert mime(mail, SENDER, LATER) == mime(answered(), SENDER, LATER)
    second = message_from_bytes(mime(mail, WORK, LATER + timedelta(hours=1)), policy=default)
    assert second["Message-ID"] == parsed(mail)["Message-ID"]


def test_a_mail_survives_being_stored() -> None:
    mail = invited(replace(LUNCH, summary="Mittagessen – “groß” 🥗"))
    assert msgspec.json.decode(msgspec.json.encode(mail), type=Mail) == mail


def test_nobody_is_in_the_head_but_sender_recipient_and_calendar() -> None:
    mail = invited()
    message = parsed(mail)
    heads = " ".join(str(value) for value in message.values())
    assert "bob@example.org" not in heads
    assert json.loads(postmark_json(mail, SENDER))["To"] == '"Ada Lovelace" <ada@example.com>'
    assert {"Cc", "Bcc"}.isdisjoint(json.loads(postmark_json(mail, SENDER)))
    assert set(re.findall(r"[\w-]+@[\w.]+", mail.text)) <= set(re.findall(r"[\w-]+@[\w.]+", unfolded(mail.ics)))


def unfolded(ics: str) -> str:
    return ics.replace("\r\n ", "")


# ------------------------------------------------------------------------------------------------------- the text


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (LUNCH, "Tue 3 Mar 2026, 12:00–13:00 in New York."),
        (replace(LUNCH, end=Length(1, 0)), "Tue 3 Mar 2026, 12:00 – Wed 4 Mar 2026, 12:00 in New York."),
        (
            replace(LUNCH, start=date(2026, 3, 7), end=date(2026, 3, 10)),
            "All day from Sat 7 to Mon 9 Mar 2026 (3 days).",
        ),
        (replace(LUNCH, start=date(2026, 3, 7), end=Length(1, 0), zone=None), "All day on Sat 7 Mar 2026."),
        (
            replace(LUNCH, rrule="FREQ=WEEKLY;COUNT=4", exdates=[datetime(2026, 3, 10, 12)]),
            "Every Tuesday, 12:00–13:00 in New York, 4 times, last on Tue 24 Mar 2026, except 1 cancelled date.",
        ),
        (
            replace(LUNCH, start=date(2026, 3, 7), end=date(2026, 3, 8), zone=None, rrule="FREQ=YEARLY"),
            "Every year on 7 March, all day, from Sat 7 Mar 2026.",
        ),
        (
            replace(LUNCH, rdates=[datetime(2026, 3, 5, 12)]),
            "Only on Tue 3 Mar and Thu 5 Mar 2026, 12:00–13:00 in New York.",
        ),
        (replace(LUNCH, rrule="FREQ=SECONDLY"), "By a recurrence rule, from Tue 3 Mar 2026 on."),
    ],
)
def test_times_are_said_in_words_in_the_events_zone(event: VEvent, words: str) -> None:
    assert f"When: {words}\n" in invited(event).text


def test_changed_dates_of_a_series_are_counted_and_single_ones_are_listed() -> None:
    override = replace(
        LUNCH,
        recurrence_id=datetime(2026, 3, 10, 12),
        recurrence_zone=NEW_YORK,
        start=datetime(2026, 3, 11, 12),
        end=datetime(2026, 3, 11, 17, tzinfo=UTC),
    )
    series = replace(LUNCH, rrule="FREQ=WEEKLY")
    assert "with 1 edited date." in invited(series, override).text
    assert "When: Wed 11 Mar 2026, 12:00–13:00 in New York.\n" in invited(override).text
    assert called_off(override).text.startswith("Work has cancelled one date of what you were invited to: Team lunch\n")


def test_an_invitation_says_who_is_invited_and_what_for() -> None:
    text = invited().text
    assert text.startswith("Work invites you: Team lunch\n")
    assert (
        "Who: Work <cal-aB3dE5fG7hJ9@kalends.example> (organiser), Ada Lovelace <ada@example.com>, bob@example.org\n"
        in (text)
    )
    assert "\n\nBring an appetite.\nAnd a friend.\n\n-- \n" in text
    assert "appetite" not in called_off().text
    assert "appetite" not in answered().text


def test_a_long_list_of_guests_is_cut_with_its_number() -> None:
    guests = [Attendee(f"guest{number}@example.com") for number in range(50)]
    mail = invitation(delivery_id="d", calendar=WORK, recipient=ADA, invited=[Invited(LUNCH, guests)], stamp=STAMP)
    assert "guest19@example.com and 30 more\n" in mail.text


# ------------------------------------------------------------------------------------------- addresses and headers


def test_an_international_domain_needs_no_smtputf8() -> None:
    mail = invited(recipient=Mailbox("ada@bücher.example", "Ådä"))
    assert mime(mail, SENDER, LATER).isascii()
    assert address(parsed(mail), "To").addr_spec == "ada@xn--bcher-kva.example"
    assert json.loads(postmark_json(mail, SENDER))["To"] == '"Ådä" <ada@xn--bcher-kva.example>'


def test_an_international_local_part_is_carried_as_utf8() -> None:
    mail = invited(recipient=Mailbox("jürgen@example.com"))
    assert "To: <jürgen@example.com>\r\n".encode() in mime(mail, SENDER, LATER)


@pytest.mark.parametrize(
    "bad",
    ["", "ada", "ada@", "@example.com", "a b@example.com", "ada@example.com\r\nBcc: eve@example.com", "a@b, c@d",
     "Ada <ada@example.com>", '"a b"@example.com', "ada@[127.0.0.1]", "ada@exa_mple.com", "ada@-x.example",
     "a" * 65 + "@example.com", "ada@" + "x" * 60 + ".example" * 30, "a..b@example.com", "\ud800@example.com"],
)  # fmt: skip
def test_no_mail_is_made_for_what_is_no_address(bad: str) -> None:
    assert not is_mailable(bad)
    with pytest.raises(ValueError, match="not an address"):
        answered(organiser=Mailbox(bad))
    with pytest.raises(ValueError, match="not an address"):
        invited(recipient=Mailbox(bad))
    with pytest.raises(ValueError, match="not an address"):
        mime(invited(), Mailbox(bad), LATER)
    with pytest.raises(ValueError, match="not an address"):
        postmark_json(invited(), Mailbox(bad))


@pytest.mark.parametrize(
    "fine", ["ada@example.com", "o'neil+cal@sub.example.com", "root@localhost", "a.b@bücher.example"]
)
def test_plain_addresses_can_be_mailed(fine: str) -> None:
    assert is_mailable(fine)


def test_only_an_id_of_ours_becomes_a_message_id() -> None:
    with pytest.raises(ValueError, match="delivery id"):
        replace(answered(), delivery_id="x>\r\nBcc: eve@example.com")


@pytest.mark.parametrize("received", ["", "<a b@c>", "<a@b>\r\nBcc: x@y", "<a@b> <c@d>", "ü@x", "<" + "x" * 1000 + ">"])
def test_a_message_id_that_is_none_is_left_out(received: str) -> None:
    message = parsed(answered(in_reply_to=received))
    assert message["In-Reply-To"] is None
    assert message["Bcc"] is None


def test_a_long_message_id_is_not_wrapped() -> None:
    message_id = f"<{'a' * 300}@{'b' * 200}.example>"
    assert f"\r\nIn-Reply-To: {message_id}\r\n".encode() in mime(answered(in_reply_to=message_id), SENDER, LATER)
    assert parsed(answered(in_reply_to=message_id.strip("<>")))["References"] == message_id


@settings(max_examples=100, deadline=None)
@given(text=NASTY, name=NASTY)
@example("Lunch\r\nBcc: eve@example.com\r\n\r\nbody", 'Ada "x" <eve@example.com>, Bob\r\nBcc: eve@example.com')
@example("=?utf-8?q?Hello?=", "=?utf-8?q?Hello?=")
@example("ü" * 300, "Ö, (x) \\ ; é" * 8)
@example("word " * 60, "a, b " * 19)
@example("x" * 300, "x" * 100)
@example("", "\u2028 \x00")
def test_any_title_and_name_arrive_whole_and_in_their_own_header(text: str, name: str) -> None:
    event = replace(LUNCH, summary=text, description=text, location=text)
    mail = answered(event=event, organiser=Mailbox("ada@example.com", name))
    message = parsed(mail)
    assert message.keys() == parsed(answered()).keys()
    assert message["Subject"] == mail.subject == f"Accepted: {seen(text, 200) or '(no title)'}"
    assert decoded(mime(mail, SENDER, LATER), "To") == (seen(name, 100), "ada@example.com")
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == mail.text
    posted = json.loads(postmark_json(mail, SENDER))
    assert posted["Subject"] == mail.subject
    assert posted["TextBody"] == mail.text
    assert parseaddr(posted["To"]) == (seen(name, 100), "ada@example.com")


def decoded(octets: bytes, header: str) -> tuple[str, str]:
    """Name and address. The newer parser keeps the blanks between encoded words, which RFC 2047 6.2 says to drop."""
    name, found = parseaddr(message_from_bytes(octets)[header])
    return str(make_header(decode_header(name))), found


def seen(text: str, most: int) -> str:
    """The text in one line, cut where it is too long."""
    clean = re.sub(r"[\ud800-\udfff]", "", text)
    line = re.sub(r"[\s\x00-\x1f\x7f-\xa0]+", " ", clean).strip()
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
