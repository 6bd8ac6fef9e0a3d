"""The commands of an agent's owner, against a real deployment."""

from __future__ import annotations

import os
import pty
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from wcwidth import wcswidth

from app.cli.events import duration
from tests.cli.conftest import Kalends
from tests.support.processes import ROOT, environment
from tests.support.service import Api, Calendar, Service


def test_an_agent_is_made_and_its_key_is_shown_once(kalends: Kalends, service: Service) -> None:
    made = kalends("agent", "create", "--name", "Assistant", "--url", service.url)
    assert made.code == 0
    key = re.search(r"key: +(sk_live_\w+)", made.out)
    assert key
    assert Api(service.url, key[1]).got("/agents/me")["name"] == "Assistant"


def test_a_saved_key_is_for_its_owner_alone_and_found_again(kalends: Kalends, service: Service, tmp_path: Path) -> None:
    made = kalends("agent", "create", "--save", KALENDS_URL=service.url)
    assert (made.code, "sk_live_" in made.out + made.err) == (0, False)
    file = tmp_path / "config" / "kalends" / "credentials.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert kalends("calendar", "list", "--json", KALENDS_URL=f"{service.url}/").json == {"calendars": []}
    other = kalends("calendar", "list", KALENDS_URL="http://127.0.0.1:1")
    assert other.code == 2
    assert service.url in other.err


def test_the_only_copy_of_a_key_is_not_replaced_unasked(kalends: Kalends, service: Service, tmp_path: Path) -> None:
    file = tmp_path / "config" / "kalends" / "credentials.json"
    kalends("agent", "create", "--save", KALENDS_URL=service.url)
    before = file.read_text()
    refused = kalends("agent", "create", "--save", KALENDS_URL=service.url)
    assert (refused.code, file.read_text()) == (2, before)
    assert kalends("agent", "create", "--save", "--force", KALENDS_URL=service.url).code == 0
    assert file.read_text() != before
    assert [path.name for path in file.parent.iterdir()] == ["credentials.json"]


def test_a_damaged_file_of_keys_is_told_and_left_alone(kalends: Kalends, service: Service, tmp_path: Path) -> None:
    file = tmp_path / "config" / "kalends" / "credentials.json"
    file.parent.mkdir(parents=True)
    for text in ("{", "[]", '{"http://a": {"api_key": 7}}', '{"http://a": "sk"}'):
        file.write_text(text)
        refused = kalends("calendar", "list", KALENDS_URL=service.url)
        assert refused.code == 2
        assert "is damaged" in refused.err
        assert file.read_text() == text


def test_a_calendar_is_made_and_everything_about_it_shown(as_agent: Kalends) -> None:
    assert "There is no calendar yet" in as_agent("calendar", "list").err
    made = as_agent("calendar", "create", "Work", "--timezone", "America/Denver", "--json").json
    listed = as_agent("calendar", "list").out
    assert re.search(rf"{made['calendar_id']}  Work  America/Denver", listed)
    shown = as_agent("calendar", "show").out
    assert made["ical_feed_url"] in shown
    assert as_agent("calendar", "show", "Work").out == shown


def test_an_event_lasts_as_long_as_was_said(as_agent: Kalends, calendar: Calendar) -> None:
    added = as_agent(
        "event", "add", "Dentist", "--start", "2026-03-09T15:00", "--for", "45m", "--location", "12 High Street"
    )
    assert added.code == 0
    assert "15:00–15:45 in New York" in added.err
    event = calendar.event(added.out.strip())
    assert (event["start"], event["end"]) == ("2026-03-09T19:00:00.000Z", "2026-03-09T19:45:00.000Z")
    assert event["location"] == "12 High Street"


