"""The result of scoring one CT series: frozen values and their JSON form.

Lengths are mm, volumes mm3, masses mg, attenuations HU; positions are patient coordinates (LPS,
PS3.3 C.7.6.2.1.1). `Score.to_json` and `Score.from_json` are inverse to each other; the JSON object
names its own form in `schema`.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

from scoring.risk.change import Change, Difference, Earlier
from scoring.risk.patient import Patient
from scoring.risk.percentile import Percentile

SCHEMA: Final = "coronode.score/1"

Artery = Literal["LM", "LAD", "LCX", "RCA"]
ARTERIES: Final[tuple[Artery, ...]] = ("LM", "LAD", "LCX", "RCA")
Status = Literal["scored", "not_scorable"]
Severity = Literal["info", "warning", "reject"]
Category = Literal["0", "1-100", "101-400", ">400"]
CATEGORIES: Final[tuple[Category, ...]] = ("0", "1-100", "101-400", ">400")


@dataclass(frozen=True, slots=True)
class ArteryValues:
    """One quantity for the whole tree and for each artery, in the unit of the field that holds it."""

    total: float = 0.0
    LM: float = 0.0
    LAD: float = 0.0
    LCX: float = 0.0
    RCA: float = 0.0

    def of(self, artery: Artery) -> float:
        """Value of one artery."""
        return float(getattr(self, artery))


@dataclass(frozen=True, slots=True)
class ImageRef:
    """One slice of the source: its index in the sorted volume, its SOP Instance UID, its frame.

    `frame` counts from 1 and is None for a single-frame image.
    """

    slice: int
    sop_instance_uid: str
    frame: int | None = None


@dataclass(frozen=True, slots=True)
class Lesion:
    """A three-dimensional calcification (26-connected) and what it adds to the score.

    `artery` is None where a mask names none: such a lesion counts in the totals alone.
    `centroid_mm` is (x, y, z) in patient coordinates. `runs` are the counted voxels as
    (slice, stored row, first stored column, length), sorted, so that every document can show exactly what was counted.
    """

    id: int
    artery: Artery | None
    confidence: float
    agatston: float
    volume_mm3: float
    mass_mg: float | None
    max_hu: float
    mean_hu: float
    centroid_mm: tuple[float, float, float]
    slices: tuple[int, ...]
    images: tuple[ImageRef, ...] = ()
    runs: tuple[tuple[int, int, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class RejectedCandidate:
    """Something bright near the heart that was not counted, and what speaks most against it.

    `confidence` (0..1) is that it is coronary calcium all the same; `centroid_mm` and `slices` as in `Lesion`.
    """

    id: int
    agatston: float
    volume_mm3: float
    max_hu: float
    centroid_mm: tuple[float, float, float]
    slices: tuple[int, ...]
    confidence: float
    reason: str


@dataclass(frozen=True, slots=True)
class Flag:
    """Something that a reader of the score should know; `reject` made the series not scorable."""

    code: str
    severity: Severity
    message: str


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """What was scored. `spacing_mm` is (z, y, x), z from the slice positions, never from Slice Thickness.

    `date` is that of the scan (YYYY-MM-DD); `gated` says that the header tells of synchronization with the heart.
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
    """How the numbers were made: enough to make them again.

    `weights` names the weights of the nets that found the anatomy; None where there were none.
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
    mass_factor_origin: str | None = None
    weights: str | None = None


@dataclass(frozen=True, slots=True)
class Risk:
    """What follows from the total by published tables. Each `reason` says why its value is None.

    `arterial_age_years` by McClelland 2009; `ten_year_percent` is the MESA risk of coronary heart disease within ten
    years, `ten_year_without_percent` the same without the score.
    """

    arterial_age_years: float | None = None
    ten_year_percent: float | None = None
    ten_year_without_percent: float | None = None
    ten_year_reason: str = ""
    percentile_reason: str = ""
    change_reason: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """The answer for one series: numbers when `status` is scored, else `reason` and no number.

    `agatston`, `agatston_range`, `volume_mm3`, `category` and `cac_drs` are None when not scorable;
    `mass_mg` is also None when no calibration factor is known. `rejected` are the largest candidates near the
    heart that were not counted, `rejected_left_out` is how many more there were.
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
    schema: str = field(default=SCHEMA)

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries and lists, `schema` first."""
        values = dataclasses.asdict(self)
        return {"schema": values.pop("schema"), **values}

    def to_json(self, indent: int | None = None) -> str:
        """JSON text of the schema `coronode.score/1`."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` wrote, also before it held rejected candidates or weights.

        Raises ValueError when the text is not JSON, names another schema or lacks a field.
        """
        values = json.loads(text)
        if not isinstance(values, dict) or values.get("schema") != SCHEMA:
            found = values.get("schema") if isinstance(values, dict) else type(values).__name__
            raise ValueError(f"not a score: schema is {found!r}, this version reads {SCHEMA!r}")
        try:
            return cls(
                **values
                | {
                    "series": SeriesInfo(**_tuples(values["series"], "spacing_mm")),
                    "agatston": _values(values["agatston"]),
                    "agatston_range": _tuple(values["agatston_range"]),
                    "volume_mm3": _values(values["volume_mm3"]),
                    "mass_mg": _values(values["mass_mg"]),
                    "lesions": tuple(_lesion(lesion) for lesion in values["lesions"]),
                    "flags": tuple(Flag(**flag) for flag in values["flags"]),
                    "provenance": Provenance(**values["provenance"]),
                    "percentile": _percentile(values["percentile"]),
                    "change": _change(values["change"]),
                    "patient": None if values.get("patient") is None else Patient(**values["patient"]),
                    "risk": None if values.get("risk") is None else Risk(**values["risk"]),
                    "rejected": tuple(
                        RejectedCandidate(**_tuples(item, "centroid_mm", "slices"))
                        for item in values.get("rejected", ())
                    ),
                }
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a complete score: {error}") from error


def _tuple(value: list[Any] | None) -> Any:
    return None if value is None else tuple(value)


def _tuples(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return values | {name: _tuple(values[name]) for name in names}


def _values(value: dict[str, float] | None) -> ArteryValues | None:
    return None if value is None else ArteryValues(**value)


def _lesion(values: dict[str, Any]) -> Lesion:
    return Lesion(
        **_tuples(values, "centroid_mm", "slices")
        | {
            "images": tuple(ImageRef(**image) for image in values["images"]),
            "runs": tuple(tuple(run) for run in values["runs"]),
        }
    )


def _percentile(values: dict[str, Any] | None) -> Percentile | None:
    return None if values is None else Percentile(**_tuples(values, "caveats"))


def _change(values: dict[str, Any] | None) -> Change | None:
    if values is None:
        return None

    def difference(name: str) -> Difference | None:
        return None if values[name] is None else Difference(**values[name])

    named = {name: difference(name) for name in ("agatston", "volume_mm3", "mass_mg")}
    history = tuple(Earlier(**item) for item in values["history"])
    return Change(**_tuples(values, "differences", "notes", "citations") | named | {"history": history})
