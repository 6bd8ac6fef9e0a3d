"""What the wire may carry about an agent's mail server."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field

from app.core.mailbox import ADDRESS_MOST, is_mailable
from app.errors import Problem
from app.http.requests import Body
from app.smtp_server import has_control_character

HOST_MOST: Final = 253  # characters (RFC 1035)
USERNAME_MOST: Final = 320  # characters: an address at its longest, and room
PASSWORD_MOST: Final = 1024  # characters: API keys used as passwords have some hundred


def _mailable(field: str) -> AfterValidator:
    def check(text: str) -> str:
        address = text.strip()
        if not is_mailable(address):
            raise Problem(
                "invalid_field",
                f"{field} is not an address that mail can be sent from or to.",
                hint="Give a plain address such as ada@example.com.",
                field=field,
            )
        return address

    return AfterValidator(check)


def _without_control(field: str) -> AfterValidator:
    def check(text: str) -> str:
        if has_control_character(text):
            raise Problem("invalid_field", f"{field} has a control character in it.", field=field)
        return text

    return AfterValidator(check)


class SmtpSettings(Body):
    """PUT /agents/smtp: all of it, each time."""

    host: Annotated[str, Field(min_length=1, max_length=HOST_MOST)]
    port: Annotated[int, Field(ge=1, le=65535)]
    username: Annotated[str, Field(min_length=1, max_length=USERNAME_MOST), _without_control("username")]
    password: Annotated[str, Field(min_length=1, max_length=PASSWORD_MOST), _without_control("password")]
    sender: Annotated[str, Field(alias="from", max_length=ADDRESS_MOST), _mailable("from")]
    secure: bool = False


class SmtpTest(Body):
    to: Annotated[str, Field(max_length=ADDRESS_MOST), _mailable("to")] | None = None
