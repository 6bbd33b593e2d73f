"""The pages of this room."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from scp.web.validation import deciding, figures, readings

router: Final = APIRouter()
for part in (figures, readings, deciding):
    router.include_router(part.router)
