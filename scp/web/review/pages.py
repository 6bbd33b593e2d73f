"""The routes of this room."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from scp.web.review import api, page

router: Final = APIRouter()
router.include_router(page.router)
router.include_router(api.router)
