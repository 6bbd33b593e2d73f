"""Forged requests: what changes something must carry the token that only a page of this browser's session knows."""

from __future__ import annotations

from typing import Final

from fastapi import HTTPException, Request

from scp.web.accounts.identification import find_caller
from scp.web.accounts.secrets import is_same

HEADER: Final = "x-csrf-token"
FIELD: Final = "csrf_token"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OF_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
"""What a form of another site can send without being asked first (Fetch, CORS-safelisted Content-Type)."""


async def check_forgery(request: Request) -> None:
    """Refuse a request that changes something and has no token, or another browser's.

    DICOMweb with the right of the caller's own header or machine needs none, but must not have the form of a form: that
    another site cannot send without a preflight request, which is never answered. Raises HTTPException 403.
    """
    caller = find_caller(request)
    if request.method in _SAFE or not caller.by_browser:
        return
    content = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if request.url.path.startswith("/dicom-web/") and not caller.session and content and content not in _OF_FORMS:
        return
    given = request.headers.get(HEADER, "")
    if not given and content in _OF_FORMS[:2]:
        field = (await request.form()).get(FIELD, "")
        given = field if isinstance(field, str) else ""
    if not caller.csrf or not is_same(given, caller.csrf):
        raise HTTPException(403, "This form is no longer valid: load its page again. The browser must accept cookies.")
