"""An invitation's whole life, between an organiser who writes mails and a server that sends them: `kalends` in a
process of its own, real HTTP, real SMTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import icalendar

from tests.inbound.mails import ORGANISER, attachment, calendar_text, postmark
from tests.support.mailserver import mail_server
from tests.support.processes import Serve, eventually
from tests.support.receiver import receiving
from tests.support.service import Api, Calendar

AGENT: Final = "agent@example.net"
DAYS: Final = [
    datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=n) for n in (7, 14, 21)
]
LATER: Final = [day + timedelta(hours=2) for day in DAYS]


def stamp(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"


def series(start: datetime, sequence: int, **fields: Any) -> str:
    lines = (f"ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{AGENT}", "RRULE:FREQ=WEEKLY;COUNT=3", "LOCATION:Room 4")
    return calendar_text("whole-life@example.org", start=stamp(start), sequence=sequence, lines=lines, **fields)


def cancellation(sequence: int, *, date: datetime | None = None) -> str:
    lines = () if date is None else (f"RECURRENCE-ID:{stamp(date)}",)
    start = stamp(date or LATER[0])
    text = calendar_text("whole-life@example.org", method="CANCEL", start=start, sequence=sequence, lines=lines)
    return text.replace("DTSTAMP:20260301T090000Z", f"DTSTAMP:{stamp(datetime.now(UTC))}")


class Invited:
    """The agent's side: what it sees after each mail that is handed in."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self._door = calendar.created["inbound_webhook_url"]

    def take(self, text: str) -> dict[str, Any]:
        answer = self.calendar.api.http.post(self._door, json=postmark(attachment(text)))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def dates(self) -> list[tuple[datetime, str]]:
        """(start, status) of every date in the list."""
        end = (LATER[-1] + timedelta(days=1)).isoformat()
        found = self.calendar.api.got(f"{self.calendar.path}/events", end=end)["events"]
        return [(datetime.fromisoformat(event["start"]), event["status"]) for event in found]

    def fed(self) -> list[Any]:
        return list(icalendar.Calendar.from_ical(self.calendar.feed()).walk("VEVENT"))


def test_an_invitation_is_filed_answered_moved_and_cancelled(database: str, tmp_path: Path) -> None:
    with (
        mail_server() as server,
        receiving() as receiver,
        Serve(
            tmp_path,
            DATABASE_URL=database,
            KALENDS_SMTP_URL=f"smtp://127.0.0.1:{server.port}",
            KALENDS_EMAIL_DOMAIN="kalends.example",
        ) as kalends,
    ):
        api = Api(kalends.url, Api(kalends.url, None).made("/agents")["api_key"])
        calendar = Calendar(
            api, api.made("/calendars", name="Work", timezone="Europe/Berlin", webhook_url=receiver.url)
        )
        invited = Invited(calendar)

        answer = invited.take(series(DAYS[0], 0))
        assert (answer["status"], answer["recurrence"], answer["instances_created"]) == (
            "created",
            "FREQ=WEEKLY;COUNT=3",
            3,
        )
        assert invited.dates() == [(day, "tentative") for day in DAYS]
        event = calendar.event(answer["event_id"])
        assert (event["title"], event["source"], event["untrusted"], event["location"]) == (
            "Review",
            "inbound_email",
            True,
            "Room 4",
        )
        page = api.http.get(f"{calendar.path}/view", headers={"Accept": "text/plain"})
        assert "Review" in page.text
        (fed,) = invited.fed()
        assert (str(fed["STATUS"]), fed["RRULE"].to_ical().decode()) == ("TENTATIVE", "FREQ=WEEKLY;COUNT=3")

        answered = api.http.post(f"{calendar.path}/events/{event['id']}/respond", json={"response": "accepted"}).json()
        assert (answered["email_sent"], answered["email_status"], answered["response"]) == (True, "queued", "accepted")
        assert invited.dates() == [(day, "confirmed") for day in DAYS]
        (mail,) = server.wait_for(calendar.created["email"], 1)
        assert (mail.to, mail.method) == (ORGANISER, "REPLY")
        reply = mail.event
        assert (str(reply["UID"]), int(reply["SEQUENCE"])) == ("whole-life@example.org", 0)
        assert reply["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"

        assert invited.take(series(LATER[0], 1))["status"] == "updated"
        assert [start for start, _ in invited.dates()] == LATER
        assert invited.take(series(DAYS[0], 0))["code"] == "stale"

        assert invited.take(cancellation(2, date=LATER[1]))["status"] == "cancelled"
        kept = [date for date in invited.dates() if date[1] != "cancelled"]
        assert [start for start, _ in kept] == [LATER[0], LATER[2]]

        assert invited.take(cancellation(3))["status"] == "cancelled"
        assert {status for _, status in invited.dates()} <= {"cancelled"}
        assert {str(each["STATUS"]) for each in invited.fed()} <= {"CANCELLED"}

        wanted = ["invite.received", "event.responded", "invite.updated", "invite.cancelled", "invite.cancelled"]
        assert eventually(lambda: len(receiver.calls) >= len(wanted))
        assert [call.type for call in receiver.calls if call.type != "event.upcoming"] == wanted
