"""From the files of a series to its case: scored once more, and measured for every weight that a refit may choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.errors import NotScorable
from config.settings import ScoringSettings, SelectionSettings
from scoring import engine, plugins
from scoring.anatomy import Anatomy
from scoring.calibration.case import Case, Floats
from scoring.candidates import agatston, conventions
from scoring.candidates.agatston import Candidate
from scoring.candidates.conventions import Convention
from scoring.images.volume import Volume
from scoring.judgement import mixture, totals, verdicts
from scoring.judgement.evidence import gather
from scoring.judgement.hypotheses import LEARNT
from scoring.judgement.metal import find_metal
from scoring.judgement.verdicts import LOOKED_AT, Observed
from scoring.result import ARTERIES, Score

# lesions' scores are rounded to four digits, and there are at most some hundreds
_REPRODUCED, _ROUNDED = 0.01, 1e-4


@dataclass(slots=True)
class _Seen:
    """A finder of the anatomy that keeps what it was shown and what it found."""

    engine: str
    volume: Volume | None = None
    anatomy: Anatomy | None = None

    def __call__(self, volume: Volume) -> Anatomy:
        self.volume, self.anatomy = volume, plugins.finder(self.engine)(volume)
        return self.anatomy


def observe(files: Sequence[Path], scoring: ScoringSettings, selection: SelectionSettings) -> tuple[Case, Score]:
    """Score a series with the shipped weights, and measure its candidates.

    Raises NotScorable when the series cannot be scored, and (internal) when its numbers do not lead to the same score.
    """
    seen = _Seen(scoring.engine)
    score = engine.score(files, scoring, selection, finder=seen)
    if score.status != "scored" or seen.volume is None or seen.anatomy is None:
        verdict = next(flag for flag in score.flags if flag.severity == "reject")
        raise NotScorable(verdict.code, **verdict.values)
    convention = conventions.named(scoring.convention, score.series.kvp, score.series.kernel or "")
    case, _ = measure_case(seen.volume, seen.anatomy, convention, score.series.series_instance_uid)
    total = 0.0 if score.agatston is None else score.agatston.total
    again = case.sum_counted(case.judge())
    if abs(again - total) > _REPRODUCED + _ROUNDED * total:
        raise NotScorable("internal", error=f"its numbers give a score of {again:.2f}, and the engine {total:.2f}")
    return case, score


def measure_case(
    volume: Volume, anatomy: Anatomy, convention: Convention, series_instance_uid: str
) -> tuple[Case, list[Candidate]]:
    """The case of a volume whose anatomy is known, and its candidates: those that some weights could count."""
    found = mixture.part(volume, convention, anatomy.heart, agatston.candidates(volume, convention))
    kept, arrays = _measure(volume, anatomy, found) if found else ([], _NOTHING)
    runs = [np.array(totals.find_stored_runs(volume, item), dtype=np.int64).reshape(-1, 4) for item in kept]
    case = Case(
        series_instance_uid=series_instance_uid,
        convention=convention.name,
        nets=getattr(anatomy, "weights", ""),
        names=arrays.names,
        places=arrays.places,
        looks=arrays.looks,
        fixed_places=arrays.fixed_places,
        fixed_looks=arrays.fixed_looks,
        agatston=np.array([item.agatston for item in kept]),
        arteries=arrays.arteries,
        runs=np.concatenate([np.zeros((0, 4), np.int64), *runs]),
        owner=np.repeat(np.arange(len(kept)), [len(item) for item in runs]),
    )
    return case, kept


@dataclass(frozen=True, slots=True)
class _Arrays:
    names: tuple[str, ...]
    places: Floats
    looks: Floats
    fixed_places: Floats
    fixed_looks: Floats
    arteries: Floats


_NAMES: Final = tuple(sorted({name for evidence in LEARNT.values() for name in evidence}))
_EMPTY: Final = np.zeros((len(_NAMES), 0))
_NOTHING: Final = _Arrays(_NAMES, _EMPTY, _EMPTY, np.zeros(0), np.zeros(0), np.zeros((len(ARTERIES), 0)))


def _measure(volume: Volume, anatomy: Anatomy, found: Sequence[Candidate]) -> tuple[list[Candidate], _Arrays]:
    """The candidates that the fixed hypotheses leave open, looked at whatever the learnt ones say of their place."""
    metal = find_metal(volume, found)
    first = verdicts.observe_places(volume, anatomy, found)
    before = _add_up(first)
    open_ = np.flatnonzero(1 / (1 + np.exp(before)) >= LOOKED_AT)
    second = verdicts.look_closer(volume, anatomy, found, metal, first, open_)
    places, looks = (gather(seen.features, seen.looks, seen.blood_hu) for seen in (first, second))
    likely = first.features.artery[:, open_]
    return [found[index] for index in open_.tolist()], _Arrays(
        names=tuple(places),
        places=np.array([values[open_] for values in places.values()]),
        looks=np.array([values[open_] for values in looks.values()]),
        fixed_places=before[open_],
        fixed_looks=_add_up(second)[open_],
        arteries=likely / np.maximum(likely.sum(axis=0), 1e-9),
    )


def _add_up(seen: Observed) -> NDArray[np.float64]:
    """The logarithm of the odds of all fixed hypotheses together (n,)."""
    values = [logit for group in verdicts.exclude(seen) for logit in group.values()]
    return np.asarray(np.logaddexp.reduce(np.array(values), axis=0), dtype=np.float64)
