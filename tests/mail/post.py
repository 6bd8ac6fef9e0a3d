"""A calendar whose mails a test reads, and invitations as if they had come in."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, Final

import psycopg

from app.core.itip import Attendee as Invitee
from app.core.itip import Component, Person, Slot, Thread, When, thread_to_json
from app.core.times import Length
from tests.support.mailserver import Arrived, MailServer
from tests.support.service import Api, Calendar, Service

LUNCH: Final = {"title": "Lunch", "start": "2026-03-10T12:00:00", "end": "2026-03-10T13:00:00"}
STANDUP: Final = {
    "title": "Standup",
    "start": "2026-03-03T09:00:00",
    "duration": "PT15M",
    "recurrence": "FREQ=WEEKLY;BYDAY=TU;COUNT=6",
}
ADA, BOB, EVE = "ada@example.com", "bob@example.org", "eve@example.net"
BOSS: Final = "boss@example.com"


class Post(Calendar):
    """`arrived` gives the mails that came since it was asked last."""

    def __init__(self, api: Api, created: dict[str, Any], server: MailServer, service: Service) -> None:
        super().__init__(api, created)
        self.email: str = created["email"]
        self.mail_server, self.service = server, service
        self._seen = 0

    def arrived(self, count: int) -> list[Arrived]:
        found = self.mail_server.wait_for(self.email, self._seen + count)[self._seen :]
        self._seen += count
        return found

    def one(self) -> Arrived:
        [mail] = self.arrived(1)
        return mail

    def to(self, count: int) -> dict[str, Arrived]:
        """So many mails by recipient, who get one each."""
        mails = self.arrived(count)
        assert len({mail.to for mail in mails}) == count
        return {mail.to: mail for mail in mails}

    def nothing(self) -> bool:
        """Whether nothing more has come once nothing is owed."""
        self.logged("pending", 0)
        return len(self.mail_server.from_calendar(self.email)) == self._seen

    def logs(self, **params: Any) -> list[Any]:
        found: list[Any] = self.api.got(f"{self.path}/email-logs", **params)["logs"]
        return found

    def logged(self, status: str, count: int = 1, attempts: int = 1) -> list[Any]:
        """The mails in the log that have this status after so many attempts, once there are so many."""
        deadline = time.monotonic() + 10
        while True:
            found = [log for log in self.logs(status=status) if len(log["attempts"]) >= attempts]
            if len(found) == count:
                return found
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.02)

    def respond(self, event_id: str, response: str) -> Any:
        answer = self.api.post(f"{self.path}/events/{event_id}/respond", {"response": response})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sql(self, statement: str, **params: Any) -> None:
        with psycopg.connect(self.service.dsn) as database:
            database.execute(statement, params)

    def invited(
        self,
        *more: Component,
        organiser: str | None = BOSS,
        message_id: str | None = "<in@example.com>",
        **changes: Any,
    ) -> str:
        """An event as if it had come by mail; returns its id. `changes` are to its VEVENT, `more` are further ones of
        its series."""
        whole = component(attendees=(Invitee(self.email, "Work"), Invitee("colleague@example.com")), **changes)
        assert whole.when is not None
        when = whole.when
        start = when.start_wall.date().isoformat() if when.all_day else when.start_wall.isoformat()
        fields: dict[str, Any] = {"title": whole.summary or "", "start": start, "timezone": when.zone}
        fields["duration"] = f"P{when.length.days}D" if when.all_day else f"PT{when.length.seconds}S"
        if whole.rule is not None:
            fields["recurrence"] = whole.rule
        event_id: str = self.add(**fields)["id"]
        self.sql(
            "update events set source = 'inbound_email', uid = %(uid)s, organiser_email = %(organiser)s,"
            " organiser_name = 'The Boss', attendees = %(attendees)s where id = %(id)s",
            uid=whole.uid,
            organiser=organiser,
            attendees=f'[{{"email": "{self.email}"}}]',
            id=event_id,
        )
        self.thread(whole, *more, message_id=message_id)
        return event_id

    def thread(self, *components: Component, message_id: str | None = "<in@example.com>") -> None:
        """What is known of a UID by mail, now."""
        slots = {each.recurrence_id or "": Slot(each) for each in components}
        uid = components[0].uid
        self.sql(
            "insert into threads (calendar_id, uid, thread, message_id, updated_at)"
            " values (%(calendar)s, %(uid)s, %(thread)s, %(message_id)s, now())"
            " on conflict (calendar_id, uid) do update set thread = excluded.thread",
            calendar=self.id,
            uid=uid,
            thread=thread_to_json(Thread(uid, Person(BOSS), slots)),
            message_id=message_id,
        )


def component(
    start: str = "2026-03-10T12:00:00",
    zone: str = "America/New_York",
    *,
    all_day: bool = False,
    instant_given: bool = False,
    **changes: Any,
) -> Component:
    when = When(
        all_day=all_day,
        start_wall=datetime.fromisoformat(start),
        zone=zone,
        length=Length(1, 0) if all_day else Length(0, 3600),
        zone_given=not instant_given and not all_day,
        instant_given=instant_given,
    )
    fields: dict[str, Any] = {"uid": "040000@outlook", "sequence": 3, "summary": "Review", "when": when}
    return Component(**fields | {"dtstamp": datetime(2026, 3, 1, tzinfo=UTC)} | changes)
