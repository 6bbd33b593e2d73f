"""The pages of this room."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from scp.web.overview import events, outbox_page, quarantine_page, series_list, series_page

router: Final = APIRouter()
for part in (events, series_list, series_page, outbox_page, quarantine_page):
    router.include_router(part.router)
