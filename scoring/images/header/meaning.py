"""What the header of an image says about its pixels: how they were made, and in which unit they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset

from dicom import elements

# PS3.3 C.11.1.1.2, and spellings of the same; without a Rescale Type the unit of a CT image is HU (C.8.2.1)
_HOUNSFIELD: Final = (
    "",
    *("HU", "H", "HOUNSFIELD", "HOUNSFIELDUNIT", "HOUNSFIELDUNITS", "HNSF'U"),
    *("HE", "HOUNSFIELDEINHEIT", "HOUNSFIELDEINHEITEN", "UH", "CTNUMBER", "CTNUMBERS"),
)
# not the asterisk: HU* are modified HU
_SIGNS: Final = re.compile(r"[\[\]() .-]+")
_UNSPECIFIED: Final = ("US", "UNSPECIFIED", "UNKNOWN", "NONE", "N/A")

_NO_TECHNIQUE: Final = ("", "NONE", "MIXED")

TAGS: Final = (
    "ImageType",
    "RescaleType",
    "SeriesDescription",
    "ImageComments",
    "DerivationDescription",
    "DerivationCodeSequence",
    "VolumeBasedCalculationTechnique",
    "RealWorldValueMappingSequence",
    "SamplesPerPixel",
)
"""Keywords of what is read here of a single-frame image; functional groups hold the same for a frame."""

Within = Callable[..., Dataset]
"""Finds the item of a functional group macro by its keywords; a single-frame header is its own and only macro."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """Statements of a header about the pixels of one image, "" or empty where it has none.

    `image_type` has all values of Frame Type and Image Type, each once; `rescale_type` is the unit after rescaling
    (PS3.3 C.11.1.1.2); `technique` is Volume Based Calculation Technique (C.8.16.2.1.3); `derivations` are codes of CID
    7203; `units` are UCUM codes of the real world values; `texts` pairs the name of an element of free text with
    its value.
    """

    image_type: tuple[str, ...] = ()
    rescale_type: str = ""
    technique: str = ""
    derivations: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    samples: int = 1

    @property
    def unit_unspecified(self) -> bool:
        """True if the header says that the unit is not specified (Rescale Type US)."""
        return self.rescale_type in _UNSPECIFIED

    @property
    def foreign_unit(self) -> str:
        """The unit when the header says that the pixels are not in HU; else ""."""
        if not (_is_hounsfield(self.rescale_type) or self.unit_unspecified):
            return self.rescale_type
        # a second unit besides HU is a calibration, not another quantity
        if self.rescale_type in ("", *_UNSPECIFIED) and not any(_is_hounsfield(unit) for unit in self.units):
            return next(iter(self.units), "")
        return ""


def _is_hounsfield(unit: str) -> bool:
    return _SIGNS.sub("", unit.upper()) in _HOUNSFIELD


def read_meaning(dataset: Dataset, image_type: tuple[str, ...], within: Within) -> Meaning:
    """Read what a header says about the pixels of an image, or of the frame that `within` looks at."""
    derivation = within("DerivationImageSequence")
    codes = elements.value(derivation, "DerivationCodeSequence") or ()
    mapping = within("RealWorldValueMappingSequence")
    mappings = elements.value(mapping, "RealWorldValueMappingSequence") or (mapping,)
    units = (elements.inner(item, "MeasurementUnitsCodeSequence") for item in mappings)
    types = (*image_type, *elements.texts(dataset, "ImageType"))
    # the image's own values speak for all of its frames, or say that they differ (PS3.3 C.8.16.1, C.8.16.2)
    techniques = (
        elements.text(place, "VolumeBasedCalculationTechnique").upper()
        for place in (within("CTImageFrameTypeSequence"), dataset)
    )
    texts = (
        ("Series Description", " ".join(elements.texts(dataset, "SeriesDescription"))),
        ("Image Comments", " ".join(elements.texts(dataset, "ImageComments"))),
        ("Derivation Description", elements.text(derivation, "DerivationDescription")),
    )
    return Meaning(
        image_type=tuple(dict.fromkeys(value.upper() for value in types)),
        rescale_type=elements.text(within("PixelValueTransformationSequence"), "RescaleType").upper(),
        technique=next((value for value in techniques if value not in _NO_TECHNIQUE), ""),
        derivations=tuple(code for item in codes if (code := elements.text(item, "CodeValue"))),
        units=tuple(code for item in units if item is not None and (code := elements.text(item, "CodeValue"))),
        texts=tuple((name, value) for name, value in texts if value),
        samples=int(elements.number(dataset, "SamplesPerPixel") or 1),
    )