def test_a_series_is_listed_at_its_local_times(as_agent: Kalends, calendar: Calendar) -> None:
    rule = ["--repeat", "FREQ=WEEKLY;BYDAY=MO", "--timezone", "America/Denver"]
    assert (
        as_agent("event", "add", "朝会議", "--start", "2026-03-02T09:00", "--end", "2026-03-02T09:15", *rule).code == 0
    )
    assert as_agent("event", "add", "Fair", "--all-day", "--start", "2026-03-03", "--end", "2026-03-04").code == 0
    listed = as_agent("event", "list", "--from", "2026-03-01", "--to", "2026-03-10").out.splitlines()
    assert [re.split("  +", line)[:3] for line in listed] == [
        ["START", "END", "TITLE"],
        ["2026-03-02 09:00 America/Denver", "09:15", "朝会議"],
        ["2026-03-03", "2026-03-04", "Fair"],
        ["2026-03-09 09:00 America/Denver", "09:15", "朝会議"],
    ]
    assert len({wcswidth(line.partition("confirmed")[0]) for line in listed[1:]}) == 1


def test_a_list_is_the_deployments_json_for_programs(as_agent: Kalends, calendar: Calendar) -> None:
    for hour in range(3):
        calendar.add(title=f"Nr {hour}", start=f"2099-01-01T{hour:02}:00", duration="PT1H")
    page = as_agent("event", "list", "--limit", "2", "--json").json
    assert [event["title"] for event in page["events"]] == ["Nr 0", "Nr 1"]
    assert page["next_cursor"]
    assert "More follow" in as_agent("event", "list", "--limit", "2").err
    assert len(as_agent("event", "list", "--all", "--json").json["events"]) == 3
    assert as_agent("event", "list", "--search", "Nr 1", "--json").json["events"][0]["title"] == "Nr 1"


def test_all_pages_are_one_list(as_agent: Kalends, calendar: Calendar) -> None:
    calendar.add(title="Daily", start="2026-03-02T09:00", duration="PT1H", recurrence="FREQ=DAILY;COUNT=450")
    events = as_agent("event", "list", "--from", "2026-01-01", "--to", "2028-02-01", "--all", "--json").json["events"]
    assert len({event["id"] for event in events}) == len(events) == 450


def test_a_title_of_somebody_elses_does_not_move_the_cursor(as_agent: Kalends, calendar: Calendar) -> None:
    calendar.add(title="a\x1b[2Jb\x9b31m", start="2099-01-01T00:00", duration="PT1H")
    for listed in (as_agent("event", "list"), as_agent("event", "list", "--json"), as_agent("calendar", "view")):
        assert listed.code == 0
        assert not re.search(r"[\x1b\x9b]", listed.out)


def test_the_view_is_the_deployments(as_agent: Kalends, api: Api, calendar: Calendar) -> None:
    calendar.add(title="Next", start="2026-03-03T09:00", duration="PT1H")
    assert as_agent("calendar", "view").out == api.get(f"{calendar.path}/view").text
    assert as_agent("calendar", "view", "--json").json["events"][0]["title"] == "Next"


def test_with_several_calendars_one_must_be_named(as_agent: Kalends, api: Api, calendar: Calendar) -> None:
    other = Calendar(api, api.made("/calendars", name="Home"))
    unclear = as_agent("event", "list")
    assert unclear.code == 2
    assert calendar.id in unclear.err
    assert other.id in unclear.err
    add = ["event", "add", "Tea", "--start", "2026-03-03T16:00", "--for", "1h"]
    assert other.event(as_agent(*add, "--calendar", "Home").out.strip())["title"] == "Tea"
    assert calendar.event(as_agent(*add, "--calendar", calendar.id).out.strip())["title"] == "Tea"
    assert "There is no calendar of the name “Office”" in as_agent(*add, "--calendar", "Office").err


def test_an_error_is_a_sentence_with_the_next_step_and_the_field(as_agent: Kalends, calendar: Calendar) -> None:
    add = ["event", "add", "Call", "--start", "2026-03-03T16:00", "--for", "1h", "--timezone", "America/Dever"]
    refused = as_agent(*add)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.splitlines() == [
        "error: “America/Dever” is not an IANA time zone.",
        "hint: Did you mean America/Denver or America/Detroit or America/Belem?",
        "field: timezone",
    ]
    assert '"code": "invalid_timezone"' in as_agent(*add, "--json").err


