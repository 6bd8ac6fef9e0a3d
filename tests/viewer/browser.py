"""A real browser without a window: Debian's chromium, driven by playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from tests.conftest import NOON

PHONE: Final = (390, 844)
DESKTOP: Final = (1280, 900)
CHROMIUM: Final = (
    os.environ.get("KALENDS_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
)
_WITHIN: Final = 10_000  # milliseconds; a busy machine is several times slower than a person


@dataclass
class Browser:
    """Opens pages; `complaints` are what a page's console, its policy or its scripts said."""

    _driven: Any
    complaints: list[str] = field(default_factory=list)

    @contextmanager
    def page(
        self,
        url: str,
        size: tuple[int, int] = DESKTOP,
        *,
        dark: bool = False,
        zone: str = "Europe/Berlin",
        scripts: bool = True,
    ) -> Iterator[Any]:
        context = self._driven.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            timezone_id=zone,
            locale="en-GB",
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        context.set_default_timeout(_WITHIN)
        try:
            page = context.new_page()
            page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda error: self.complaints.append(str(error)))
            if scripts:
                page.clock.set_fixed_time(NOON)
            page.goto(url)
            yield page
        finally:
            context.close()


@contextmanager
def browsing() -> Iterator[Browser]:
    """Skips, saying so, where there is no chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright comes with the dev extra")
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine (apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        driven = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        try:
            yield Browser(driven)
        finally:
            driven.close()
