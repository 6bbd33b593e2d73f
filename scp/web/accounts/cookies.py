"""The cookies of these rooms: which session a browser is in, and what ties its forms to it.

All are HttpOnly. Over HTTPS they carry the prefix __Host-, so that no other name of the hospital's domain can set them.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response

SESSION: Final = "coronode_session"
BROWSER: Final = "coronode_browser"
"""Ties the forms of a browser in which nobody has signed in to it."""
DEVICE: Final = "coronode_device"
"""Knows a browser again in which somebody has signed in before."""
DEVICE_SECONDS: Final = 90 * 24 * 3600

_HOST: Final = "__Host-"


def read(headers: Headers, name: str, *, secure: bool) -> str:
    """Return a cookie's value, "" where there is none: over HTTPS one without the prefix counts for nothing."""
    return cookie_parser(headers.get("cookie", "")).get(_prefix(name, secure=secure), "")


def write(response: Response, name: str, value: str, *, secure: bool, seconds: int | None = None) -> None:
    """Let an answer set a cookie, until the browser ends or for some seconds."""
    response.set_cookie(
        _prefix(name, secure=secure), value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=secure
    )


def remove(response: Response, name: str, *, secure: bool) -> None:
    """Let an answer take a cookie back."""
    response.delete_cookie(_prefix(name, secure=secure), path="/", httponly=True, samesite="lax", secure=secure)


def format_header(name: str, value: str, *, secure: bool) -> str:
    """Return the header that sets a cookie until the browser ends."""
    response = Response()
    write(response, name, value, secure=secure)
    return response.headers["set-cookie"]


def _prefix(name: str, *, secure: bool) -> str:
    return f"{_HOST}{name}" if secure else name
