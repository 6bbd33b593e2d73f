"""The pages of the overview in a browser: accessible, by keyboard, live, and on a telephone."""

from __future__ import annotations

import pytest

from storage.outbox import outcomes, outgoing
from storage.outbox.deliveries import Document
from storage.series import lifecycle

pytestmark = [pytest.mark.component, pytest.mark.peer]

PHONE = (390, 844)


@pytest.fixture
def scanned(new_web, receive_scan, serve):
    """A server with one scored patient, one dead delivery and two peers."""
    peers = {name: {"ae_title": name, "host": "127.0.0.1", "port": 1} for name in ("PACS", "RIS")}
    web = new_web(peers=peers, results={"destinations": ["PACS"]})
    series, database, now = receive_scan(web.services), web.services.database, web.services.clock()
    (number,) = outgoing.add(database, [Document(series, 1, "1.2.9", "sr", "p")], ["PACS"], now)
    outcomes.mark_dead(database, number, now, error="refused")
    return serve(web.services), series


@pytest.mark.parametrize(("theme", "size"), [("light", (1440, 900)), ("dark", PHONE)])
def test_every_page_is_accessible_and_fits_its_screen(scanned, visit, check_accessibility, theme, size):
    site, series = scanned
    page = visit(site, "/", theme=theme, size=size)
    for path in ("/", f"/series/{series}", "/attention", "/outbox", "/quarantine", "/system", "/system/audit"):
        page.goto(site.address + path)
        check_accessibility(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path


def test_a_patient_is_found_and_opened_by_keyboard_alone(scanned, visit):
    site, series = scanned
    page = visit(site, "/")
    page.keyboard.press("/")
    page.keyboard.type("nobody")
    page.get_by_text("No series fits these filters").wait_for()
    assert page.url == f"{site.address}/"
    page.keyboard.press("Control+a")
    page.keyboard.type("phantom")
    page.locator("table a").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/series/{series}")


def test_a_list_renews_itself(scanned, visit):
    site, series = scanned
    page = visit(site, "/")
    page.get_by_text("undeliverable", exact=True).locator("visible=true").first.wait_for()
    lifecycle.rescore(site.services.database, series, site.services.clock())
    page.locator(".badge", has_text="receiving").wait_for()


def test_a_filter_changes_the_address_but_a_search_does_not(scanned, visit):
    site, _ = scanned
    page = visit(site, "/")
    page.get_by_label("State").select_option("not_scorable")
    page.get_by_text("No series fits these filters").wait_for()
    page.wait_for_url("**/?state=not_scorable")


def test_without_scripts_the_list_is_searched_too(scanned, chromium):
    site, series = scanned
    context = chromium.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(site.address)
        page.get_by_label("Search", exact=False).first.fill("phantom")
        page.get_by_role("button", name="Search").click()
        assert page.locator(f'a[href="/series/{series}"]').count() == 1
        assert "phantom" not in page.url
    finally:
        context.close()
