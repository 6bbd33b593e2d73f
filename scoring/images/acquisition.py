"""The acquisition of a series according to its header: the facts on which the score and its quality depend."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from pydicom.dataset import Dataset

from dicom import elements
from dicom.dates import scan_date
from scoring.images.slices import Slice

# the thresholds of the Agatston score hold at this tube voltage on multi-detector CT
REFERENCE_KVP: Final = 120
# seen in the field: reconstruction at 70 % of the cardiac cycle; mean heart rate during the scan
_TRIGGER = re.compile(r"TP\d+PC\d+|OSCRATEAVG\d+BPM")
# PS3.3 C.7.6.18.1: the second means that no gating is applied
_NOT_GATED = ("", "NONE", "REALTIME")


@dataclass(frozen=True, slots=True)
class Acquisition:
    """Facts from one header, "" or None where it gives none. Units: kV, mAs, mm.

    `mass_factor_patient` (0018,9351) and `mass_factor_device` (0018,9352; small, medium, large) are
    (mg/cm3)/HU as stored. `contrast` and `contrast_route` describe a contrast agent. `gated` says that the header
    records synchronization with the heart; False means not known. `kernel` has all values of Convolution
    Kernel (0018,1210), separated by backslashes; `energy_kev` is that of a virtual monoenergetic image (0018,937C),
    `algorithm` Reconstruction Algorithm (0018,9315); `lossy` says that the pixels were once compressed with loss
    (0028,2110); `descriptions` are free text about the images. `date` is that of the scan (YYYY-MM-DD),
    `field_of_view_mm` Reconstruction Diameter (0018,1100), `header` the data set without pixels.
    """

    kvp: float | None
    exposure_mas: float | None
    kernel: str
    manufacturer: str
    model: str
    contrast: str
    contrast_route: str
    gated: bool
    mass_factor_patient: float | None
    mass_factor_device: tuple[float, ...]
    image_type: tuple[str, ...] = ()
    energy_kev: float | None = None
    algorithm: str = ""
    lossy: bool = False
    descriptions: tuple[str, ...] = ()
    date: str | None = None
    field_of_view_mm: float | None = None
    header: Dataset = field(default_factory=Dataset, repr=False, compare=False)


def read_acquisition(item: Slice) -> Acquisition:
    """Read the header of the file that holds `item`; everything is unknown when it can no longer be read."""
    dataset = elements.opened(item.path)
    return _read(dataset if dataset is not None else Dataset(), item)


def _read(dataset: Dataset, item: Slice) -> Acquisition:
    places = _find_groups(dataset, item)

    def text(keyword: str) -> str:
        return next((value for place in places if (value := elements.text(place, keyword))), "")

    def number(keyword: str) -> float | None:
        return next((value for place in places if (value := elements.number(place, keyword)) is not None), None)

    kernels = ("\\".join(elements.texts(place, "ConvolutionKernel")) for place in places)
    device = (elements.numbers(place, "CalciumScoringMassFactorDevice") for place in places)
    agent, route = _read_contrast(dataset)
    scanned = scan_date(dataset)
    return Acquisition(
        kvp=item.kvp if item.kvp is not None else number("KVP"),
        exposure_mas=number("Exposure") or number("ExposureInmAs"),
        kernel=item.kernel or next((value for value in kernels if value), ""),
        manufacturer=text("Manufacturer"),
        model=text("ManufacturerModelName"),
        contrast=agent,
        contrast_route=route,
        gated=any(_is_gated(place) for place in places),
        mass_factor_patient=number("CalciumScoringMassFactorPatient"),
        mass_factor_device=next((value for value in device if value), ()),
        image_type=item.image_type,
        energy_kev=number("MonoenergeticEnergyEquivalent"),
        algorithm=text("ReconstructionAlgorithm"),
        lossy=text("LossyImageCompression") == "01",
        descriptions=tuple(value for keyword in ("SeriesDescription", "ImageComments") if (value := text(keyword))),
        date=None if scanned is None else scanned.isoformat(),
        field_of_view_mm=number("ReconstructionDiameter"),
        header=dataset,
    )


def _find_groups(dataset: Dataset, item: Slice) -> list[Dataset]:
    """The data sets that can hold a fact: the header, the frame's and the shared functional groups (PS3.3 C.8.15.3)."""
    energies = elements.inner(dataset, "MultienergyCTCharacteristicsSequence")
    places = [dataset] if energies is None else [dataset, energies]
    frames = elements.value(dataset, "PerFrameFunctionalGroupsSequence")
    groups = [frames[item.frame - 1]] if item.frame is not None and frames else []
    shared = elements.inner(dataset, "SharedFunctionalGroupsSequence")
    for group in (*groups, *(() if shared is None else (shared,))):
        # a converted image keeps attributes without a macro of their own as unassigned ones (C.7.6.16.2.25)
        for name in (
            "CTXRayDetailsSequence",
            "CTExposureSequence",
            "CTReconstructionSequence",
            "MultienergyCTCharacteristicsSequence",
            "CardiacSynchronizationSequence",
            "UnassignedPerFrameConvertedAttributesSequence",
            "UnassignedSharedConvertedAttributesSequence",
        ):
            group_item = elements.inner(group, name)
            if group_item is not None:
                places.append(group_item)
    return places


def _is_gated(place: Dataset) -> bool:
    """Cardiac Synchronization (PS3.3 C.7.6.18), or the trigger that a scanner writes among its Scan Options."""
    if elements.text(place, "CardiacSynchronizationTechnique").upper() not in _NOT_GATED:
        return True
    rates = ("HeartRate", "CardiacRRIntervalSpecified", "NominalPercentageOfCardiacPhase")
    if any(elements.number(place, keyword) for keyword in rates):
        return True
    return any(_TRIGGER.fullmatch(option) for option in elements.texts(place, "ScanOptions"))


def _read_contrast(dataset: Dataset) -> tuple[str, str]:
    """Agent and route: plain (PS3.3 C.7.6.4), or as the first coded agent (C.7.6.4b)."""
    agent = elements.text(dataset, "ContrastBolusAgent")
    route = elements.text(dataset, "ContrastBolusRoute")
    coded = elements.inner(dataset, "ContrastBolusAgentSequence")
    if coded is not None:
        agent = agent or elements.text(coded, "CodeMeaning")
        way = elements.inner(coded, "ContrastBolusAdministrationRouteSequence")
        route = route or ("" if way is None else elements.text(way, "CodeMeaning"))
    return agent, route