def test_what_was_typed_wrong_is_told_before_anything_is_asked(kalends: Kalends) -> None:
    nowhere = {"KALENDS_URL": "http://127.0.0.1:1", "KALENDS_API_KEY": "sk"}
    add = ["event", "add", "Call", "--start", "2026-03-03T16:00"]
    for arguments, words in (
        ([*add, "--for", "soon"], "'soon' is not a length"),
        ([*add, "--for", "1h", "--end", "2026-03-03T17:00"], "not allowed with"),
        (add, "How long does it last?"),
        (["event"], "required"),
        (["evnt"], "invalid choice"),
        (["calendar", "list", "--url", "example.com"], "--url is 'example.com'"),
        (["import", "/nonexistent.ics"], "cannot be read"),
    ):
        refused = kalends(*arguments, **nowhere)
        assert refused.code == 2, arguments
        assert words in refused.err


def test_a_deployment_that_is_not_there_is_told_with_its_address(kalends: Kalends) -> None:
    lost = kalends("calendar", "list", KALENDS_URL="http://127.0.0.1:1", KALENDS_API_KEY="sk_live_secret")
    assert lost.code == 1
    assert lost.err.startswith("http://127.0.0.1:1 cannot be reached: Connection refused.")
    assert "sk_live" not in lost.err


def test_a_proxy_is_not_asked_for_this_machine_itself(as_agent: Kalends, calendar: Calendar) -> None:
    assert as_agent("calendar", "list", http_proxy="http://127.0.0.1:1").code == 0


def test_a_misspelt_setting_is_told_and_those_of_clients_are_known(as_agent: Kalends) -> None:
    assert as_agent("calendar", "list", "--json").err == ""
    assert "did you mean KALENDS_API_KEY?" in as_agent("calendar", "list", KALENDS_APIKEY="sk").err


def test_what_is_not_kalends_is_told_apart(kalends: Kalends) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        answer = "import socket,sys; s = socket.socket(fileno=0); c, _ = s.accept(); c.recv(9999); c.sendall({!r})"
        for sent, words in (
            (b"HTTP/1.0 200 OK\r\n\r\n<html>", "is not JSON"),
            (b"HTTP/1.0 302 Found\r\nLocation: https://127.0.0.1:1/x\r\n\r\n", "points to https://127.0.0.1:1, where"),
            (b"HTTP/1.0 404 Gone\r\n\r\n<html>", "answered 404 in words"),
            (b"HTTP/1.0 500 Oops\r\n\r\n[]", "answered 500 in words"),
            (b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n{", "cannot be reached"),
            (b"SSH-2.0\r\n", "cannot be reached"),
        ):
            with subprocess.Popen(
                [sys.executable, "-S", "-c", answer.format(sent)], stdin=listening.fileno()
            ) as server:
                strange = kalends("calendar", "list", KALENDS_URL=url, KALENDS_API_KEY="sk")
                server.wait(10)
            assert strange.code == 1
            assert words in strange.err, sent


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("45m", "PT45M"), ("1h30m", "PT1H30M"), ("2d", "P2D"), ("1w1d", "P8D"), ("90M", "PT90M"), ("pt5m", "PT5M")],
)
def test_lengths(typed: str, meant: str) -> None:
    assert duration(typed) == meant


def test_colours_are_for_terminals_and_for_those_who_want_them(service: Service, api: Api, calendar: Calendar) -> None:
    assert api.key
    ours = {"KALENDS_URL": service.url, "KALENDS_API_KEY": api.key, "TERM": "xterm"}
    command = [sys.executable, "-m", "app", "calendar", "list"]

    def on_a_terminal(**more: str) -> bytes:
        leader, follower = pty.openpty()
        env = {**environment(**ours), **more}
        env.pop("NO_COLOR", None) if not more else None
        subprocess.run(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=follower, timeout=30, check=True)
        os.close(follower)
        shown = os.read(leader, 10_000)
        os.close(leader)
        return shown

    assert b"\x1b[1mID" in on_a_terminal()
    assert b"\x1b" not in on_a_terminal(NO_COLOR="1")


def test_a_reader_that_has_seen_enough_is_no_traceback(service: Service, api: Api, calendar: Calendar) -> None:
    assert api.key
    env = environment(KALENDS_URL=service.url, KALENDS_API_KEY=api.key)
    with subprocess.Popen(
        [sys.executable, "-m", "app", "calendar", "list"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.wait(30) == 1
        assert process.stderr.read() == b""
