"""The results of `coronode score` for many series: one JSON file and one CSV row each."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from config.errors import CoronodeError
from scoring.result import ARTERIES, Score

COLUMNS: Final = (
    "path",
    "study_instance_uid",
    "series_instance_uid",
    "status",
    "reason",
    "category",
    "cac_drs",
    "agatston",
    *(f"agatston_{artery}" for artery in ARTERIES),
    "agatston_low",
    "agatston_high",
    "volume_mm3",
    "mass_mg",
    "mass_integrated_mg",
    "lesions",
    "slices",
    "spacing_z_mm",
    "kvp",
    "age_years",
    "sex",
    "group",
    "percentile_band",
    "percentile_estimate",
    "arterial_age_years",
    "ten_year_percent",
    "flags",
    "seconds",
)
# a spreadsheet takes what begins with one of these for a formula, and a header or a file name may hold anything
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_PLAIN_UID: Final = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True, slots=True)
class Row:
    """One series: its score, or the error that prevented it.

    `undocumented` says why its documents were not made; `made_at` is the time that they state.
    """

    path: str
    study_instance_uid: str
    series_instance_uid: str
    score: Score | None
    error: str = ""
    seconds: float = 0.0
    undocumented: str = ""
    made_at: datetime | None = None

    def lines(self) -> tuple[str, ...]:
        """Return a line for a person, and one for each flag."""
        if self.score is None or self.score.agatston is None:
            why = f"failed: {self.error}" if self.score is None else f"not scorable: {self.score.reason}"
            return (f"{self.path}: {why}",)
        agatston = self.score.agatston
        arteries = ", ".join(f"{artery} {agatston.of(artery):.1f}" for artery in ARTERIES)
        flags = (f"    {flag.severity}: {flag.message}" for flag in self.score.flags)
        category = f"category {self.score.category}{_format_percentile(self.score)}"
        return (f"{self.path}: Agatston {agatston.total:.1f} ({arteries}), {category}", *flags)

    def values(self) -> dict[str, object]:
        """Return the CSV row."""
        values: dict[str, object] = {
            "path": self.path,
            "study_instance_uid": self.study_instance_uid,
            "series_instance_uid": self.series_instance_uid,
            "status": "failed" if self.score is None else self.score.status,
            "reason": self.error,
            "seconds": round(self.seconds, 2),
        }
        if self.score is None:
            return values
        score = self.score
        values |= {
            "reason": score.reason or "",
            "slices": score.series.slices,
            "spacing_z_mm": None if score.series.spacing_mm is None else score.series.spacing_mm[0],
            "kvp": score.series.kvp,
            "flags": " ".join(flag.code for flag in score.flags),
        }
        if score.patient is not None:
            values |= {
                "age_years": score.patient.age_years,
                "sex": score.patient.sex,
                "group": score.patient.group,
            }
        if score.percentile is not None:
            values |= {
                "percentile_band": score.percentile.band,
                "percentile_estimate": score.percentile.estimate,
            }
        if score.risk is not None:
            values |= {
                "arterial_age_years": score.risk.arterial_age_years,
                "ten_year_percent": score.risk.ten_year_percent,
            }
        if score.agatston is not None and score.agatston_range is not None and score.volume_mm3 is not None:
            values |= {f"agatston_{artery}": score.agatston.of(artery) for artery in ARTERIES}
            values |= {
                "category": score.category,
                "cac_drs": score.cac_drs,
                "agatston": score.agatston.total,
                "agatston_low": score.agatston_range[0],
                "agatston_high": score.agatston_range[1],
                "volume_mm3": score.volume_mm3.total,
                "mass_mg": None if score.mass_mg is None else score.mass_mg.total,
                "mass_integrated_mg": None if score.mass_integrated_mg is None else score.mass_integrated_mg.total,
                "lesions": len(score.lesions),
            }
        return values


class ScoreTable:
    """A folder with scores.csv and one JSON file per series; each row is written as soon as it is added."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # scores name the patient's series
            self._file = (folder / "scores.csv").open("w", newline="", encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise CoronodeError(f"--out {folder}: cannot be written: {error.strerror}") from error
        self._writer = csv.DictWriter(self._file, COLUMNS)
        self._writer.writeheader()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, row: Row) -> None:
        """Write one series."""
        self._writer.writerow({name: _defuse(value) for name, value in row.values().items()})
        self._file.flush()
        if row.score is not None:
            path = self._folder / f"{choose_file_name(row.series_instance_uid)}.json"
            path.write_text(row.score.to_json(indent=2) + "\n", "utf-8")
            if row.made_at is not None:
                # `coronode report` takes the time from here, so that it makes the same documents again
                os.utime(path, (row.made_at.timestamp(), row.made_at.timestamp()))


def _defuse(value: object) -> object:
    """Return text that begins like a formula as text for every spreadsheet; numbers stay."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _format_percentile(score: Score) -> str:
    """Format the percentile and its population; "" when unknown."""
    percentile = score.percentile
    if percentile is None:
        return ""
    people = f"{percentile.population}: {percentile.group}, {percentile.sex}, {percentile.age_years:g} years"
    return f", percentile {percentile.band} ({people})"


def choose_file_name(series_instance_uid: str) -> str:
    """Return the UID if it is valid, else a hash: a header must not choose a path."""
    plain = _PLAIN_UID.fullmatch(series_instance_uid) and series_instance_uid.strip(".")
    return series_instance_uid if plain else hashlib.sha256(series_instance_uid.encode()).hexdigest()[:32]
