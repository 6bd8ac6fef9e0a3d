"""Files and standard input of `kalends import` and `kalends export`."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.transfer import IMPORT_MOST
from app.http.edge import FILE_LIMIT
from tests.cli.conftest import Kalends
from tests.support.processes import ROOT, environment
from tests.support.service import Api, Calendar, Service


def test_a_file_that_is_there_is_left_alone_and_nothing_is_asked(kalends: Kalends, tmp_path: Path) -> None:
    file = tmp_path / "work.ics"
    file.write_text("mine")
    refused = kalends("export", str(file), KALENDS_URL="http://127.0.0.1:1", KALENDS_API_KEY="sk")
    assert refused.code == 2
    assert "give --force" in refused.err
    assert file.read_text() == "mine"
    assert "is not a file" in kalends("export", "/dev/null", "--force").err


def test_what_is_refused_leaves_no_file_behind(as_agent: Kalends, calendar: Calendar, tmp_path: Path) -> None:
    file = tmp_path / "work.ics"
    file.write_text("mine")
    assert as_agent("export", str(file), "--force", "--calendar", "cal_000000000000").code == 1
    assert file.read_text() == "mine"
    assert [path.name for path in tmp_path.glob("*work*")] == ["work.ics"]
    assert "cannot be written" in as_agent("export", str(tmp_path / "nowhere" / "work.ics")).err


def test_more_than_a_deployment_takes_is_not_sent(kalends: Kalends, tmp_path: Path) -> None:
    assert IMPORT_MOST == FILE_LIMIT
    file = tmp_path / "huge.ics"
    with file.open("wb") as huge:
        huge.truncate(IMPORT_MOST + 1)
    refused = kalends("import", str(file), KALENDS_URL="http://127.0.0.1:1", KALENDS_API_KEY="sk")
    assert refused.code == 2
    assert "more than 10 MB" in refused.err


FILE = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y\r\n"
    "BEGIN:VEVENT\r\nUID:one@example.com\r\nDTSTAMP:20260301T000000Z\r\nDTSTART:20260310T090000Z\r\n"
    "DURATION:PT1H\r\nSUMMARY:Kept\r\nEND:VEVENT\r\n"
    "BEGIN:VEVENT\r\nUID:two@example.com\r\nDTSTAMP:20260301T000000Z\r\nSUMMARY:Without a start\r\nEND:VEVENT\r\n"
    "END:VCALENDAR\r\n"
)


def test_a_file_is_taken_in_and_what_is_ignored_is_told(as_agent: Kalends, calendar: Calendar, tmp_path: Path) -> None:
    file = tmp_path / "work.ics"
    file.write_text(FILE, newline="")
    first = as_agent("import", str(file))
    assert first.code == 1
    assert first.out.startswith("1 created, 1 ignored\n")
    assert "two@example.com" in first.out
    assert [event["title"] for event in calendar.list()] == ["Kept"]
    again = as_agent("import", str(file), "--json")
    assert (again.code, again.json["unchanged"], again.json["ignored"]) == (1, 1, 1)


def test_a_file_comes_from_standard_input(
    as_agent: Kalends, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(FILE.encode())))
    assert as_agent("import", "-", "--json").json["created"] == 1


def test_what_is_no_calendar_is_refused_with_the_next_step(
    as_agent: Kalends, calendar: Calendar, tmp_path: Path
) -> None:
    file = tmp_path / "work.ics"
    file.write_text("hello")
    refused = as_agent("import", str(file))
    assert (refused.code, refused.out) == (1, "")
    assert "hint: Send the text of an .ics file" in refused.err


def test_an_export_is_a_whole_file_that_can_be_imported_again(
    as_agent: Kalends, api: Api, calendar: Calendar, tmp_path: Path
) -> None:
    for hour in range(30):
        calendar.add(title=f"Nr {hour} 会議", start="2026-03-03T09:00", duration="PT1H", description="x" * 5_000)
    file, mode = tmp_path / "work.ics", 0o666 & ~_umask()
    written = as_agent("export", str(file))
    assert (written.code, written.out) == (0, "")
    assert f"Wrote {file.stat().st_size:,} bytes" in written.err
    assert file.stat().st_mode & 0o777 == mode
    assert file.read_bytes() == api.get(f"{calendar.path}/export.ics").content
    assert as_agent("export").out.encode() == file.read_bytes()
    assert as_agent("import", str(file), "--json").json["unchanged"] == 30
    assert as_agent("export", str(file), "--force", "--json").json == {"file": str(file), "bytes": file.stat().st_size}
    assert [path.name for path in tmp_path.glob("*work*")] == ["work.ics"]


def test_progress_is_told_on_a_terminal(as_agent: Kalends, api: Api, service: Service, calendar: Calendar) -> None:
    calendar.add(title="One", start="2026-03-03T09:00", duration="PT1H")
    assert api.key
    leader, follower = pty.openpty()
    exported = subprocess.run(
        [sys.executable, "-m", "app", "export"],
        cwd=ROOT,
        env=environment(KALENDS_URL=service.url, KALENDS_API_KEY=api.key),
        stdout=subprocess.PIPE,
        stderr=follower,
        timeout=30,
        check=True,
    )
    os.close(follower)
    shown = os.read(leader, 10_000).decode()
    os.close(leader)
    assert f"Received {len(exported.stdout):,} bytes …" in shown
    assert shown.endswith("\r\x1b[K")


def _umask() -> int:
    before = os.umask(0)
    os.umask(before)
    return before
