"""What is told of a database that cannot be used: never its password, however the address was mistyped."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict


def unusable(dsn: str, error: Exception) -> str:
    """Which database it is, and what libpq says of it; a sentence."""
    return without_password(f"The database {_where(dsn)} cannot be used: {first_line(error)}", dsn)


def first_line(error: Exception) -> str:
    text = (str(error).strip() or type(error).__name__).splitlines()[0].strip()
    return text if text.endswith(".") else f"{text}."


def without_password(text: str, dsn: str) -> str:
    """`text` without the address' password. Where that has an @ in it, libpq takes what follows for the host."""
    password = urlsplit(dsn).netloc.rpartition("@")[0].partition(":")[2]
    for part in (unquote(password), password, *password.split("@")):
        if part:
            text = text.replace(part, "…")
    return text


def _where(dsn: str) -> str:
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        return "of DATABASE_URL"
    return f"{parts.get('dbname', '')!r} at {parts.get('host', 'the default host')}"
