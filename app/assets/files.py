"""Styles, scripts and pictures, under addresses that hold a digest of their content: so they may be kept for ever."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
_DIGITS: Final = 16  # of the digest in an address: enough that no two versions ever share one
_KINDS: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    name: str
    digest: str
    kind: str
    body: bytes

    @property
    def url(self) -> str:
        return f"/assets/{self.digest}/{self.name}"


def _read() -> dict[str, Asset]:
    found = [path for folder in ("static", "vendor") for path in sorted((_HERE / folder).rglob("*"))]
    made = [_asset(path) for path in found if path.suffix in _KINDS]
    return {asset.name: asset for asset in made}


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    return Asset(path.name, hashlib.sha256(body).hexdigest()[:_DIGITS], _KINDS[path.suffix], body)


ASSETS: Final = _read()


def url_of(name: str) -> str:
    """Where a file of that name is served, from the root of the deployment."""
    return ASSETS[name].url
