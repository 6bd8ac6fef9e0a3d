"""Files that come with the program but are no part of its packages: the schema, the changelog, the documents."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

# A checkout's root, and where an installed wheel puts them (pyproject.toml, data-files).
PLACES: Final = (Path(__file__).resolve().parents[1], Path(sys.prefix) / "share" / "kalends")


def shipped_root() -> Path:
    """The directory that holds `schema.sql`, `migrations/`, `docs/` and `CHANGELOG.md`."""
    return next((place for place in PLACES if (place / "schema.sql").exists()), PLACES[0])
