"""The pages of this room."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from scp.web.accounts import administration_pages, own_pages, provider_pages, sign_in_pages

router: Final = APIRouter()
for part in (sign_in_pages, provider_pages, own_pages, administration_pages):
    router.include_router(part.router)
