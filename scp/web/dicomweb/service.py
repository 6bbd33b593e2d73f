"""The routes of DICOMweb."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from scp.web.dicomweb import bulkdata, metadata, rendered, retrieve, search, store
from scp.web.dicomweb.resources import PREFIX

router: Final = APIRouter(prefix=PREFIX)
for part in (search, store, metadata, retrieve, rendered, bulkdata):
    router.include_router(part.router)
