"""`kalends import` and `kalends export`: whole calendars as .ics files."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

from app.cli.command import Command
from app.cli.talking import calendar_arguments, calendar_of, connect
from app.cli.terminal import bytes_in_words, one_line, print_json, print_table, progress, say
from app.net.deployment import FILE_TIME_LIMIT
from app.refusal import Refusal

IMPORT_MOST: Final = 10 * 1024 * 1024  # bytes a deployment takes: nothing is gained by sending more


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="an .ics file, or - for standard input")
    calendar_arguments(parser)


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", default="-", help="where to, or - for standard output (default: -)")
    parser.add_argument("--force", action="store_true", help="replace the file where there is one")
    calendar_arguments(parser)


def import_file(chosen: argparse.Namespace) -> int | None:
    """Exit code 1 where an event could not be taken in, though others were."""
    data = _read(chosen.file)
    at = connect(chosen, FILE_TIME_LIMIT)
    path = f"/calendars/{calendar_of(at, chosen.calendar)}/import"
    with progress() as show:

        def told(sent: int) -> None:
            whole = bytes_in_words(len(data))
            show(f"Sent {bytes_in_words(sent)} of {whole} …" if sent < len(data) else f"Sent {whole}; being read …")

        answer = at.upload(path, data, "text/calendar", told)
    if chosen.json:
        print_json(answer)
    else:
        _summarise(answer)
    return 1 if answer["ignored"] else None


def export_file(chosen: argparse.Namespace) -> None:
    target = None if chosen.file == "-" else Path(chosen.file)
    if target is not None and target.exists():
        if not target.is_file():
            raise Refusal(f"{target} is not a file: leave it out to write to standard output.", exit_code=2)
        if not chosen.force:
            raise Refusal(f"{target} is there already: give --force to replace it.", exit_code=2)
    at = connect(chosen, FILE_TIME_LIMIT)
    path = f"/calendars/{calendar_of(at, chosen.calendar)}/export.ics"
    with progress() as show:

        def told(received: int) -> None:
            show(f"Received {bytes_in_words(received)} …")

        with _writing(target, force=chosen.force) as file, at.download(path, told) as answer:
            size = sum(file.write(block) for block in answer.blocks)
    if chosen.json and target is not None:
        print_json({"file": str(target), "bytes": size})
    elif target is not None:
        say(f"Wrote {bytes_in_words(size)} to {target}.")


def _read(name: str) -> bytes:
    try:
        if name == "-":
            data = sys.stdin.buffer.read(IMPORT_MOST + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(IMPORT_MOST + 1)
    except OSError as error:
        raise Refusal(f"{name} cannot be read ({error.strerror}).", exit_code=2) from None
    if len(data) > IMPORT_MOST:
        raise Refusal(f"{name} has more than {IMPORT_MOST // 1024**2} MB, the most at once: split it.", exit_code=2)
    return data


@contextmanager
def _writing(target: Path | None, *, force: bool) -> Iterator[BinaryIO]:
    """What is written appears under its name when the block ends without a fault, whole or not at all."""
    if target is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with unfinished.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if force:
            unfinished.replace(target)
        else:
            target.hardlink_to(unfinished)  # which never replaces
    except FileExistsError:
        raise Refusal(f"{target} is there already: give --force to replace it.", exit_code=2) from None
    except OSError as error:
        raise Refusal(f"{target} cannot be written ({error.strerror}).") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _summarise(answer: dict[str, Any]) -> None:
    """The counts; what was ignored, or not understood as it stands, and why."""
    counts = {name: answer[name] for name in ("created", "updated", "unchanged", "ignored")}
    print(", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "The file holds no event.")
    for sentence in answer.get("notices", ()):
        say(one_line(sentence))
    rows = [
        [each["status"], each.get("ical_uid") or "no UID", sentence]
        for each in answer["results"]
        for sentence in (each.get("reason"), *each.get("notices", ()))
        if sentence
    ]
    if rows:
        print_table(("STATUS", "UID", "WHY"), rows, (0, 60, 0))
    if left_out := answer.get("results_left_out"):
        say(f"{left_out:,} more results are not told one by one.")


COMMANDS: Final = (
    Command(
        "import",
        "take the events of an .ics file into a calendar",
        import_file,
        _import_arguments,
        "Events that are there already, by their UID, are brought up to date. Ends with 1 where one is ignored, saying "
        "why.",
        ("kalends import holidays.ics --calendar Work", "kalends import - < holidays.ics"),
    ),
    Command(
        "export",
        "write a calendar as an .ics file, from which it can be imported again without loss",
        export_file,
        _export_arguments,
        "The file appears when it is whole; one that is there is left alone without --force.",
        ("kalends export work.ics --calendar Work", "kalends export > work.ics"),
    ),
)
