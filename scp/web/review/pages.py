"""The pages of this room."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

router: Final = APIRouter()
