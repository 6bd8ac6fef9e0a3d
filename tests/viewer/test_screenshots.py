"""Pictures of every page, to be looked at: KALENDS_TEST_SCREENSHOTS names the directory they are written to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.service import Calendar, Service
from tests.viewer.browser import DESKTOP, PHONE, Browser

WHERE = os.environ.get("KALENDS_TEST_SCREENSHOTS")
LOOKS = [(name, size, dark) for name, size in (("desktop", DESKTOP), ("phone", PHONE)) for dark in (False, True)]


@pytest.mark.skipif(not WHERE, reason="KALENDS_TEST_SCREENSHOTS names no directory for screenshots")
@pytest.mark.parametrize(("name", "size", "dark"), LOOKS, ids=[f"{n}-{'dark' if d else 'light'}" for n, _, d in LOOKS])
def test_every_page_has_its_picture_taken(
    service: Service, furnished: Calendar, browser: Browser, name: str, size: tuple[int, int], dark: bool
) -> None:
    folder = Path(str(WHERE))
    folder.mkdir(parents=True, exist_ok=True)
    look = f"{name}-{'dark' if dark else 'light'}.png"
    address = furnished.created["page_url"]
    with browser.page(f"{service.url}/", size, dark=dark) as page:
        page.screenshot(path=folder / f"landing-{look}", full_page=True)
    for view in ("month", "week"):
        with browser.page(f"{address}&view={view}", size, dark=dark) as page:
            page.wait_for_selector("#grid .ec-event")
            page.screenshot(path=folder / f"{view}-{look}")
            if view == "month":
                page.locator("#grid .ec-event", has_text="Design review").first.click()
                page.screenshot(path=folder / f"details-{look}")
    with browser.page(f"{address}&view=agenda", size, dark=dark) as page:
        page.wait_for_selector(".zones b")
        page.wait_for_selector("#agenda:not(.is-busy)")
        page.screenshot(path=folder / f"agenda-{look}")
        page.locator("#agenda .item", has_text="Quarterly planning").locator("summary").click()
        page.screenshot(path=folder / f"opened-{look}")
        page.locator("#subscribe summary").click()
        page.screenshot(path=folder / f"subscribe-{look}")
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        page.screenshot(path=folder / f"help-{look}")
    with browser.page(address, size, dark=dark, scripts=False) as page:
        page.screenshot(path=folder / f"without-script-{look}")
    with browser.page(f"{address}wrong", size, dark=dark) as page:
        page.screenshot(path=folder / f"closed-{look}")
