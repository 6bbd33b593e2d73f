"""Any calcium or none: how often we find what readers find, and find nothing where they find nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.validation.estimate import Estimate, share


@dataclass(frozen=True, slots=True)
class Detection:
    """Shares with Wilson's intervals; a false zero is a 0 of ours where the reader has calcium."""

    both: int
    false_zeros: int
    false_positives: int
    neither: int
    sensitivity: Estimate
    specificity: Estimate
    positive_predictive: Estimate
    negative_predictive: Estimate


def compare_presence(ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> Detection:
    """Compare where each of two readings has any calcium."""
    both, neither = int((ours & theirs).sum()), int((~ours & ~theirs).sum())
    false_zeros, false_positives = int((~ours & theirs).sum()), int((ours & ~theirs).sum())
    return Detection(
        both,
        false_zeros,
        false_positives,
        neither,
        share(both, both + false_zeros, "no_calcium" if len(theirs) else "no_cases"),
        share(neither, neither + false_positives, "all_calcium" if len(theirs) else "no_cases"),
        share(both, both + false_positives),
        share(neither, neither + false_zeros),
    )
