"""The technique of the scan, as numbers, codes and names in the report: written and read by one table.

The items have a container of their own, CT Acquisition Parameters (113822, DCM). Public codes are those of the
templates of radiation dose and image library (PS3.16 TID 10013, TID 1021, TID 1604). Kernel, field of view, number of
slices and gating have none and are of the private scheme.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dicom import elements
from dicom.coding import Code
from scoring.report.sr import codes
from scoring.report.sr.quantities import Quantity
from scoring.report.sr.tree import Item, read_code, read_number
from scoring.result import SeriesInfo


@dataclass(frozen=True, slots=True)
class Technique:
    """The technique that a report states, None where it states none; kV and mm.

    Thickness and spacing are those of the slices that were scored, where images were averaged those of the slabs.
    `scanner` is maker and model; `gated` whether the images' header named synchronization with the heart.
    """

    kvp: float | None = None
    kernel: str | None = None
    scanner: str | None = None
    slice_thickness_mm: float | None = None
    spacing_mm: float | None = None
    gated: bool | None = None


def numbers(series: SeriesInfo, slab_mm: float | None = None) -> list[Quantity]:
    """Everything known about tube and geometry; `slab_mm` is the thickness of slabs where images were averaged."""
    z, y, x = series.spacing_mm or (None, None, None)
    known = (
        (codes.KVP, series.kvp, codes.KILOVOLT),
        (codes.EXPOSURE, series.exposure_mas, codes.MILLIAMPERE_SECOND),
        (codes.NUMBER_OF_SLICES, series.slices, codes.SLICES),
        (codes.SLICE_THICKNESS, series.slice_thickness_mm, codes.MILLIMETRE),
        (codes.SLICE_SPACING, z, codes.MILLIMETRE),
        (codes.SLAB, slab_mm, codes.MILLIMETRE),
        (codes.VERTICAL_PIXEL_SPACING, y, codes.MILLIMETRE),
        (codes.HORIZONTAL_PIXEL_SPACING, x, codes.MILLIMETRE),
        (codes.FIELD_OF_VIEW, series.field_of_view_mm, codes.MILLIMETRE),
    )
    return [Quantity(name, value, unit, digits=4) for name, value, unit in known if value is not None]


def names(series: SeriesInfo) -> list[tuple[Code, str]]:
    """Maker and model of the scanner, and the kernel, as the header names them."""
    known = (
        (codes.SCANNER_MANUFACTURER, series.manufacturer),
        (codes.SCANNER_MODEL, series.model),
        (codes.KERNEL, series.kernel),
    )
    return [(name, value) for name, value in known if value]


def gating(series: SeriesInfo) -> tuple[Code, Code]:
    """Coded statement on whether the header records cardiac gating."""
    return codes.GATING, codes.YES if series.gated else codes.NO


def read_technique(items: Sequence[Item]) -> Technique | None:
    """The technique of a content tree; None where it has no such container."""
    container = next((item for item in items if item.name == codes.CT_ACQUISITION_PARAMETERS), None)
    if container is None:
        return None

    def number(name: Code, unit: Code) -> float | None:
        child = container.child(name)
        value, stated = (None, "") if child is None else read_number(child)
        return value if stated == unit.value else None

    def name_of(name: Code) -> str:
        child = container.child(name)
        return "" if child is None else elements.text(child, "TextValue")

    scanner = " ".join(filter(None, (name_of(codes.SCANNER_MANUFACTURER), name_of(codes.SCANNER_MODEL))))
    gated = container.child(codes.GATING)
    stated = None if gated is None else read_code(gated, "ConceptCodeSequence")
    slab_mm = number(codes.SLAB, codes.MILLIMETRE)
    return Technique(
        kvp=number(codes.KVP, codes.KILOVOLT),
        kernel=name_of(codes.KERNEL) or None,
        scanner=scanner or None,
        slice_thickness_mm=slab_mm or number(codes.SLICE_THICKNESS, codes.MILLIMETRE),
        spacing_mm=slab_mm or number(codes.SLICE_SPACING, codes.MILLIMETRE),
        gated=None if stated is None else stated == codes.YES,
    )
