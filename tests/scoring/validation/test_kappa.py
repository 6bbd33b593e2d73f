"""Kappa and its interval against scikit-learn, a printout of SAS, and the delta method done by numbers."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from scoring.validation.agreement import count_categories
from scoring.validation.kappa import WEIGHTINGS, estimate_kappa, weigh

# PROC FREQ of SAS for this table, as statsmodels' own tests have it: kappa, standard error, limits
TABLE = np.array([[0, 4, 1], [0, 8, 0], [0, 1, 5]])
SAS = {"none": (0.4842, 0.2137, 0.7547), "linear": (0.4701, 0.1845, 0.7558)}


@pytest.mark.parametrize("weighting", SAS)
def test_the_printout_of_sas(weighting):
    found = estimate_kappa(TABLE, weighting)
    assert (found.value, found.low, found.high) == pytest.approx(SAS[weighting], abs=5e-5)
    assert found.n == 19


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_sixty_readings_by_scikit_learn(sixty, weighting):
    theirs, ours = ([one.level for one in side] for side in zip(*((p.theirs, p.ours) for p in sixty), strict=True))
    expected = cohen_kappa_score(theirs, ours, weights=None if weighting == "none" else weighting)
    assert estimate_kappa(count_categories(sixty), weighting).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_the_interval_is_that_of_the_delta_method(sixty, weighting):
    """Derivatives by differences instead of the formula of Fleiss, Cohen and Everitt."""
    matrix = count_categories(sixty).astype(float)
    n, weights = matrix.sum(), weigh(4, weighting)

    def kappa(shares):
        rows, columns = shares.sum(axis=1), shares.sum(axis=0)
        chance = rows @ weights @ columns / shares.sum()
        return ((weights * shares).sum() - chance) / (shares.sum() - chance)

    shares, step = matrix / n, 1e-6
    slopes = np.zeros_like(shares)
    for place in np.ndindex(*shares.shape):
        up, down = shares.copy(), shares.copy()
        up[place] += step
        down[place] -= step
        slopes[place] = (kappa(up) - kappa(down)) / (2 * step)
    variance = ((shares * slopes**2).sum() - (shares * slopes).sum() ** 2) / n
    found = estimate_kappa(count_categories(sixty), weighting)
    low = found.value - stats.norm.ppf(0.975) * variance**0.5
    assert found.low == pytest.approx(low, abs=1e-7)


def test_full_agreement_of_few_cases_is_no_proof():
    """10 of 10 alike: the exact lower limit of the agreement is 0.025 ** (1 / 10)."""
    matrix = np.diag([5, 5, 0, 0])
    found = estimate_kappa(matrix, "none")
    assert found.value == 1
    assert found.high == 1
    assert found.low == pytest.approx((0.025**0.1 - 0.5) / 0.5)
    assert estimate_kappa(matrix * 10, "none").low > found.low


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize(
    ("matrix", "value", "missing"),
    [
        (np.zeros((4, 4), int), None, "no_cases"),
        (np.diag([1, 0, 0, 0]), None, "one_category"),
        (np.diag([30, 0, 0, 0]), None, "one_category"),
        ([[0, 7, 0, 0], [0] * 4, [0] * 4, [0] * 4], None, "one_category"),
        ([[3, 4, 0, 1], [0] * 4, [0] * 4, [0] * 4], 0.0, "one_category"),
    ],
)
def test_what_has_no_kappa_says_why(matrix, value, missing, weighting):
    found = estimate_kappa(np.array(matrix), weighting)
    assert (found.value, found.low, found.high, found.missing) == (value, None, None, missing)
