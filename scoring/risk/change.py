"""What became of the calcium since an earlier scan of the same patient."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier score. `date` is ISO 8601 (YYYY-MM-DD); units are those of the result; None where it does not say.

    `origin` says where it was found: "index", "received SR" or the peer it was fetched from.
    """

    date: str
    agatston: float
    volume_mm3: float | None
    mass_mg: float | None
    origin: str
    study_instance_uid: str = ""
    sop_instance_uid: str = ""
    slice_thickness_mm: float | None = None
    spacing_mm: float | None = None
    kvp: float | None = None
    kernel: str | None = None
    scanner: str | None = None
    software: str | None = None
    convention: str | None = None
    gated: bool | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one quantity, in its unit: now minus then, per year, and the 95 % limit of a repeated scan.

    `per_year` is None when the scans are too close together; `limit` is None where none is published.
    `exceeds_limit` is None without a limit.
    """

    then: float
    now: float
    absolute: float
    per_year: float | None
    limit: float | None
    exceeds_limit: bool | None


@dataclass(frozen=True, slots=True)
class Change:
    """The comparison with the latest earlier scan; `history` holds all earlier scores, the oldest first.

    `interval_days` is positive. `root_volume` is the difference of the square roots of the volumes (mm3 ** 0.5) and
    `progression` whether it reaches 2.5. `differences` names what was not alike in the two scans. `citations` belong to
    the limits. `bmi` and `bmi_origin` went into them.
    """

    date: str
    interval_days: int
    agatston: Difference
    volume_mm3: Difference | None
    mass_mg: Difference | None
    root_volume: float | None
    progression: bool | None
    differences: tuple[str, ...]
    notes: tuple[str, ...]
    citations: tuple[str, ...]
    bmi: float
    bmi_origin: str
    history: tuple[Earlier, ...]
