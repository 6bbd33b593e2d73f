"""What changes something carries the token of a page of the same browser and session."""

from __future__ import annotations

import pytest

from scp.web.accounts import cookies
from scp.web.accounts.secrets import derive

FORM = {"language": "de"}


@pytest.fixture(params=["at the machine", "in a session"])
def browser(request, house):
    if request.param == "at the machine":
        return house.web.browser()
    return house.web.sign_in("administer")


def test_the_token_of_the_page_is_taken_from_header_or_form(browser):
    token = browser.headers.pop("X-CSRF-Token")
    assert token in browser.get("/accounts").text
    assert browser.post("/preferences", data=FORM | {"csrf_token": token}).status_code == 303
    assert browser.post("/preferences", data=FORM, files={"f": b""}, headers={"X-CSRF-Token": token}).status_code == 303
    assert browser.post("/preferences", data=FORM | {"csrf_token": token}, files={"f": b"x"}).status_code == 303


@pytest.mark.parametrize(
    "path", ["/preferences", "/accounts", "/accounts/tokens", "/sign-out", "/accounts/anna/disable"]
)
@pytest.mark.parametrize("token", [None, "", "0" * 64, derive("another browser's", "forms"), "\N{SNOWMAN}"])
def test_no_token_or_another_ones_changes_nothing(house, browser, path, token):
    house.add("anna", "administer")
    if browser.cookies.get(cookies.SESSION) is None:
        browser = house.web.sign_in("administer", name="anna")
    del browser.headers["X-CSRF-Token"]
    form = FORM if token is None else FORM | {"csrf_token": token}
    answer = browser.post(path, data=form)
    assert answer.status_code == 403
    assert "load its page again" in answer.text
    assert house.find("anna").state == "active"
    assert browser.get("/account").status_code == 200, "still signed in"


def test_a_browser_without_the_cookie_has_no_token(house):
    browser = house.web.browser()
    browser.cookies.clear()
    for token in ("", derive("", "forms")):
        assert browser.post("/preferences", data=FORM, headers={"X-CSRF-Token": token}).status_code == 403


def test_the_first_page_gives_cookie_and_token(house):
    browser = house.web.browser()
    browser.cookies.clear()
    del browser.headers["X-CSRF-Token"]
    page = browser.get("/accounts")
    token = derive(browser.cookies[cookies.BROWSER], "forms")
    assert f'value="{token}"' in page.text
    assert browser.post("/preferences", data=FORM | {"csrf_token": token}).status_code == 303


def test_the_token_before_the_sign_in_is_worth_nothing_afterwards(house):
    house.add("anna")
    browser = house.web.browser()
    house.enter(browser, "anna")
    assert browser.post("/preferences", data=FORM).status_code == 403


def test_a_sign_in_is_not_forged_either(house):
    house.add("anna")
    browser = house.web.browser()
    del browser.headers["X-CSRF-Token"]
    assert house.enter(browser, "anna").status_code == 403


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ("application/x-www-form-urlencoded", 403),
        ("multipart/form-data; boundary=x", 403),
        ("text/plain", 403),
        ("", 403),
        ('multipart/related; type="application/dicom"; boundary=x', 200),
        ("application/dicom", 200),
    ],
)
def test_dicomweb_takes_what_no_form_can_send(house, content, status):
    @house.web.client.app.post("/dicom-web/probe")
    def probe():
        return {}

    browser = house.web.browser()
    del browser.headers["X-CSRF-Token"]
    headers = {"Content-Type": content} if content else {}
    assert browser.post("/dicom-web/probe", content=b"--x--", headers=headers).status_code == status


def test_dicomweb_in_a_session_needs_the_token(house):
    @house.web.client.app.post("/dicom-web/probe")
    def probe():
        return {}

    browser = house.web.sign_in("review")
    headers = {"Content-Type": "application/dicom"}
    assert browser.post("/dicom-web/probe", content=b"", headers=headers).status_code == 200
    del browser.headers["X-CSRF-Token"]
    assert browser.post("/dicom-web/probe", content=b"", headers=headers).status_code == 403
