"""Language and colours of the pages, kept in cookies of the reader's browser."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse

from scp.web.accounts.turning import keep_own
from scp.web.rendering import LANGUAGE_COOKIE, LANGUAGES, THEME_COOKIE, THEMES

router: Final = APIRouter()

_YEAR: Final = 365 * 24 * 3600


@router.post("/preferences")
def prefer(
    request: Request,
    language: Annotated[str, Form()] = "",
    theme: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "/",
) -> RedirectResponse:
    """Keep the choice, and return to the page it was made on; what is not a choice changes nothing."""
    response = RedirectResponse(keep_own(back), 303)
    for cookie, value, allowed in ((LANGUAGE_COOKIE, language, LANGUAGES), (THEME_COOKIE, theme, THEMES)):
        if value in allowed:
            secure = request.url.scheme == "https"
            response.set_cookie(cookie, value, max_age=_YEAR, httponly=True, samesite="lax", secure=secure)
    return response
