"""The known truth of a phantom."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from scoring.phantom.calcium import MASS_FACTOR, Deposit
from scoring.phantom.grid import Box, Floats, Point
from scoring.phantom.spec import Calcification
from scoring.result import ARTERIES, Artery, ArteryValues, Category

SCHEMA: Final = "coronode.phantom-truth/1"
THRESHOLD_HU: Final = 130
MINIMUM_AREA_MM2: Final = 1.0


@dataclass(frozen=True, slots=True)
class LesionTruth:
    """One calcification, as built and as the noise-free image shows it.

    `centre_mm` is in patient coordinates (LPS). `volume_mm3` and `mass_mg` (hydroxyapatite) are the solid's own;
    `agatston` and `volume_score_mm3` (counted voxels) are those of the noise-free slices.
    """

    artery: Artery
    centre_mm: Point
    diameter_mm: float
    length_mm: float
    hu: float
    agatston: float
    volume_score_mm3: float
    volume_mm3: float
    mass_mg: float


@dataclass(frozen=True, slots=True)
class DistractorTruth:
    """Calcium or metal that must not be counted; `centre_mm` in patient coordinates (LPS)."""

    kind: str
    centre_mm: Point
    is_metal: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    """The truth of one phantom, as sampled by its scan.

    Agatston: voxels of at least 130 HU that hold coronary calcium in the noise-free slices, 2-D 8-connected
    components of at least 1 mm2, weights 1 to 4 by their maximum, times slice spacing / 3 mm (Agatston et al.,
    J Am Coll Cardiol 1990;15:827). Thin slices are averaged into slabs of about 3 mm, as they are scored. A component
    of several calcifications is shared between them: each has the voxels to which it adds most, and the component's
    score in proportion to its own area times the weight of its own maximum. Contrast does not change the truth, which
    assumes blood at 40 HU. Nor do distractors, even beside the arteries: the truth is that of the coronary calcium
    alone. Volumes in mm3, masses in mg. `refusal` names the refusal that is as correct an answer as the score: "metal"
    for a patient with metal in the heart.
    """

    seed: int
    lesions: tuple[LesionTruth, ...]
    agatston: ArteryValues
    volume_score_mm3: ArteryValues
    volume_mm3: ArteryValues
    mass_mg: ArteryValues
    category: Category
    mass_factor: float
    left_main_mm: Point
    distractors: tuple[DistractorTruth, ...] = ()
    refusal: str | None = None
    schema: str = SCHEMA

    def to_json(self) -> str:
        """Return the truth as JSON text, `schema` first."""
        values = dataclasses.asdict(self)
        return json.dumps({"schema": values.pop("schema"), **values}, indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read the output of `to_json`; raise ValueError for anything else."""
        values = json.loads(text)
        if not isinstance(values, dict) or values.get("schema") != SCHEMA:
            raise ValueError(f"not a phantom's truth: this version reads {SCHEMA!r}")
        try:
            totals = {n: ArteryValues(**values[n]) for n in ("agatston", "volume_score_mm3", "volume_mm3", "mass_mg")}
            lesions = tuple(LesionTruth(**_with_point(v, "centre_mm")) for v in values["lesions"])
            distractors = tuple(DistractorTruth(**_with_point(v, "centre_mm")) for v in values["distractors"])
            rest = _with_point(values, "left_main_mm") | totals
            return cls(**rest | {"lesions": lesions, "distractors": distractors})
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a complete phantom's truth: {error}") from error


def _with_point(values: dict[str, Any], name: str) -> dict[str, Any]:
    return values | {name: tuple(values[name])}


@dataclass(frozen=True, slots=True)
class Placed:
    """A calcification with its deposit, its centre in patient coordinates and the HU that it adds on a box."""

    lesion: Calcification
    deposit: Deposit
    centre_mm: Point
    rendered: tuple[Box, Floats] | None


