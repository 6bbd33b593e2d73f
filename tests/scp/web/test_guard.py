"""What every request passes: the host that it names, where it comes from, and the headers of every answer."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example"])
def test_a_name_that_is_not_ours_is_refused(web, host):
    # the page of another site lets its own name point to 127.0.0.1
    assert web.browser(host=host).get("/health").status_code == 403


def test_a_configured_name_is_ours(new_web):
    web = new_web(web={"hosts": ("coronode.hospital.example",)})
    assert web.browser(host="coronode.hospital.example").get("/health").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
    ],
)
def test_another_sites_page_changes_nothing(web, headers):
    answer = web.client.post("/preferences", data={"language": "de"}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_our_own_page_may(web):
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8080"}
    answer = web.client.post("/preferences", data={"language": "de"}, headers=headers)
    assert answer.status_code == 303


def test_every_answer_forbids_what_no_page_needs(web):
    for path in ("/health", "/nothing", "/static/coronode.css"):
        headers = web.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "'unsafe-eval'" not in policy
        assert "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"


def test_pages_stay_in_no_cache(web):
    assert web.client.get("/nothing").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("back", ["//evil.example/", "/\\\\evil.example", "https://evil.example/", "\\\\evil"])
def test_a_choice_returns_to_our_own_pages_alone(web, back):
    answer = web.client.post("/preferences", data={"theme": "dark", "back": back})
    assert answer.headers["location"] == "/"


def test_a_page_that_fails_says_so_and_logs_where_without_the_values(web, monkeypatch):
    words = "DOE^JANE"

    def fail(*_: object) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr("scp.web.health.ping", fail)
    browser = web.browser()
    browser._transport.raise_server_exceptions = False
    with capture_logs() as logged:
        answer = browser.get("/ready")
    assert (answer.status_code, "DOE" in answer.text) == (500, False)
    (event,) = [item for item in logged if item["event"] == "a page failed"]
    assert event["error"] == "RuntimeError"
    assert "in ready" in event["exception"]
    assert "DOE" not in str(logged)
