"""Keys saved for deployments: ~/.config/kalends/credentials.json, which its owner alone can read."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.cli.terminal import say
from app.refusal import Refusal


def path() -> Path:
    """Where the file is, or would be, by the XDG Base Directory Specification."""
    given = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(given) if given.startswith("/") else Path.home() / ".config"
    return base / "kalends" / "credentials.json"


def load() -> Mapping[str, Any]:
    """What is saved for each deployment, by its URL: `agent_id` and `api_key`. Raises a `Refusal`."""
    try:
        text = path().read_text(encoding="utf-8")
        if path().stat().st_mode & 0o077:
            say(f"Others can read the keys in {path()}: run `chmod 600` on it.")
        found = json.loads(text)
        if not all(isinstance(entry["api_key"], str) for entry in found.values()):
            raise ValueError("a key that is no text")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise Refusal(f"{path()} cannot be read ({error.strerror}): set KALENDS_API_KEY instead.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refusal(f"{path()} is damaged: mend it, or move it away and set KALENDS_API_KEY.", exit_code=2) from None
    assert isinstance(found, dict)
    return found


def prepare() -> None:
    """Make sure that something can be saved, before there is something to save. Raises a `Refusal`."""
    directory = path().parent
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _unfinished().unlink()
    except OSError as error:
        raise Refusal(f"Nothing can be saved in {directory} ({error.strerror}): leave --save out.") from None


def save(url: str, agent_id: str, key: str) -> None:
    """Keep a key for a deployment, beside those of others. Raises OSError."""
    everything = {**load(), url: {"agent_id": agent_id, "api_key": key}}
    unfinished = _unfinished()
    try:
        unfinished.write_text(json.dumps(everything, indent=2) + "\n", encoding="utf-8")
        unfinished.replace(path())
    finally:
        unfinished.unlink(missing_ok=True)


def _unfinished() -> Path:
    """An empty file of a new name beside the real one."""
    unfinished = path().with_name(f"{path().name}.{secrets.token_hex(4)}")
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    return unfinished