def score_calcifications(
    background: Floats, placed: tuple[Placed, ...], spacing_mm: Point
) -> list[tuple[float, float]]:
    """Return Agatston score and counted volume (mm3) of each calcification.

    `background` holds the noise-free slices without calcium and metal.
    """
    scores = np.zeros((len(placed), 2))
    boxes = [p.rendered[0] for p in placed if p.rendered is not None]
    if not boxes:
        return [(0.0, 0.0)] * len(placed)
    window = tuple(slice(min(b[k].start for b in boxes), max(b[k].stop for b in boxes)) for k in range(3))
    total, owner = _add_up(placed, window, background[window].shape)
    hu = np.rint(background[window] + total)
    area, slice_weight = spacing_mm[1] * spacing_mm[2], spacing_mm[0] / 3
    in_plane = np.zeros((3, 3, 3), dtype=bool)
    in_plane[1] = True
    components, _ = ndi.label((hu >= THRESHOLD_HU) & (total > 1), structure=in_plane)
    for part, where in enumerate(ndi.find_objects(components), start=1):
        voxels = components[where] == part
        values, owners = hu[where][voxels], owner[where][voxels]
        size = len(values) * area
        if size < MINIMUM_AREA_MM2 - 1e-9:
            continue
        names, areas = np.unique(owners, return_counts=True)
        shares = areas * np.array([_weight(values[owners == name].max()) for name in names])
        agatston = size * _weight(values.max()) * slice_weight
        scores[names, 0] += agatston * shares / shares.sum()
        scores[names, 1] += areas * area * spacing_mm[0]
    return [(float(agatston), float(volume)) for agatston, volume in scores]


def _add_up(
    placed: tuple[Placed, ...], window: tuple[slice, ...], shape: tuple[int, ...]
) -> tuple[Floats, NDArray[np.int16]]:
    """Return the HU that all calcifications add inside a window, and the one that adds most to each voxel."""
    most = np.zeros(shape, dtype=np.float32)
    total, owner = most.copy(), np.full(shape, -1, dtype=np.int16)
    for number, p in enumerate(placed):
        if p.rendered is None:
            continue
        box, hu = p.rendered
        here = tuple(slice(b.start - w.start, b.stop - w.start) for b, w in zip(box, window, strict=True))
        total[here] += hu
        owner[here] = np.where(hu > most[here], number, owner[here])
        most[here] = np.maximum(most[here], hu)
    return total, owner


def _weight(peak: float) -> int:
    return min(4, max(1, int(peak // 100)))


def build_truth(
    *,
    seed: int,
    background: Floats,
    placed: tuple[Placed, ...],
    spacing_mm: Point,
    left_main_mm: Point,
    distractors: tuple[DistractorTruth, ...],
    contrast: float = 1.0,
    refusal: str | None = None,
) -> Truth:
    """Build the truth of a phantom from its noise-free slices without calcium and metal, and its calcifications.

    `contrast` is the attenuation of calcium relative to that at
    120 kVp; `refusal` is as in `Truth`.
    """
    lesions = tuple(
        LesionTruth(
            artery=p.lesion.artery,
            centre_mm=p.centre_mm,
            diameter_mm=p.lesion.diameter_mm,
            length_mm=p.lesion.length_mm or p.lesion.diameter_mm,
            hu=p.lesion.hu,
            agatston=round(agatston, 4),
            volume_score_mm3=round(volume, 4),
            volume_mm3=round(p.deposit.volume_mm3, 4),
            mass_mg=round(p.deposit.mass_mg / contrast, 4),
        )
        for p, (agatston, volume) in zip(placed, score_calcifications(background, placed, spacing_mm), strict=True)
    )
    agatston = _totals(lesions, "agatston")
    return Truth(
        seed=seed,
        lesions=lesions,
        agatston=agatston,
        volume_score_mm3=_totals(lesions, "volume_score_mm3"),
        volume_mm3=_totals(lesions, "volume_mm3"),
        mass_mg=_totals(lesions, "mass_mg"),
        category=_category(agatston.total),
        mass_factor=MASS_FACTOR / contrast,
        left_main_mm=left_main_mm,
        distractors=distractors,
        refusal=refusal,
    )


def _totals(lesions: tuple[LesionTruth, ...], name: str) -> ArteryValues:
    parts = {a: sum((getattr(x, name) for x in lesions if x.artery == a), 0.0) for a in ARTERIES}
    return ArteryValues(total=round(sum(parts.values()), 4), **{a: round(v, 4) for a, v in parts.items()})


def _category(total: float) -> Category:
    if total == 0:
        return "0"
    whole = round(total)
    return "1-100" if whole <= 100 else "101-400" if whole <= 400 else ">400"
