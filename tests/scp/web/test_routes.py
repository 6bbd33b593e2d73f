"""Every route there is, also one that is yet to come: who may call it, and that nothing hostile comes through it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import pytest

from config.settings import Settings
from scp.web.app import create_app
from scp.web.identity import ROLES, Person
from scp.web.services import Services

EXPECTED: Final = {
    "everybody": """
        GET /health  GET /ready  GET /metrics  POST /preferences
        GET /sign-in  POST /sign-in  POST /sign-out  GET /sign-in/provider  GET /sign-in/provider/return
    """,
    "whoever has signed in": """
        GET /account  POST /account/password
    """,
    "view": """
        GET /  GET /events  GET /search  POST /search  GET /attention  GET /attention/part
        GET /outbox  GET /outbox/part  GET /quarantine  GET /system  GET /system/part
        GET /validation  GET /validation/coronode-validation.pdf
        GET /series/{series_instance_uid}  GET /series/{series_instance_uid}/part
        GET /series/{series_instance_uid}/report.pdf
        GET /review/{series_instance_uid}  GET /api/reviews/{series_instance_uid}
        GET /dicom-web/studies  GET /dicom-web/series  GET /dicom-web/instances
        GET /dicom-web/studies/{study}/series  GET /dicom-web/studies/{study}/instances
        GET /dicom-web/studies/{study}/series/{series}/instances
        GET /dicom-web/studies/{study}/metadata  GET /dicom-web/studies/{study}/series/{series}/metadata
        GET /dicom-web/studies/{study}/series/{series}/instances/{instance}/metadata
        GET /dicom-web/studies/{study}/series/{series}/instances/{instance}/bulkdata/{path:path}
        GET /dicom-web/studies/{study}  GET /dicom-web/studies/{study}/series/{series}
        GET /dicom-web/studies/{study}/series/{series}/instances/{instance}
        GET /dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}
        GET /dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered
        GET /dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frame}/thumbnail
        GET /dicom-web/studies/{study}/series/{series}/instances/{instance}/rendered
        GET /dicom-web/studies/{study}/series/{series}/instances/{instance}/thumbnail
        GET /dicom-web/studies/{study}/series/{series}/thumbnail  GET /dicom-web/studies/{study}/thumbnail
    """,
    "review": """
        POST /api/reviews/{series_instance_uid}/edits  POST /api/reviews/{series_instance_uid}/undo
        POST /api/reviews/{series_instance_uid}/redo  POST /api/reviews/{series_instance_uid}/restart
        POST /api/reviews/{series_instance_uid}/sign
    """,
    "operate": """
        POST /series/{series_instance_uid}/rescore  POST /series/{series_instance_uid}/restore
        POST /series/{series_instance_uid}/retry
        POST /outbox/retry  POST /outbox/discard  POST /outbox/retry-all  POST /outbox/pause  POST /outbox/resume
        POST /quarantine/release  POST /quarantine/delete  POST /system/echo/{name}
        POST /validation/readings  POST /validation/readings/withdraw  POST /validation/release
    """,
    "administer": """
        GET /system/audit  GET /system/settings.json  POST /validation/go-live  POST /validation/withdraw
        GET /accounts  POST /accounts  POST /accounts/tokens  POST /accounts/tokens/{name}/revoke
        POST /accounts/{name}/roles  POST /accounts/{name}/disable  POST /accounts/{name}/enable
        POST /accounts/{name}/unlock  POST /accounts/{name}/reset
    """,
    "store or operate": """
        POST /dicom-web/studies  POST /dicom-web/studies/{study}
    """,
}
"""Who may call what. A route that is not here fails a test: whoever adds one says here who may call it."""

NEEDED: Final = {
    " ".join(call): who for who, text in EXPECTED.items() for call in re.findall(r"(GET|POST) (\S+)", text)
}
ENDLESS: Final = {"/events"}
"""Streams of events: an answer to whoever may see them does not end."""


def list_routes(app: Any) -> Iterator[tuple[str, str, Any]]:
    """Method, path with its parameters in braces, and route; HEAD is left out where there is GET."""

    def walk(routes: Any) -> Iterator[tuple[str, str, Any]]:
        for route in routes:
            if hasattr(route, "effective_candidates"):
                yield from walk(route.effective_candidates())
            elif getattr(route, "methods", None):
                for method in sorted(set(route.methods) - ({"HEAD"} if "GET" in route.methods else set())):
                    yield method, route.path, route

    return walk(app.router.routes)


def fill(path: str, /, **values: str) -> str:
    """A path with its parameters filled: by name, else by "1"."""
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: values.get(found[1], "1"), path)


CALLS: Final = sorted(
    {f"{method} {path}" for method, path, _ in list_routes(create_app(Services(Settings(), *[None] * 4)))}  # type: ignore[arg-type]
)


def may(person: Person | None, who: str) -> bool:
    if who == "everybody":
        return True
    if person is None:
        return False
    return who == "whoever has signed in" or any(person.may(role) for role in who.split(" or "))  # type: ignore[arg-type]


def test_every_route_says_who_may_call_it():
    assert [call for call in CALLS if call not in NEEDED] == []


@pytest.mark.parametrize("role", [None, *ROLES])
def test_every_route_is_open_to_those_alone(web, role):
    anybody = web.sign_in("administer", name="somebody")
    assert anybody.get("/accounts").status_code == 200
    browser = web.browser() if role is None else web.sign_in(role)
    person = None if role is None else Person(role, "", frozenset({role}))
    wrong = []
    for call in CALLS:
        method, path = call.split()
        if path in ENDLESS and may(person, NEEDED.get(call, "nobody")):
            continue
        answer = browser.request(method, fill(path))
        turned = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")
        refused = answer.status_code in {401, 403} or (turned and path not in {"/sign-in", "/sign-out"})
        if call in {"POST /sign-in", "GET /sign-in/provider/return"}:
            refused = False  # they say so themselves that nobody was signed in
        if call == "POST /sign-out" and role is not None:
            browser = web.sign_in(role)
        if refused == may(person, NEEDED.get(call, "nobody")):
            wrong.append((call, answer.status_code))
    assert wrong == []


HOSTILE: Final = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}"


@pytest.fixture
def hostile(web, receive_scan) -> str:
    """A scan whose every text is hostile; its Series Instance UID."""
    return receive_scan(
        web.services,
        PatientName=HOSTILE,
        PatientID=HOSTILE,
        SeriesDescription=HOSTILE,
        StudyDescription=HOSTILE,
        AccessionNumber=HOSTILE,
        StationName=HOSTILE,
        Manufacturer=HOSTILE,
        ManufacturerModelName=HOSTILE,
        InstitutionName=HOSTILE,
        ProtocolName=HOSTILE,
    )


def test_no_page_has_a_script_from_a_header(web, hostile):
    """Stored cross-site scripting: names and descriptions come from whoever sends images."""
    seen = []
    for method, path, _ in list_routes(web.client.app):
        if method == "GET" and path not in ENDLESS:
            answer = web.client.get(fill(path, series_instance_uid=hostile, series=hostile))
            if answer.headers.get("content-type", "").startswith("text/html"):
                assert "<script>alert" not in answer.text, path
                assert "<img src=x" not in answer.text, path
                seen.append("&lt;script&gt;alert(1)" in answer.text)
    assert any(seen), "the list of series shows the name"


def test_no_page_has_a_script_from_an_address_or_a_form(web, hostile):
    """Reflected: whatever a link or a form of another site brings."""
    web.client.headers["Sec-Fetch-Site"] = "same-origin"
    for method, path, route in list_routes(web.client.app):
        if path in ENDLESS:
            continue
        names = {field.name for field in (*route.dependant.query_params, *route.dependant.body_params)}
        values = dict.fromkeys({*names, "q", "search", "error", "next"}, HOSTILE)
        words = {name: quote(HOSTILE, safe="") for name in re.findall(r"\{(\w+)", path)}
        known = {name: hostile for name in words if "series" in name}
        for parts in (words, words | known):
            answer = web.client.request(
                method, fill(path, **parts), params=values, **({"data": values} if method == "POST" else {})
            )
            assert answer.status_code < 500, (method, path)
            if not answer.headers.get("content-type", "").startswith(("application/json", "application/dicom+json")):
                assert "<script>alert" not in answer.text, (method, path)
                assert "<img src=x" not in answer.text, (method, path)
            assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "way",
    [
        "..%2f..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "..\\..\\etc\\passwd",
        "%00",
        "%0d%0aX: y",
        "a" * 5000,
    ],
    ids=["slashes", "dots", "backslashes", "nul", "line break", "long"],
)
def test_no_path_leads_out_of_the_pages(web, way):
    for method, path, _ in list_routes(web.client.app):
        if "{" in path:
            answer = web.client.request(method, fill(path, **dict.fromkeys(re.findall(r"\{(\w+)", path), way)))
            assert answer.status_code < 500, (method, path)
            assert "root:" not in answer.text, (method, path)
            assert "x" not in answer.headers, (method, path)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/built/../../app.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/..%5capp.py",
        "/static/%00",
    ],
)
def test_static_files_are_those_of_their_folder_alone(web, path):
    answer = web.client.get(path)
    assert answer.status_code in {404, 303}
    assert "FastAPI" not in answer.text


@pytest.mark.parametrize("back", ["/\r\nSet-Cookie: a=b", "/\nX: y", "/%0d%0aX:%20y"])
def test_no_header_is_made_of_what_was_sent(web, back):
    for path, field in (("/preferences", "back"), ("/sign-in", "next")):
        answer = web.client.post(path, data={field: back, "theme": "dark", "name": "x", "password": "x"})
        assert "x" not in answer.headers
        assert "a=b" not in answer.headers.get("set-cookie", "")


def test_no_page_can_be_framed_by_another_site(web):
    for path in ("/", "/sign-in", "/accounts", "/nothing"):
        assert "frame-ancestors 'none'" in web.client.get(path).headers["content-security-policy"]
