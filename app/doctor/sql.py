from __future__ import annotations

from typing import Final

from app.db.queries import load

sql: Final = load(__file__)
