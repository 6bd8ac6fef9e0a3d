"""Hard case 51: many writers on one calendar end in one state, and never wait for each other in a ring."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.events.state import check_everything
from tests.support.service import Api, Calendar, Service

NINE = {"start": "2026-03-02T09:00:00", "end": "2026-03-02T09:30:00"}
WRITERS = 16
ROUNDS = 2


def test_sixteen_writers_on_one_calendar_leave_one_consistent_state(service: Service, calendar: Calendar) -> None:
    series = calendar.add(title="shared", recurrence="FREQ=DAILY", **NINE)

    def write(number: int) -> list[int]:
        own = Calendar(Api(service.url, calendar.api.key), calendar.created)
        path = f"{own.path}/events"
        answers = []
        for turn in range(ROUNDS):
            day = f"202603{10 + number % 8 + turn:02}"
            answers += [
                own.api.post(path, {"title": f"{number}", **NINE}),
                own.api.patch(f"{path}/{series['id']}", {"start": f"2026-03-02T{8 + (number + turn) % 9:02}:00:00"}),
                own.api.delete(f"{path}/{series['id']}_{day}"),
                own.api.patch(f"{path}/{series['id']}_202604{10 + number}", {"title": f"own {number} {turn}"}),
            ]
        return [answer.status_code for answer in answers]

    with ThreadPoolExecutor(WRITERS) as pool:
        codes = [code for found in pool.map(write, range(WRITERS)) for code in found]
    assert set(codes) == {200, 201, 204}
    assert len(codes) == WRITERS * ROUNDS * 4
    check_everything(service, calendar)
