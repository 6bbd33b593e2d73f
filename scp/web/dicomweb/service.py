"""The routes of DICOMweb."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

router: Final = APIRouter(prefix="/dicom-web")
