"""The whole refit: from cases with a reader's answers to weights, what they gain, and whether that can be believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self

from scoring.calibration.figures import Answer, Comparison
from scoring.calibration.fit import Fitter
from scoring.calibration.holdout import hold_out, tell_nobody
from scoring.calibration.truth import Example
from scoring.judgement.calibration import Calibration

FEWEST_PATIENTS: Final = 30
"""With fewer, one patient is more than 3 % of everything, and intervals by drawing patients again are too narrow."""
FEWEST_WITH_CALCIUM: Final = 10
"""Whether calcium is missed is learnt from these alone."""

Finding = Literal["better", "no_gain", "worse"]
Ground = Literal[
    "error_falls",
    "error_same",
    "error_rises",
    "shipped_predict_best",
    "false_zeros",
    "kappa_falls",
    "phantoms_worse",
    "phantoms_false_zeros",
]
"""What a finding rests on, as codes of the texts of the terminal."""


class TooFew(Exception):
    """Too few patients to learn from; the words say how many there are and how many are needed."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The same cases by the shipped weights and by others, with the comparison."""

    before: tuple[Answer, ...]
    after: tuple[Answer, ...]
    figures: Comparison

    @classmethod
    def of(cls, before: Sequence[Answer], after: Sequence[Answer]) -> Self:
        """Compare two sets of answers to the same cases, in the same order."""
        return cls(tuple(before), tuple(after), Comparison.of(before, after))

    @property
    def reclassified(self) -> tuple[tuple[Answer, Answer], ...]:
        """The cases whose category differs, new false zeros first."""
        pairs = [pair for pair in zip(self.before, self.after, strict=True) if pair[0].category != pair[1].category]
        return tuple(sorted(pairs, key=lambda pair: (not pair[1].is_false_zero, pair[0].series_instance_uid)))

    @property
    def new_false_zeros(self) -> tuple[Answer, ...]:
        """The cases with calcium by the reader that only the new weights score 0."""
        pairs = zip(self.before, self.after, strict=True)
        return tuple(after for before, after in pairs if after.is_false_zero and not before.is_false_zero)

    @property
    def lifted_false_zeros(self) -> tuple[Answer, ...]:
        """The cases with calcium by the reader that only the shipped weights score 0."""
        pairs = zip(self.before, self.after, strict=True)
        return tuple(after for before, after in pairs if before.is_false_zero and not after.is_false_zero)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A calibration with what it would change; nothing is adopted by it.

    `held_out` judges each patient by weights fitted to the others, `phantoms` the shipped phantoms by the final ones.
    `pull` is its strength, infinite where the shipped weights predict best; `losses` are those of every strength.
    """

    calibration: Calibration
    pull: float
    losses: dict[float, float]
    held_out: Trial
    phantoms: Trial
    finding: Finding
    grounds: tuple[Ground, ...]


def refit(
    examples: Sequence[Example],
    phantoms: Sequence[Example],
    name: str,
    told: Callable[[int, int], object] = tell_nobody,
) -> Proposal:
    """Fit weights to readings, and judge them by leaving each patient out and on phantoms.

    Raises TooFew, and ValueError when the cases were not all measured with the same nets.
    """
    check_enough(examples)
    nets = Counter(item.case.nets for item in examples)
    if len(nets) > 1:
        raise ValueError(f"the cases were measured with different nets: {', '.join(sorted(nets))}; measure them anew")
    fitter = Fitter(examples)
    found = hold_out(fitter, told)
    own = [fitter.numbers[index] for index in range(len(examples))]
    after = [
        Answer.of(item, found.weights[patient], found.sharpness[patient])
        for item, patient in zip(examples, own, strict=True)
    ]
    calibration = Calibration(name, found.final, found.final_sharpness, nets=next(iter(nets)) or None)
    calibration.check()
    held_out = Trial.of([Answer.of(item, None) for item in examples], after)
    tested = Trial.of(
        [Answer.of(item, None) for item in phantoms],
        [Answer.of(item, calibration.weights, calibration.sharpness) for item in phantoms],
    )
    finding, grounds = conclude(held_out, tested, is_shipped=found.pull == float("inf"))
    return Proposal(calibration, found.pull, found.losses, held_out, tested, finding, grounds)


def check_enough(examples: Sequence[Example]) -> None:
    """Raise TooFew for fewer patients than anything can be learnt from."""
    patients = {item.patient for item in examples}
    calcified = {item.patient for item in examples if item.truth.total > 0}
    if len(patients) < FEWEST_PATIENTS or len(calcified) < FEWEST_WITH_CALCIUM:
        raise TooFew(
            f"{len(patients)} patients with a reader's answer, {len(calcified)} of them with calcium; needed are "
            f"{FEWEST_PATIENTS} and {FEWEST_WITH_CALCIUM}"
        )


def conclude(held_out: Trial, phantoms: Trial, *, is_shipped: bool) -> tuple[Finding, tuple[Ground, ...]]:
    """Whether the new weights are better, and why: one figure decides, and harm elsewhere forbids.

    They are better when the interval of the change of `error` lies below 0, no more false zeros arise than are lifted,
    none arises on the phantoms, and the interval of the change of kappa does not lie below 0. That the phantoms are
    scored worse by the same measure is told, and forbids nothing: they are not the site's patients.
    """
    error, kappa = held_out.figures.difference["error"], held_out.figures.difference["kappa"]
    grounds: list[Ground] = []
    if len(held_out.new_false_zeros) > len(held_out.lifted_false_zeros):
        grounds.append("false_zeros")
    if kappa.high < 0:
        grounds.append("kappa_falls")
    if phantoms.new_false_zeros:
        grounds.append("phantoms_false_zeros")
    if error.low > 0:
        grounds.insert(0, "error_rises")
    told: tuple[Ground, ...] = ("phantoms_worse",) if phantoms.figures.difference["error"].low > 0 else ()
    if grounds:
        return "worse", (*grounds, *told)
    if is_shipped:
        return "no_gain", ("shipped_predict_best",)
    return ("better", ("error_falls", *told)) if error.high < 0 else ("no_gain", ("error_same", *told))
