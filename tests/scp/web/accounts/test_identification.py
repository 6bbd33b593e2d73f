"""Who a request comes from: at the machine, elsewhere, through a proxy, with a token or a password in its header."""

from __future__ import annotations

import base64

import pytest
from fastapi import Depends, FastAPI

from scp.web.accounts.administration import Administration
from scp.web.identity import require
from storage.accounts import accounts, failures
from storage.accounts.accounts import AccountState


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture
def probed(house):
    """The application with a path that tells who asks, and one that needs a role and changes something."""
    app: FastAPI = house.web.client.app

    @app.get("/dicom-web/who")
    @app.get("/who")
    def who(person=Depends(require("view"))):  # noqa: B008
        return {"account": person.account, "roles": sorted(person.roles)}

    @app.post("/dicom-web/studies-of-test")
    def store(person=Depends(require("store"))):  # noqa: B008
        return {"account": person.account}

    return house


def make_token(house, role: str, days: int | None = None) -> dict[str, str]:
    made = Administration(house.database, house.hasher, house.clock(), "test")
    return {"Authorization": f"Bearer {made.add_token('gateway', role, days)}"}


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_without_accounts_whoever_sits_at_the_machine_may_do_everything(probed, address):
    answer = probed.web.browser(address=address).get("/who")
    assert answer.json() == {"account": "", "roles": ["administer", "operate", "review", "store", "view"]}


@pytest.mark.parametrize("path", ["/", "/who", "/sign-in", "/accounts", "/dicom-web/who", "/nothing"])
def test_without_accounts_other_machines_learn_how_to_make_the_first(probed, path):
    answer = probed.web.browser(address="192.0.2.7", secure=True).get(path)
    assert answer.status_code == 403
    assert "coronode account add" in answer.text


@pytest.mark.parametrize("address", ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "testclient", ""])
def test_other_machines_are_answered_over_https_alone(probed, address):
    probed.add("anna")
    for path in ("/who", "/sign-in", "/dicom-web/who"):
        answer = probed.web.browser(address=address).get(path)
        assert answer.status_code == 403
        assert "web.certificate" in answer.text
    assert probed.enter(probed.web.browser(address=address), "anna").status_code == 403
    assert probed.enter(probed.web.browser(address=address, secure=True), "anna").status_code == 303


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_what_a_proxy_at_this_machine_passes_on_does_not_come_from_the_machine(probed, header):
    answer = probed.web.client.get("/who", headers={header: "192.0.2.7"})
    assert answer.status_code == 403
    assert "web.proxies" in answer.text


def test_with_an_account_whoever_sits_at_the_machine_signs_in_too(probed):
    assert probed.web.client.get("/who").status_code == 200
    probed.add("anna")
    assert probed.web.client.get("/who").headers["location"] == "/sign-in?next=/who"
    accounts.change_state(probed.database, "anna", AccountState.DISABLED)
    assert probed.web.client.get("/who").status_code == 303


def test_with_a_provider_nobody_is_let_in_unseen(new_house):
    oidc = {"issuer": "https://login.example", "client_id": "c", "client_secret": "s", "roles": {"r": ["view"]}}
    house = new_house(web={"oidc": oidc})
    assert house.web.client.get("/accounts").status_code == 303


def test_a_token_acts_in_its_role_alone(probed):
    probed.add("anna")
    bearer = make_token(probed, "store")
    browser = probed.web.browser(address="192.0.2.7", secure=True)
    assert browser.post("/dicom-web/studies-of-test", headers=bearer).json() == {"account": "token:gateway"}
    assert browser.get("/dicom-web/who", headers=bearer).status_code == 403


def test_a_token_counts_for_no_page(probed):
    probed.add("anna")
    bearer = make_token(probed, "view")
    assert probed.web.client.get("/dicom-web/who", headers=bearer).status_code == 200
    assert probed.web.client.get("/who", headers=bearer).status_code == 303


def test_a_token_in_the_address_is_none(probed):
    probed.add("anna")
    token = make_token(probed, "view")["Authorization"].split()[1]
    for name in ("token", "access_token", "bearer", "authorization"):
        assert probed.web.client.get("/dicom-web/who", params={name: token}).status_code == 401


def test_a_token_that_ended_or_was_made_up_is_none(probed):
    probed.add("anna")
    bearer = make_token(probed, "view", 1)
    probed.clock.pass_(days=1)
    for header in (bearer, {"Authorization": "Bearer x"}, {"Authorization": "Bearer "}, {"Authorization": "Other x"}):
        assert probed.web.client.get("/dicom-web/who", headers=header).status_code == 401


def test_a_password_in_the_header_counts_for_machines_and_begins_no_session(probed):
    probed.add("anna", "review")
    answer = probed.web.client.get("/dicom-web/who", headers=basic("anna", "four words make it long"))
    assert answer.json()["account"] == "anna"
    assert "set-cookie" not in answer.headers
    assert probed.web.client.get("/who", headers=basic("anna", "four words make it long")).status_code == 303


def test_a_password_in_the_header_is_compared_once_and_counts_no_longer_than_it_is_one(probed):
    probed.add("anna")
    compared = []
    true = probed.hasher.is_of
    probed.hasher.is_of = lambda *given: compared.append(1) or true(*given)
    header = basic("anna", "four words make it long")
    for _ in range(30):
        assert probed.web.client.get("/dicom-web/who", headers=header).status_code == 200
    assert len(compared) == 1
    accounts.change_password(probed.database, "anna", probed.hasher.hash("another long password"))
    assert probed.web.client.get("/dicom-web/who", headers=header).status_code == 401


def test_guessing_in_the_header_is_slowed_down_as_on_the_page(probed):
    probed.add("anna")
    codes = [
        probed.web.client.get("/dicom-web/who", headers=basic("anna", f"{number}")).status_code
        for number in range(failures.FREE_ATTEMPTS + 1)
    ]
    assert codes == [401] * failures.FREE_ATTEMPTS + [429]
    answer = probed.web.client.get("/dicom-web/who", headers=basic("anna", "four words make it long"))
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    "credentials", ["Basic", "Basic %%%", "Basic " + base64.b64encode(b"\xff:\xff").decode(), "x" * 9]
)
def test_garbage_in_the_header_is_nobody(probed, credentials):
    probed.add("anna")
    assert probed.web.client.get("/dicom-web/who", headers={"Authorization": credentials}).status_code == 401


def test_machines_are_asked_for_a_password_and_browsers_are_not(probed):
    probed.add("anna")
    assert "Bearer" in probed.web.client.get("/dicom-web/who").headers["www-authenticate"]
    fetched = probed.web.client.get("/dicom-web/who", headers={"Sec-Fetch-Mode": "cors"})
    assert (fetched.status_code, "www-authenticate" in fetched.headers) == (401, False)


def test_a_fragment_leads_the_whole_page_to_the_sign_in(probed):
    probed.add("anna")
    answer = probed.web.client.get("/who", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in")
