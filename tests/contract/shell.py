"""Examples sent as a reader of the manual would: the very text of their commands, run by a shell with curl."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Final

import httpx

from app.pages.catalogue.examples import VARIABLES
from app.pages.catalogue.shape import Example, Operation
from app.pages.curl import curl_of
from tests.support.mailserver import PASSWORD

if TYPE_CHECKING:
    from tests.contract.tour import Tour

_SHOWN: Final = {'"port": 465': '"port": {port}', "correct horse battery staple": PASSWORD}


def send_by_shell(tour: Tour, operation: Operation, example: Example) -> httpx.Response:
    """The answer to the example's command. In single quotes a shell fills nothing in, so what stands there for a
    variable is replaced by the tour's own."""
    command = curl_of(operation, example, tour.service.url)
    for name, value in tour.values.items():
        if name in VARIABLES:
            command = command.replace(VARIABLES[name], value)
    for shown, meant in _SHOWN.items():
        command = command.replace(shown, meant.replace("{port}", str(tour.mail_server.port)))
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} -i"],
        env={"PATH": os.environ["PATH"], **tour.values},
        capture_output=True,
        check=True,
        timeout=20,
    )
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines]
    return httpx.Response(int(status.split()[1]), headers=[(name, value) for name, value in headers], content=body)
