"""The routes of this room."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from scp.web.review import page

router: Final = APIRouter()
router.include_router(page.router)
