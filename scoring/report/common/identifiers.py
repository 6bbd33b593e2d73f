"""UIDs derived from what a document was made from, so that a repeated build is the same object."""

from __future__ import annotations

from typing import Final

from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage, EnhancedSRStorage

from config.results import DocumentKind, SrTemplate
from dicom.uids import derived_uid

DEVICE_UID: Final = derived_uid("device")

SR_SOP_CLASSES: Final[dict[SrTemplate, str]] = {
    "tid1500": ComprehensiveSRStorage,
    "tid1500-3d": Comprehensive3DSRStorage,
    "tid3900": EnhancedSRStorage,
}
"""SOP class of each form of the report, the usual one first."""


def sr_series_uid(source_series: str) -> str:
    """Series Instance UID of every version and form of the SR of one source series."""
    return derived_uid(source_series, "sr")


def sr_instance_uid(source_series: str, version: int, template: SrTemplate = "tid1500") -> str:
    """SOP Instance UID of one version of the SR in one of its forms."""
    if template == "tid1500":
        return derived_uid(source_series, "sr", version)
    return derived_uid(source_series, "sr", template, version)


def overlay_series_uid(source_series: str, version: int) -> str:
    """Series Instance UID of one version of the pictures, a series each, so that no viewer mixes them."""
    return derived_uid(source_series, "overlay", version)


def overlay_instance_uid(source_series: str, version: int, page: int) -> str:
    """SOP Instance UID of one page (from 1) of the pictures."""
    return derived_uid(source_series, "overlay", version, page)


def seg_series_uid(source_series: str, version: int) -> str:
    """Series Instance UID of one version of the segmentation."""
    return derived_uid(source_series, "seg", version)


def seg_instance_uid(source_series: str, version: int) -> str:
    """SOP Instance UID of one version of the segmentation."""
    return derived_uid(source_series, "seg", version, 1)


def pdf_series_uid(source_series: str, kind: DocumentKind) -> str:
    """Series Instance UID of every version of the report (kind "pdf") or the letter (kind "letter") as PDF."""
    return derived_uid(source_series, kind)


def pdf_instance_uid(source_series: str, kind: DocumentKind, version: int) -> str:
    """SOP Instance UID of one version of the report or the letter as PDF."""
    return derived_uid(source_series, kind, version)
