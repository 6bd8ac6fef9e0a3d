"""The pages in a real browser: what people see, reach with the keyboard, and have read to them."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest

from tests.support.service import Calendar, Service
from tests.viewer.browser import PHONE, Browser
from tests.viewer.scene import HOSTILE


@pytest.fixture(autouse=True)
def _nothing_complained(browser: Browser) -> Any:
    """No script failed, and the page's policy had nothing to refuse."""
    browser.complaints.clear()
    yield
    assert browser.complaints == []


def barriers(page: Any) -> list[str]:
    """What axe finds wrong: roles, names, headings, landmarks, contrast (4.5 for text)."""
    page.context.new_cdp_session(page).send("Runtime.evaluate", {"expression": _axe()})  # which no policy stops
    found = page.evaluate("axe.run()")
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found["violations"]]


def _axe() -> str:
    pytest.importorskip("axe_playwright_python", reason="axe comes with the dev extra")
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def chips(page: Any, title: str) -> list[str]:
    return [words(text) for text in page.locator("#grid .chip", has_text=title).all_inner_texts()]


def words(text: str) -> str:
    return " ".join(text.split()).replace(" ,", ",")


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.innerText || document.activeElement.getAttribute('aria-label')"))


def test_a_month_shows_the_times_of_the_calendars_clocks_wherever_the_browser_is(
    furnished: Calendar, browser: Browser
) -> None:
    with browser.page(f"{furnished.created['page_url']}&view=month", dark=True, zone="Pacific/Auckland") as page:
        page.wait_for_selector("#grid .ec-event")
        assert page.inner_text("#heading") == "March 2026"
        assert page.locator("#grid .ec-today time").get_attribute("datetime") == "2026-03-02"
        assert chips(page, "Clocks change")[0].startswith("01:30 Clocks change")
        assert chips(page, "Design review") == ["10:00 Design review, Mon 2 Mar 2026, 10:00–11:30 in New York."]
        cancelled = page.locator("#grid .is-cancelled", has_text="Standup")
        assert "cancelled" in cancelled.inner_text()
        assert barriers(page) == []

        page.locator("#cancelled").click()
        page.wait_for_selector("#grid .ec-event")
        assert cancelled.count() == 0

        page.keyboard.press("z")  # the viewer's clocks: a day later there
        page.wait_for_selector("#grid .chip:has-text('Auckland')")
        assert chips(page, "Design review")[0].endswith("Tue 3 Mar 2026, 04:00–05:30 in Auckland.")
        assert chips(page, "Lisbon offsite")[0].endswith("All day from Wed 4 to Fri 6 Mar 2026 (3 days).")
        assert page.locator("#grid .ec-today time").get_attribute("datetime") == "2026-03-03"


def test_everything_is_done_with_the_keyboard_alone(furnished: Calendar, browser: Browser) -> None:
    with browser.page(f"{furnished.created['page_url']}&view=week") as page:
        page.wait_for_selector("#grid .ec-event")
        assert page.inner_text("#heading") == "2 Mar – 8 Mar 2026"
        assert barriers(page) == []
        page.locator("#grid .chip", has_text="Design review").focus()
        page.keyboard.press("Enter")
        details = page.locator("#details")
        assert details.is_visible()
        assert focused(page) == "✕"
        said = details.inner_text()
        for words in ("Mon 2 Mar 2026, 10:00–11:30 in New York.", "Mon 2 Mar 2026, 16:00–17:30 in Berlin.", "Room 2"):
            assert words in said
        assert barriers(page) == []
        page.keyboard.press("Escape")
        assert not details.is_visible()
        assert "Design review" in focused(page)

        page.keyboard.press("ArrowRight")
        assert page.inner_text("#heading") == "9 Mar – 15 Mar 2026"
        page.keyboard.press("m")
        page.keyboard.press("ArrowLeft")
        assert page.inner_text("#heading") == "February 2026"
        page.keyboard.press("t")
        assert page.inner_text("#heading") == "March 2026"
        page.keyboard.press("a")
        page.wait_for_selector("#agenda h3")
        page.keyboard.press("?")
        assert page.locator("#help").is_visible()
        page.locator("#shortcuts").click()  # who dictates can switch single keys off
        page.keyboard.press("Escape")
        page.keyboard.press("m")
        assert page.locator("button[data-view=agenda]").get_attribute("aria-pressed") == "true"


def test_an_agenda_on_a_phone_opens_its_events_and_runs_no_strangers_words(
    furnished: Calendar, browser: Browser
) -> None:
    with browser.page(furnished.created["page_url"], PHONE) as page:
        page.wait_for_selector(".zones b")
        page.wait_for_selector("#agenda:not(.is-busy) h3")
        assert words(page.locator("#agenda h3").first.inner_text()) == "Monday 2 March 2026 Today"
        mailed = page.locator("#agenda .item", has_text="Quarterly planning")
        mailed.locator("summary").click()
        assert "Came by mail. These are the sender's words" in mailed.inner_text()
        hostile = page.locator("#agenda .item", has_text="</script>")
        hostile.locator("summary").click()
        assert HOSTILE in hostile.inner_text()
        assert (page.title(), hostile.locator("img, script, a").count()) == ("Atlas team", 0)
        page.locator("#subscribe summary").click()
        assert page.locator("#feed").input_value() == furnished.created["ical_feed_url"]
        assert barriers(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]  # nothing to be scrolled sideways


def test_without_scripts_the_agenda_is_there_and_goes_on(furnished: Calendar, browser: Browser) -> None:
    with browser.page(furnished.created["page_url"], PHONE, scripts=False) as page:
        assert words(page.locator("#agenda h3").first.inner_text()) == "Monday 2 March 2026 Today"
        assert page.locator("button:visible").count() == 0  # what needs a script is not offered
        page.locator("#after").click()
        assert page.inner_text("#heading") == "Mon 30 Mar – Sun 26 Apr 2026"
        assert page.locator("#agenda .item").count() == 20


def test_the_first_page_copies_commands_and_says_whether_it_works(service: Service, browser: Browser) -> None:
    with browser.page(f"{service.url}/") as page:
        assert page.inner_text("#status") == "Ready"
        assert barriers(page) == []
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.locator("[data-copy]").first.click()
        page.wait_for_selector("button:has-text('Copied')")
        assert page.evaluate("navigator.clipboard.readText()") == page.inner_text("#command-1")
