"""The score in context: the patient, comparison with a population, risk, and the change since an earlier scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from scoring.result.statement import Statement

Sex = Literal["female", "male"]
Group = Literal["white", "chinese", "black", "hispanic"]
GROUPS: Final[tuple[Group, ...]] = ("white", "chinese", "black", "hispanic")

Band = Literal["no calcium", "under 25th", "25th-50th", "50th-75th", "75th-90th", ">90th"]
BAND_ENDS: Final[Mapping[Band, tuple[int | None, int | None]]] = MappingProxyType(
    {
        "no calcium": (None, None),
        "under 25th": (None, 25),
        "25th-50th": (25, 50),
        "50th-75th": (50, 75),
        "75th-90th": (75, 90),
        ">90th": (90, None),
    }
)
"""The percentiles between which each band lies; None where it is open."""


@dataclass(frozen=True, slots=True)
class Patient:
    """Facts about the patient that risk tables ask for, None where unknown.

    `age_years` is the age at the scan. `group` is a population group of the risk tables and is never guessed;
    `group_origin` says where it is from: "command line", "header" or "configuration". `bmi` is kg/m2.
    """

    age_years: float | None = None
    sex: Sex | None = None
    group: Group | None = None
    group_origin: str = ""
    bmi: float | None = None


@dataclass(frozen=True, slots=True)
class Percentile:
    """The percentile of a score in a named population.

    `population` names the table ("MESA"), `group`, `sex` and `age_years` the people compared with. `estimate` is a
    whole per cent, 0 for no calcium, None above the table's last percentile; `band` names the two percentiles between
    which the score lies. `p_nonzero_percent` have any calcium; `p25` to `p90` are Agatston scores. `caveats` appear
    beside the number.
    """

    population: str
    citation: str
    group: str
    sex: str
    age_years: float
    estimate: int | None
    band: Band
    p_nonzero_percent: float
    p25: float
    p50: float
    p75: float
    p90: float
    caveats: tuple[Statement, ...] = ()

    @property
    def band_ends(self) -> tuple[int | None, int | None]:
        """Lower and upper percentile of the band, None where it is open; both None without calcium."""
        return BAND_ENDS[self.band]


@dataclass(frozen=True, slots=True)
class Risk:
    """Published estimates that follow from the total. Each `reason` says why its value is missing.

    `arterial_age_years` by McClelland 2009; `ten_year_percent` is the MESA risk of coronary heart disease within ten
    years, `ten_year_without_percent` the same without the score. `change_reason` is followed by remarks on the search
    for earlier scores.
    """

    arterial_age_years: float | None = None
    ten_year_percent: float | None = None
    ten_year_without_percent: float | None = None
    ten_year_reason: Statement | None = None
    percentile_reason: Statement | None = None
    change_reason: tuple[Statement, ...] = ()


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
    volume_definition: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Change of one quantity, in its unit: now minus then, per year, and the 95 % limit of a repeated scan.

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
    `progression` whether it reaches 2.5. `differences` names what differs between the two scans. `citations` belong to
    the limits, for which `bmi` (kg/m2) was used; `bmi_origin` is "header" or "assumed".
    """

    date: str
    interval_days: int
    agatston: Difference
    volume_mm3: Difference | None
    mass_mg: Difference | None
    root_volume: float | None
    progression: bool | None
    differences: tuple[Statement, ...]
    notes: tuple[Statement, ...]
    citations: tuple[Statement, ...]
    bmi: float
    bmi_origin: str
    history: tuple[Earlier, ...]
