"""The result of scoring one CT series: frozen values and their JSON form.

Lengths are mm, volumes mm3, masses mg, attenuations HU; positions are patient coordinates (LPS,
PS3.3 C.7.6.2.1.1). `Score.to_json` and `Score.from_json` are inverse to each other; the JSON object
names its own form in `schema`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from scoring.result.context import (
    GROUPS,
    Band,
    Change,
    Difference,
    Earlier,
    Group,
    Patient,
    Percentile,
    Risk,
    Sex,
)
from scoring.result.lesion import (
    ARTERIES,
    COUNTED,
    POSSIBLE,
    SURE,
    Artery,
    ArteryValues,
    ImageRef,
    Lesion,
    Range,
    RejectedCandidate,
)
from scoring.result.review import Review
from scoring.result.statement import Flag, Severity, Statement

__all__ = [
    "ARTERIES",
    "CATEGORIES",
    "COUNTED",
    "GROUPS",
    "POSSIBLE",
    "SCHEMA",
    "SURE",
    "Artery",
    "ArteryValues",
    "Band",
    "Category",
    "Change",
    "Difference",
    "Earlier",
    "Flag",
    "Group",
    "ImageRef",
    "Lesion",
    "Patient",
    "Percentile",
    "Provenance",
    "Range",
    "RejectedCandidate",
    "Review",
    "Risk",
    "Score",
    "SeriesInfo",
    "Severity",
    "Sex",
    "Statement",
    "Status",
]

SCHEMA: Final = "coronode.score/1"

Status = Literal["scored", "not_scorable"]
Category = Literal["0", "1-100", "101-400", ">400"]
CATEGORIES: Final[tuple[Category, ...]] = ("0", "1-100", "101-400", ">400")


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """The series that was scored. `spacing_mm` is (z, y, x), z from the slice positions, never from Slice Thickness.

    `date` is that of the scan (YYYY-MM-DD); `gated` means that the header records synchronization with the heart.
    """

    study_instance_uid: str
    series_instance_uid: str
    slices: int
    rows: int
    columns: int
    spacing_mm: tuple[float, float, float] | None
    slice_thickness_mm: float | None = None
    kvp: float | None = None
    exposure_mas: float | None = None
    kernel: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    frame_of_reference_uid: str | None = None
    date: str | None = None
    gated: bool = False
    field_of_view_mm: float | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything that is needed to reproduce the numbers.

    `weights` names the weights of the nets that located the anatomy; None where there were none. `slab_slices` images
    were averaged into each slice that was scored, `slab_mm` apart; 1 and None where the images were scored themselves.
    `mass_integrated_method` says how the mass without a threshold was measured; None where it was not. `calibration`
    names the site's own weights of the judgement; None where the shipped ones decided.
    """

    software: str
    version: str
    engine: str
    convention: str
    threshold_hu: float
    minimum_area_mm2: float
    connectivity: int
    volume_definition: str
    mass_factor: float | None = None
    mass_factor_origin: Statement | None = None
    weights: str | None = None
    slab_slices: int = 1
    slab_mm: float | None = None
    mass_integrated_method: str | None = None
    calibration: str | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """The answer for one series: numbers when `status` is scored, else a reason and no number.

    `agatston`, `agatston_range`, `volume_mm3`, `category` and `cac_drs` are None when not scorable; `mass_mg` (counted
    voxels) and `mass_integrated_mg` (without a threshold) are also None when no calibration factor is known.
    `reason_code` and `reason` are code and message of the flag that rejected the series. `rejected` are the largest
    candidates near the heart that were not counted, `rejected_left_out` is how many more there were. `review` is None
    until a reader has signed: then `lesions` and everything that follows from them are the reader's.
    """

    status: Status
    reason: str | None
    series: SeriesInfo
    agatston: ArteryValues | None
    agatston_range: tuple[float, float] | None
    volume_mm3: ArteryValues | None
    mass_mg: ArteryValues | None
    lesions: tuple[Lesion, ...]
    category: Category | None
    cac_drs: str | None
    percentile: Percentile | None
    change: Change | None
    flags: tuple[Flag, ...]
    provenance: Provenance
    rejected: tuple[RejectedCandidate, ...] = ()
    rejected_left_out: int = 0
    patient: Patient | None = None
    risk: Risk | None = None
    reason_code: str | None = None
    mass_integrated_mg: ArteryValues | None = None
    review: Review | None = None
    schema: str = field(default=SCHEMA)

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries and lists of the schema `coronode.score/1`, `schema` first."""
        from scoring.result import json_form  # noqa: PLC0415  # it imports this module

        return json_form.to_plain(self)

    def to_json(self, indent: int | None = None) -> str:
        """JSON text of the schema `coronode.score/1`."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    @staticmethod
    def from_json(text: str | bytes) -> Score:
        """Read what `to_json` wrote, in this version or in 0.1.0.

        Raises ValueError, which names the place, when the text is not JSON, names another schema, lacks a field or
        holds a value that the schema does not allow.
        """
        from scoring.result import json_form  # noqa: PLC0415  # pydantic is loaded when a result is read

        return json_form.parse(text)
