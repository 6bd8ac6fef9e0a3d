"""What requests of the catalogue were really answered.

`examples.json` is written by the contract tests from answers of the service, with ids and secrets replaced by those of
`VARIABLES`; the same tests fail when it is not what the service says any more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from app.errors import CODES

FILE: Final = Path(__file__).with_name("examples.json")

# What stands for a variable where a value has to be shown.
VARIABLES: Final[Mapping[str, str]] = {
    "AGENT": "agt_4fQz8KdW2mXy",
    "KALENDS_API_KEY": "sk_live_Vb7Nq2RtY9pLxGh4Wc6Zs8DmK3fJ5aTe",
    "KALENDS_METRICS_TOKEN": "a-token-of-the-operators",
    "KEY_ID": "key_Zp3vT8nLq6Ws",
    "READ_KEY": "sk_live_Mq4Tz8WvN2cXpKd7Ys5Lb9RhG3fJ6aUe",
    "CALENDAR": "cal_Hb7kQ2mXw9Tz",
    "FEED_TOKEN": "feed_Xk2Wd9QmB5tRzL7nVh4Yc8PsJ6gF3aUe",
    "INBOUND_TOKEN": "inb_Tn6Rk4WvC8pXzL2mYh9Bd7QsJ5gF3aUe",
    "ADDRESS": "cal-Hb7kQ2mXw9Tz@calendars.example.com",
    "MAIL": "inm_Lc4tV8nPx6Kd",
    "TOPIC": "time",
    "HOOK": "https://agent.example.com/hooks/kalends",
    "ENDPOINT": "whe_Qs4tN9vLx2Kd",
    "DELIVERY": "dlv_Yb3mR7wJc5Pz",
    "SMTP_HOST": "smtp.example.com",
    "EVENT": "evt_Rj5cM1yKx8Bn",
    "SERIES": "evt_Gw6hD4uPz2Lq",
    "DIGEST": "9f3b1c7d2e8a4605",
    "NAME": "site.css",
}
REQUEST_ID: Final = "req_aB3dE5fG7hJ9"
_VARIABLE: Final = re.compile(r"\$(?:([A-Z_]+)|{([A-Z_]+)})")


def with_values(text: str, values: Mapping[str, str] = VARIABLES) -> str:
    """`text` with its variables replaced: `$SERIES`, or `${SERIES}_20270304`."""
    return _VARIABLE.sub(lambda found: values[found[1] or found[2]], text)


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with those of its variables replaced that `values` has."""
    return _VARIABLE.sub(lambda found: values.get(found[1] or found[2], found[0]), text)


@cache
def _recorded() -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(FILE.read_bytes())
    return found


def answer_of(operation_id: str, example: str) -> Any:
    """The recorded answer: JSON, or a text; None where there is no body."""
    return _recorded()["answers"].get(f"{operation_id}.{example}")


def error_of(code: str) -> dict[str, Any]:
    """A recorded error of this code, or one that only says what the code means."""
    plain = {"error": CODES[code].meaning, "code": code, "request_id": REQUEST_ID}
    found: dict[str, Any] = _recorded()["errors"].get(code, plain)
    return found
