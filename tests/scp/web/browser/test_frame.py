"""What every page has, seen by a browser: here the page that says that there is none."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.component, pytest.mark.peer]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_missing_page_is_accessible_and_asks_nobody_else(web, serve, visit, check_accessibility, theme):
    page = visit(serve(web.services), "/nothing", theme=theme)
    assert page.locator("h1").inner_text() == "There is no such page"
    check_accessibility(page)


def test_a_reader_chooses_language_and_colours(web, serve, visit):
    page = visit(serve(web.services), "/nothing")
    page.get_by_role("button", name="Deutsch").click()
    assert page.locator("h1").inner_text() == "Diese Seite gibt es nicht"
    page.get_by_role("button", name="Dunkel").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 17, 22)"


def test_the_other_colours_than_those_of_the_system_are_offered(web, serve, visit):
    site = serve(web.services)
    for system, other in (("dark", "Light"), ("light", "Dark")):
        page = visit(site, "/nothing", theme=system)
        assert page.locator("button[name=theme]:visible").all_inner_texts() == [other]
        page.get_by_role("button", name=other).click()
        page.locator("html[data-theme]").wait_for()
        assert page.locator("button[name=theme]:visible").all_inner_texts() == [system.capitalize()]


def test_the_first_stop_of_the_tab_key_skips_to_the_content(web, serve, visit):
    page = visit(serve(web.services), "/nothing")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
