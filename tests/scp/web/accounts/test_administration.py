"""The page of accounts: what an administrator does there, and what it leaves in the audit log."""

from __future__ import annotations

import re

import pytest

from storage.accounts import failures, tokens


@pytest.fixture
def admin(house):
    return house.web.sign_in("administer", name="admin")


def told_secret(page: str) -> str:
    (secret,) = re.findall(r"<output>(.*?)</output>", page)
    return secret


def test_an_account_is_added_with_a_password_that_is_told_once(house, admin):
    answer = admin.post("/accounts", data={"name": "Anna", "printed_name": " Dr.  Anna ", "role": ["view", "review"]})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    password = told_secret(answer.text)
    assert password not in admin.get("/accounts").text
    account = house.find("anna")
    assert (account.printed_name, account.roles, account.must_change) == ("Dr. Anna", {"view", "review"}, True)
    assert house.enter(house.web.browser(), "anna", password).status_code == 303
    (event,) = house.told("account_added")
    assert (event.person, event.text) == ("admin", "anna: review, view (from 127.0.0.1)")
    assert password not in str(house.told(None))


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"name": "", "role": "view"}, "1 to 64"),
        ({"name": "a b", "role": "view"}, "1 to 64"),
        ({"name": "../x", "role": "view"}, "1 to 64"),
        ({"name": "x" * 65, "role": "view"}, "1 to 64"),
        ({"name": "anna"}, "at least one role"),
        ({"name": "anna", "role": "store"}, "at least one role"),
        ({"name": "anna", "role": "root"}, "at least one role"),
        ({"name": "anna", "role": "view", "printed_name": "x" * 65}, "at most 64"),
        ({"name": "ADMIN", "role": "view"}, "already"),
    ],
)
def test_what_cannot_be_added_is_told_in_words(house, admin, form, words):
    answer = admin.post("/accounts", data=form)
    assert (answer.status_code, words in answer.text) == (409, True)
    assert house.find("anna") is None


def test_roles_state_password_and_pause_are_changed(house, admin):
    house.add("anna", "view")
    for _ in range(failures.FREE_ATTEMPTS):
        house.enter(house.web.browser(), "anna", "wrong")
    assert "paused" in admin.get("/accounts").text
    for path, form in (("unlock", {}), ("roles", {"role": "review"}), ("disable", {}), ("enable", {})):
        assert admin.post(f"/accounts/anna/{path}", data=form).headers["location"] == "/accounts"
    assert house.find("anna").roles == {"review"}
    password = told_secret(admin.post("/accounts/anna/reset").text)
    assert house.enter(house.web.browser(), "anna", password).status_code == 303
    kinds = [event.kind for event in reversed(house.told(None)) if event.person == "admin"]
    assert kinds == ["account_unlocked", "roles_changed", "account_disabled", "account_enabled", "password_reset"]


def test_the_last_administrator_cannot_be_taken_away_by_the_page(house, admin):
    for path, form in (("roles", {"role": "view"}), ("disable", {})):
        answer = admin.post(f"/accounts/admin/{path}", data=form)
        assert (answer.status_code, "last account" in answer.text) == (409, True)
    assert admin.post("/accounts/nobody/disable").status_code == 409


def test_a_token_is_made_told_once_and_revoked(house, admin):
    answer = admin.post("/accounts/tokens", data={"name": "gateway", "role": "view", "days": "30"})
    bearer = {"Authorization": f"Bearer {told_secret(answer.text)}"}
    assert house.web.client.get("/dicom-web/studies", headers=bearer).status_code in {200, 204}
    assert tokens.list_tokens(house.database)[0].created_by == "admin"
    assert admin.post("/accounts/tokens/gateway/revoke").status_code == 303
    assert house.web.client.get("/dicom-web/studies", headers=bearer).status_code == 401
    assert [event.kind for event in house.told("token_added") + house.told("token_revoked")] == [
        "token_added",
        "token_revoked",
    ]


@pytest.mark.parametrize("days", ["0", "-1", "x", "3651", "\N{SUPERSCRIPT TWO}"])
def test_days_that_are_none_make_no_token(house, admin, days):
    assert admin.post("/accounts/tokens", data={"name": "x", "role": "view", "days": days}).status_code == 422
    assert tokens.list_tokens(house.database) == []


def test_without_accounts_the_page_says_what_that_means(house):
    assert "There is no account yet" in house.web.client.get("/accounts").text
    answer = house.web.client.post("/accounts", data={"name": "first", "role": "administer"})
    assert answer.status_code == 200
    assert house.told("account_added")[0].person == "local"
    assert house.web.client.get("/accounts").status_code == 303
