"""The pages of this room."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from scp.web.overview import (
    attention_page,
    audit_page,
    events,
    outbox_page,
    quarantine_page,
    series_list,
    series_page,
    system_page,
)

router: Final = APIRouter()
for part in (
    events,
    series_list,
    series_page,
    attention_page,
    outbox_page,
    quarantine_page,
    system_page,
    audit_page,
):
    router.include_router(part.router)
