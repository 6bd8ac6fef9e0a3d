"""What the wire may carry to the manual."""

from __future__ import annotations

from app.http.requests import Body


class ManualQuestion(Body):
    """POST /man: what GET takes in its query."""

    topic: str | None = None
    guide: bool = False
