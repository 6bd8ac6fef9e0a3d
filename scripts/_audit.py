"""Asks the package index, which knows of advisories, about each package of requirements.lock in its locked version.

Needs nothing but the standard library. Which index that is, through which proxy and with whose certificates, is what
the environment and pip's own configuration say; without any, pip's own default.
"""

from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PAUSE = 0.05  # seconds between questions: an index is everybody's
PATIENCE = 20.0  # seconds for one answer
_LOCKED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
_INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_PIPS_OWN = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"


def audit(lock: str, only: list[str]) -> int:
    """Print what is known against the packages of a lock file's text, or those of them that are named. Returns the exit
    code: 1 where something is, 2 where that could not be found out."""
    packages = [(name, version) for name, version in _LOCKED.findall(lock) if not only or name in only]
    index = index_url()
    if index is None:
        say("Which package index to ask is not known: set PIP_INDEX_URL to its /simple address.")
        return 2
    known, unanswered = 0, []
    for name, version in packages:
        try:
            answer = _asked(f"{index.removesuffix('/').removesuffix('/simple')}/pypi/{name}/{version}/json")
        except (OSError, ValueError) as error:
            unanswered.append(f"{name} ({error})")
            continue
        for advisory in found_in(answer):
            known += 1
            print(f"{name} {version}: {advisory}", flush=True)
        time.sleep(PAUSE)
    if unanswered:
        say(f"The index at {urlsplit(index).hostname} told nothing of {len(unanswered)}: {', '.join(unanswered[:5])} …")
    say(f"Of {len(packages)} packages {len(packages) - len(unanswered)} were told of, with {known} advisories.")
    return 1 if known else 2 if unanswered else 0


def found_in(answer: dict[str, Any]) -> list[str]:
    """The advisories that an answer names, less those withdrawn."""
    return [
        f"{', '.join(dict.fromkeys([each['id'], *each.get('aliases', [])]))}; fixed in "
        f"{', '.join(each.get('fixed_in') or ['no version yet'])}; {each.get('summary') or each.get('link') or ''}"
        for each in answer.get("vulnerabilities") or ()
        if not each.get("withdrawn")
    ]


def index_url() -> str | None:
    """The index's /simple address, by the first of: the environment, pip's configuration, pip."""
    for name in _INDEX_VARIABLES:
        if os.environ.get(name):
            return os.environ[name]
    return _said_by("-m", "pip", "config", "get", "global.index-url") or _said_by("-c", _PIPS_OWN)


def _said_by(*arguments: str) -> str | None:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    said = done.stdout.strip()
    return said if done.returncode == 0 and said.startswith(("https://", "http://")) else None


def _asked(url: str) -> dict[str, Any]:
    certificates = os.environ.get("SSL_CERT_FILE") or os.environ.get("PIP_CERT")
    context = ssl.create_default_context(cafile=certificates if certificates and Path(certificates).exists() else None)
    with urllib.request.urlopen(url, timeout=PATIENCE, context=context) as reply:
        answer: dict[str, Any] = json.load(reply)
    return answer


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(audit((Path(__file__).resolve().parent.parent / "requirements.lock").read_text(), sys.argv[1:]))
