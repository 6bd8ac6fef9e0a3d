"""Which release this is."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final

UNINSTALLED: Final = "0.1.0"  # as pyproject.toml says


@cache
def release() -> str:
    try:
        return version("kalends")
    except PackageNotFoundError:  # run from a checkout
        return UNINSTALLED
