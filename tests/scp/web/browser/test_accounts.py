"""Signing in and the page of accounts, in a real browser."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from scp.web.accounts.administration import Administration
from scp.web.accounts.passwords import Hasher

pytestmark = [pytest.mark.component, pytest.mark.peer]

PASSWORD = "four words make it long"


@pytest.fixture
def site(web, serve):
    """A site with an administrator, a reader with a temporary password, and a token."""
    services = web.services
    made = Administration(services.database, Hasher(PasswordHasher(1, 8, 1)), services.clock(), "test")
    made.add("admin", "Dr. Ada Muster", ["administer", "review"], PASSWORD)
    made.add("reader", "", ["review"])
    made.disable("reader")
    made.add_token("gateway", "store", 30)
    return serve(services)


def sign_in(page, name="admin", password=PASSWORD):
    """By the keyboard alone: the first field has the focus."""
    page.wait_for_selector("#name:focus")
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


def test_the_keyboard_signs_in_and_out(site, visit):
    page = visit(site, "/accounts")
    sign_in(page)
    page.wait_for_url(site.address + "/accounts")
    assert page.locator("header").get_by_role("link", name="Dr. Ada Muster").is_visible()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(site.address + "/sign-in")
    page.goto(site.address + "/accounts")
    assert "/sign-in" in page.url


def test_a_new_person_replaces_the_temporary_password(site, visit):
    admin = visit(site, "/accounts")
    sign_in(admin)
    admin.get_by_label("Login name").fill("anna")
    admin.get_by_role("button", name="Add an account").click()
    password = admin.locator("output").inner_text()
    page = visit(site, "/account")
    sign_in(page, "anna", password)
    page.get_by_label("Current password").fill(password)
    page.get_by_label("New password").fill("a password of my own")
    page.get_by_role("button", name="Change the password").click()
    page.wait_for_url(site.address + "/")
    assert page.locator("nav").get_by_role("link", name="Series").is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(390, 844), (1440, 900), (3840, 2160)], ids=["telephone", "desk", "4K"])
def test_the_pages_are_accessible(site, visit, check_accessibility, theme, size):
    page = visit(site, "/accounts", theme=theme, size=size, locale="de")
    check(page, check_accessibility, f"sign_in-{theme}-{size[0]}")
    sign_in(page, password="wrong")
    page.wait_for_selector("[role=alert]")
    check(page, check_accessibility, f"refused-{theme}-{size[0]}")
    page.get_by_label("Passwort").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(site.address + "/accounts")
    check(page, check_accessibility, f"accounts-{theme}-{size[0]}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no sideways scrolling"
    page.goto(site.address + "/account")
    check(page, check_accessibility, f"own-{theme}-{size[0]}")


def check(page, check_accessibility, name):
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    check_accessibility(page)
