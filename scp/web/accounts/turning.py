"""From a page that needs an account to the sign-in, and back to that page."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from scp.web.accounts.identification import FOR_MACHINES
from scp.web.identity import find_person

SIGN_IN: Final = "/sign-in"
OWN_ACCOUNT: Final = "/account"
_LONGEST_ADDRESS: Final = 2000


def keep_own(address: str) -> str:
    """Return an address within these pages as it is, and "/" for any other: two slashes would name another host."""
    within = address.startswith("/") and not address.startswith("//") and "\\" not in address
    # browsers drop tabs and line breaks before they read an address
    return address if within and address.isprintable() and len(address) <= _LONGEST_ADDRESS else "/"


def turn_to_sign_in(request: Request, status: int) -> Response | None:
    """Answer a refusal for want of an account: by the sign-in page, for machines by how to sign in (RFC 9110, 11.6.1).

    A temporary password leads to the page where it is changed. None where neither would help.
    """
    person = find_person(request)
    must_change = status == 403 and person is not None and person.must_change  # noqa: PLR2004
    if status != 401 and not must_change:  # noqa: PLR2004
        return None
    if request.url.path.startswith(FOR_MACHINES):
        return None if must_change else _challenge(request)
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    target = OWN_ACCOUNT if must_change else SIGN_IN
    if request.headers.get("hx-request"):
        return Response(status_code=status, headers={"HX-Redirect": target})
    if request.method not in {"GET", "HEAD"}:
        return RedirectResponse(target, 303)
    return RedirectResponse(target if must_change else f"{target}?next={quote(asked, safe='/')}", 303)


def _challenge(request: Request) -> Response:
    # a browser would ask for a password by itself, in a window that nobody expects there
    of_page = "sec-fetch-mode" in request.headers
    response = JSONResponse({"error": "sign in first, or show a token or a password in the header"}, 401)
    if not of_page:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Coronode", Basic realm="Coronode", charset="UTF-8"'
    return response
