"""Signing in through a provider of identities: a real one on this machine, and everything that it may do wrong."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from storage.accounts import accounts, sessions
from storage.accounts.accounts import AccountState

CLIENT, SECRET = "coronode", "a secret: with/odd?characters"
ROLES = {"readers": ["review"], "it": ["operate", "administer"]}


@dataclass
class FakeProvider:
    """A provider that signs everybody in; tests change what it says."""

    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1", "use": "sig"}))
    shown_keys: list[RSAKey] | None = None
    claims: dict = field(default_factory=dict)
    header: dict = field(default_factory=dict)
    discovery: dict = field(default_factory=dict)
    token_status: int = 200
    issuer: str = ""
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict] = field(default_factory=dict)
    now: int = 0

    def sign_in(self, address: str) -> dict[str, str]:
        """What a browser brings back that was sent to an address of the provider."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = f"code{len(self.codes)}"
        self.codes[code] = query
        return {"state": query["state"], "code": code}

    def redeem(self, form: dict[str, str], authorization: str) -> tuple[int, dict]:
        # RFC 6749, 2.3.1: name and secret are form-encoded within Basic
        name, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        query = self.codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode()
        right = (
            name == CLIENT
            and secret == "a%20secret%3A%20with%2Fodd%3Fcharacters"
            and query is not None
            and query["redirect_uri"] == form["redirect_uri"]
            and query["code_challenge"] == challenge.rstrip("=")
        )
        if not right:
            return 400, {"error": "invalid_grant"}
        return self.token_status, {"access_token": "x", "token_type": "Bearer", "id_token": self.make_token(query)}

    def make_token(self, query: dict[str, str]) -> str:
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "4711",
            "iat": self.now,
            "exp": self.now + 300,
            "nonce": query["nonce"],
            "groups": ["readers", "others"],
            "preferred_username": "Anna",
            "name": "Dr. Anna Muster",
        }
        claims = {name: value for name, value in (claims | self.claims).items() if value is not None}
        header = {"alg": "RS256", "kid": "1"} | self.header
        if header["alg"] in {"none", "HS256"}:  # by hand: no library makes these
            signed = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
            secret = self.key.as_pem(private=False)
            mac = hmac.digest(secret, signed.encode(), "sha256") if header["alg"] == "HS256" else b""
            return f"{signed}.{encode(mac)}"
        return jwt.encode(header, claims, self.key, algorithms=[header["alg"]])


def encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})


@pytest.fixture
def provider(key):
    fake = FakeProvider(key)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fake.asked.append(self.path)
            if self.path == "/.well-known/openid-configuration":
                places = {
                    "issuer": fake.issuer,
                    "authorization_endpoint": f"{fake.issuer}/authorize?tenant=1",
                    "token_endpoint": f"{fake.issuer}/token",
                    "jwks_uri": f"{fake.issuer}/keys",
                }
                self.answer(200, places | fake.discovery)
            else:
                shown = fake.shown_keys if fake.shown_keys is not None else [fake.key]
                self.answer(200, {"keys": [one.as_dict(private=False) for one in shown]})

        def do_POST(self) -> None:
            fake.asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self.answer(*fake.redeem(form, self.headers["Authorization"]))

        def answer(self, status: int, content: dict) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def house(new_house, provider):
    oidc = {"issuer": provider.issuer, "client_id": CLIENT, "client_secret": SECRET, "roles": ROLES, "name": "Clinic"}
    made = new_house(web={"oidc": oidc})
    provider.now = int(made.clock().timestamp())
    return made


def begin(browser, asked: str = "/account") -> str:
    """Begin in a browser, and return the provider's address to which it is sent."""
    answer = browser.get("/sign-in/provider", params={"next": asked})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def come_back(browser, brought: dict[str, str]):
    return browser.get("/sign-in/provider/return", params=brought)


def sign_in(house, provider, browser=None):
    browser = browser or house.web.browser()
    return come_back(browser, provider.sign_in(begin(browser)))


