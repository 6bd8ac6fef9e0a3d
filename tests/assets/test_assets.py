"""Files of the pages: kept for ever under an address of their content, and the component as it was published."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path

import pytest

from app.assets import files
from app.assets.files import ASSETS, url_of
from tests.support.service import Api, Service

ROOT = Path(__file__).parents[2]
HERE = Path(files.__file__).parent
VENDOR = HERE / "vendor"


@pytest.mark.parametrize("name", sorted(ASSETS))
def test_a_file_is_served_with_its_type_and_for_ever(service: Service, name: str) -> None:
    http = Api(service.url, None).http
    answer = http.get(url_of(name))
    assert answer.status_code == 200
    assert answer.content == ASSETS[name].body
    kinds = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    assert answer.headers["Content-Type"] == f"{kinds[name.rsplit('.', 1)[1]]}; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    again = http.get(url_of(name), headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_another_digest_is_another_file(service: Service) -> None:
    assert Api(service.url, None).get("/assets/0000000000000000/site.css").status_code == 404


def test_the_component_is_the_one_that_was_published_with_its_licence() -> None:
    (taken,) = json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))
    there = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()} - {"manifest.json"}
    assert there == set(taken["files"])
    for name, digest in taken["files"].items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest
    folder = VENDOR / f"event-calendar-{taken['version']}"
    assert taken["version"] in (folder / "event-calendar.min.js").read_text(encoding="utf-8")[:200]
    assert (folder / "LICENSE").read_text(encoding="utf-8").startswith(f"{taken['license']} License")


def test_an_installed_copy_has_every_file() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packed = settings["tool"]["setuptools"]["package-data"]
    for room in ("assets", "pages", "viewer"):
        here = ROOT / "app" / room
        kept = {path for pattern in packed[f"app.{room}"] for path in here.glob(pattern) if path.is_file()}
        folders = [here / name for name in ("static", "templates", "vendor") if (here / name).is_dir()]
        assert {path for folder in folders for path in folder.rglob("*") if path.is_file()} == kept


def test_nothing_is_loaded_from_elsewhere() -> None:
    for name in ("site.css", "calendar.css", "calendar.js", "landing.js"):
        text = ASSETS[name].body.decode()
        assert "http:" not in text.replace("https?:", "")
        assert "//cdn" not in text
        assert "@import" not in text
