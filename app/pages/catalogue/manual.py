from __future__ import annotations

OPERATIONS = ()
OBJECTS: dict = {}
