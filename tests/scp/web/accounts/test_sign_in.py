"""Signing in: what it takes, what it gives, and what somebody learns who guesses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from scp.web.accounts import passwords
from scp.web.accounts.secrets import derive
from storage.accounts import accounts, failures, sessions
from storage.accounts.accounts import AccountState

WRONG = "Name or password is wrong."


def session_of(answer) -> str:
    """The token of the session that an answer begins."""
    (value,) = re.findall(r"coronode_session=([^;]+);", "\n".join(answer.headers.get_list("set-cookie")))
    return value


def signed_in(house, name="anna", **at):
    """A browser in which somebody has signed in, and which has loaded a page."""
    browser = house.web.browser(**at)
    answer = house.enter(browser, name)
    assert answer.status_code == 303, answer.text
    browser.headers["X-CSRF-Token"] = derive(session_of(answer), "forms")
    return browser


def test_name_and_password_begin_a_session_and_lead_to_the_page_that_was_asked_for(house):
    house.add("anna")
    browser = house.web.browser()
    turned = browser.get("/account?x=1&y=2")
    assert (turned.status_code, turned.headers["location"]) == (303, "/sign-in?next=/account%3Fx%3D1%26y%3D2")
    page = browser.get(turned.headers["location"]).text
    assert 'name="next" value="/account?x=1&amp;y=2"' in page
    answer = house.enter(browser, " Anna ", next="/account?x=1&y=2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?x=1&y=2")
    assert browser.get("/account").status_code == 200
    (told,) = house.told("signed_in")
    assert (told.person, told.text) == ("anna", "from 127.0.0.1")
    assert house.find("anna").last_sign_in_at == house.clock()


def test_the_cookie_is_for_this_server_alone_and_for_no_script(house):
    house.add("anna")
    plain = house.enter(house.web.browser(), "anna").headers.get_list("set-cookie")
    (cookie,) = [item for item in plain if item.startswith("coronode_session=")]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Max-Age" not in cookie
    assert "Domain" not in cookie
    secure = house.enter(house.web.browser(secure=True), "anna").headers.get_list("set-cookie")
    (cookie,) = [item for item in secure if item.startswith("__Host-coronode_session=")]
    assert "Secure" in cookie
    assert "Path=/;" in cookie


def test_the_database_has_no_token_and_no_password(house):
    password = house.add("anna", temporary=True)
    browser = house.web.browser()
    token = session_of(house.enter(browser, "anna", password))
    database = house.database.engine.url.database
    content = b"".join(Path(f"{database}{end}").read_bytes() for end in ("", "-wal"))
    assert b"anna" in content
    assert token.encode() not in content
    assert password.encode() not in content


def test_an_unknown_name_and_a_wrong_password_are_told_alike(house):
    house.add("anna")
    house.add("bert")
    accounts.change_state(house.database, "bert", AccountState.DISABLED)
    answers = {}
    for number, name in enumerate(("anna", "bert", "nobody")):
        browser = house.web.browser(address=f"127.0.0.{number}")
        answers[name] = [house.enter(browser, name, "wrong") for _ in range(failures.FREE_ATTEMPTS + 2)]
    seen = {
        name: [(one.status_code, one.text.replace(name, "NAME"), one.headers.get("retry-after")) for one in found]
        for name, found in answers.items()
    }
    assert seen["anna"] == seen["bert"] == seen["nobody"]
    assert [one[0] for one in seen["anna"]] == [401, 401, 401, 401, 401, 429, 429]
    assert WRONG in seen["anna"][0][1]


def test_an_unknown_name_takes_as_much_work(house):
    house.add("anna")
    compared = []

    class Counting(PasswordHasher):
        def verify(self, hash: str, password: str) -> bool:  # noqa: A002
            compared.append(hash)
            return super().verify(hash, password)

    house.hasher._hasher = Counting(1, 8, 1)
    house.enter(house.web.browser(), "anna", "wrong")
    house.enter(house.web.browser(), "nobody", "wrong")
    known, unknown = (one.split("$")[:4] for one in compared)
    assert known == unknown, "the same algorithm with the same cost"


def test_what_was_typed_as_a_name_is_kept_nowhere(house):
    house.enter(house.web.browser(), "my secret password", "anna")
    told = house.told("sign_in_failed")[0]
    assert (told.person, told.text) == ("", "from 127.0.0.1")
    content = Path(house.database.engine.url.database + "-wal").read_bytes()
    assert b"my secret password" not in content


def test_a_pause_refuses_the_right_password_until_it_ends(house):
    house.add("anna")
    for _ in range(failures.FREE_ATTEMPTS):
        house.enter(house.web.browser(), "anna", "wrong")
    assert house.told("sign_in_paused")[0].person == "anna"
    refused = house.enter(house.web.browser(), "anna")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 31
    house.clock.pass_(seconds=31)
    assert house.enter(house.web.browser(), "anna").status_code == 303
    house.enter(house.web.browser(), "anna", "wrong")
    assert house.enter(house.web.browser(), "anna").status_code == 303, "the count began anew"


def test_an_attacker_does_not_lock_out_a_browser_that_is_known(house):
    house.add("anna")
    own = signed_in(house)
    own.post("/sign-out")
    for _ in range(failures.FREE_ATTEMPTS):
        house.enter(house.web.browser(address="127.0.0.2"), "anna", "wrong")
    assert house.enter(house.web.browser(), "anna").status_code == 429
    own.headers["X-CSRF-Token"] = house.web.client.headers["X-CSRF-Token"]
    assert house.enter(own, "anna").status_code == 303


def test_a_browser_is_known_no_longer_once_the_password_has_changed(house):
    house.add("anna")
    own = signed_in(house)
    own.post("/sign-out")
    accounts.change_password(house.database, "anna", house.hasher.hash("another long password"))
    for _ in range(failures.FREE_ATTEMPTS):
        house.enter(house.web.browser(), "anna", "wrong")
    own.headers["X-CSRF-Token"] = house.web.client.headers["X-CSRF-Token"]
    assert house.enter(own, "anna", "another long password").status_code == 429


def test_an_address_that_tries_many_names_is_slowed_down_and_others_are_not(house):
    house.add("anna")
    codes = [house.enter(house.web.browser(), f"name{number}", "x").status_code for number in range(25)]
    assert codes == [401] * 20 + [429] * 5
    assert house.enter(house.web.browser(), "anna").status_code == 429
    assert house.enter(house.web.browser(address="127.0.0.2"), "anna").status_code == 303
    house.clock.pass_(seconds=3)
    assert house.enter(house.web.browser(), "anna").status_code == 303


def test_a_new_sign_in_begins_a_new_session_and_ends_the_one_before(house):
    """Session fixation: whatever the browser had before is worth nothing afterwards."""
    house.add("anna")
    browser = house.web.browser()
    browser.cookies.set("coronode_session", "chosen by an attacker")
    first = session_of(house.enter(browser, "anna"))
    assert first != "chosen by an attacker"
    browser.headers["X-CSRF-Token"] = derive(first, "forms")
    second = session_of(house.enter(browser, "anna"))
    assert second != first
    for token in ("chosen by an attacker", first):
        other = house.web.browser()
        other.cookies.set("coronode_session", token)
        assert other.get("/account").status_code == 303
    assert sessions.count(house.database, house.find("anna").id) == 1


def test_signing_out_ends_the_session_itself(house):
    house.add("anna")
    browser = signed_in(house)
    stolen = house.web.browser()
    stolen.cookies.set("coronode_session", browser.cookies["coronode_session"])
    assert stolen.get("/account").status_code == 200
    answer = browser.post("/sign-out")
    assert answer.headers["location"] == "/sign-in"
    assert "storage" in answer.headers["clear-site-data"]
    assert stolen.get("/account").status_code == 303
    assert house.told("signed_out")[0].person == "anna"


def test_a_session_ends_without_use(house):
    house.add("anna")
    browser = signed_in(house)
    house.clock.pass_(minutes=59)
    assert browser.get("/account").status_code == 200
    house.clock.pass_(minutes=60)
    assert browser.get("/account").status_code == 303


def test_a_temporary_password_opens_its_own_page_alone_and_ends(house):
    password = house.add("anna", "administer", temporary=True)
    browser = house.web.browser()
    token = session_of(house.enter(browser, "anna", password))
    browser.headers["X-CSRF-Token"] = derive(token, "forms")
    turned = browser.get("/accounts")
    assert (turned.status_code, turned.headers["location"]) == (303, "/account")
    assert "temporary" in browser.get("/account").text
    answer = browser.post("/account/password", data={"current": password, "new": "a password of my own"})
    assert answer.status_code == 303, answer.text
    assert browser.get("/accounts").status_code == 200
    late = house.add("late", temporary=True)
    house.clock.pass_(hours=24)
    assert "no longer valid" in house.enter(house.web.browser(), "late", late).text


def test_a_new_password_ends_the_sessions_in_other_browsers(house):
    house.add("anna")
    here, there = signed_in(house), signed_in(house)
    answer = here.post("/account/password", data={"current": "four words make it long", "new": "a password of my own"})
    assert answer.status_code == 303
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 303
    assert house.told("password_changed")[0].person == "anna"


@pytest.mark.parametrize(
    ("current", "new", "words"),
    [
        ("wrong", "a password of my own", "The current password is wrong."),
        ("four words make it long", "short", "at least 15 characters"),
        ("four words make it long", "four words make it long", "is the current one"),
        ("four words make it long", "anna-anna-anna-anna", "can be guessed"),
    ],
)
def test_a_password_that_is_not_taken_changes_nothing(house, current, new, words):
    house.add("anna")
    browser = signed_in(house)
    answer = browser.post("/account/password", data={"current": current, "new": new})
    assert answer.status_code == 422
    assert words in answer.text
    assert house.enter(house.web.browser(), "anna").status_code == 303


def test_a_weaker_hash_is_made_anew_at_the_next_sign_in(house):
    house.add("anna")
    weak = house.find("anna").password_hash
    house.hasher._hasher = PasswordHasher(2, 8, 1)
    browser = signed_in(house)
    strong = house.find("anna").password_hash
    assert strong != weak
    assert "t=2" in strong
    assert browser.get("/account").status_code == 200


def test_so_many_at_once_are_sent_away(house, monkeypatch):
    house.add("anna")
    for _ in range(passwords._AT_ONCE + passwords._WAITING):
        assert house.hasher._places.acquire(blocking=False)
    assert house.enter(house.web.browser(), "anna").status_code == 503


@pytest.mark.parametrize(
    "address", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", ""]
)
def test_the_sign_in_leads_to_no_other_host(house, address):
    house.add("anna")
    assert house.enter(house.web.browser(), "anna", next=address).headers["location"] == "/"
    assert f'value="{address}"' not in house.web.browser().get("/sign-in", params={"next": address}).text or not address