def test_the_first_sign_in_makes_an_account_with_the_roles_of_its_groups(house, provider):
    browser = house.web.browser()
    assert "Sign in with Clinic" in browser.get("/sign-in").text
    answer = sign_in(house, provider, browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account"), answer.text
    assert "Your password is kept by the provider" in browser.get("/account").text
    account = house.find("anna")
    assert (account.roles, account.printed_name, account.password_hash) == ({"review"}, "Dr. Anna Muster", "")
    assert [event.kind for event in house.told("account_added") + house.told("signed_in")] == [
        "account_added",
        "signed_in",
    ]
    sign_in(house, provider)
    assert len(accounts.list_accounts(house.database)) == 1


def test_nobody_is_asked_until_somebody_signs_in_there(house, provider):
    house.web.client.get("/sign-in")
    assert provider.asked == []


def test_roles_follow_the_groups_and_a_change_ends_older_sessions(house, provider):
    browser = house.web.browser()
    sign_in(house, provider, browser)
    provider.claims["groups"] = ["it"]
    other = house.web.browser()
    sign_in(house, provider, other)
    assert house.find("anna").roles == {"operate", "administer"}
    assert browser.get("/account").status_code == 303
    assert other.get("/accounts").status_code == 200
    provider.claims["groups"] = ["others"]
    assert sign_in(house, provider).status_code == 403
    assert house.find("anna").roles == set()
    assert other.get("/account").status_code == 303


@pytest.mark.parametrize("groups", [None, [], "", ["others"], [1, None, {}], {"readers": 1}, 7])
def test_without_a_group_that_has_a_role_no_account_is_made(house, provider, groups):
    provider.claims["groups"] = groups
    answer = sign_in(house, provider)
    assert (answer.status_code, "none of your groups" in answer.text) == (403, True)
    assert accounts.list_accounts(house.database) == []


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        pytest.param({"nonce": "another"}, {}, id="wrong nonce"),
        pytest.param({"nonce": None}, {}, id="no nonce"),
        pytest.param({"aud": "another client"}, {}, id="wrong audience"),
        pytest.param({"aud": None}, {}, id="no audience"),
        pytest.param({"aud": [CLIENT, "another"]}, {}, id="several audiences without a party"),
        pytest.param({"azp": "another"}, {}, id="wrong party"),
        pytest.param({"iss": "https://evil.example"}, {}, id="wrong issuer"),
        pytest.param({"iss": None}, {}, id="no issuer"),
        pytest.param({"exp": 1_000_000_000}, {}, id="expired"),
        pytest.param({"exp": None}, {}, id="no expiry"),
        pytest.param({"iat": 4_000_000_000}, {}, id="issued in the future"),
        pytest.param({"sub": None}, {}, id="no subject"),
        pytest.param({"sub": ""}, {}, id="empty subject"),
        pytest.param({}, {"alg": "none"}, id="alg none"),
        pytest.param({}, {"alg": "HS256"}, id="signed with the public key as a secret"),
    ],
)
def test_an_id_token_that_does_not_hold_signs_nobody_in(house, provider, claims, header):
    provider.claims, provider.header = claims, header
    browser = house.web.browser()
    answer = sign_in(house, provider, browser)
    assert answer.status_code == 503
    assert "coronode_session" not in str(answer.headers)
    assert accounts.list_accounts(house.database) == []
    assert len(house.told("sign_in_failed")) == 1


def test_a_signature_by_another_key_is_none(house, provider):
    provider.shown_keys = [RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})]
    assert sign_in(house, provider).status_code == 503
    assert accounts.list_accounts(house.database) == []


def test_a_new_key_of_the_provider_is_taken_up(house, provider):
    assert sign_in(house, provider).status_code == 303
    provider.key = RSAKey.generate_key(2048, {"kid": "2", "use": "sig"})
    provider.header = {"kid": "2"}
    assert sign_in(house, provider).status_code == 303
    assert provider.asked.count("/keys") == 2


def test_a_state_counts_once_and_in_its_own_browser_alone(house, provider):
    browser = house.web.browser()
    brought = provider.sign_in(begin(browser))
    victim = house.web.browser()
    begin(victim)
    stolen = come_back(victim, brought)  # an attacker's link would sign a victim in as the attacker
    assert (stolen.status_code, "begin again" in stolen.text) == (403, True)
    assert come_back(browser, brought).status_code == 403, "it was taken"
    brought = provider.sign_in(begin(browser))
    assert come_back(browser, brought).status_code == 303
    assert come_back(browser, brought).status_code == 403
    assert come_back(browser, {"state": "made up", "code": "x"}).status_code == 403
    assert come_back(browser, {}).status_code == 403


def test_a_state_ends(house, provider):
    browser = house.web.browser()
    brought = provider.sign_in(begin(browser))
    house.clock.pass_(minutes=11)
    assert come_back(browser, brought).status_code == 403


def test_who_was_refused_there_is_told_so(house, provider):
    browser = house.web.browser()
    state = provider.sign_in(begin(browser))["state"]
    answer = come_back(browser, {"state": state, "error": "access_denied<script>"})
    assert answer.status_code == 403
    assert "did not sign you in" in answer.text
    assert "<script>" not in answer.text.partition("<main")[2]


def test_an_account_that_was_disabled_here_stays_out(house, provider):
    sign_in(house, provider)
    accounts.change_state(house.database, "anna", AccountState.DISABLED)
    answer = sign_in(house, provider)
    assert (answer.status_code, "is disabled" in answer.text) == (403, True)


def test_a_name_at_the_provider_gives_no_account_with_a_password(house, provider):
    house.add("anna", "administer")
    assert sign_in(house, provider).status_code == 303
    assert house.find("anna").roles == {"administer"}
    assert house.find("anna@127.0.0.1").roles == {"review"}
    assert sessions.count(house.database, house.find("anna").id) == 0


def test_an_account_of_the_provider_has_no_password_here(house, provider):
    sign_in(house, provider)
    for password in ("", "nobody has this password", "x"):
        assert house.enter(house.web.browser(), "anna", password).status_code == 401


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"token_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "file:///etc/passwd"},
    ],
)
def test_a_provider_that_points_elsewhere_is_not_followed(house, provider, discovery):
    provider.discovery = discovery
    assert house.web.browser().get("/sign-in/provider").status_code == 503


def test_a_provider_that_is_away_keeps_nobody_with_a_password_out(house, provider):
    house.add("bert")
    provider.token_status = 500
    assert sign_in(house, provider).status_code == 503
    assert house.enter(house.web.browser(), "bert").status_code == 303


def test_without_a_provider_there_is_no_such_page(new_house):
    house = new_house()
    for path in ("/sign-in/provider", "/sign-in/provider/return"):
        assert house.web.client.get(path).status_code == 404


def test_it_leads_to_no_other_host(house, provider):
    browser = house.web.browser()
    answer = come_back(browser, provider.sign_in(begin(browser, "//evil.example")))
    assert answer.headers["location"] == "/"
