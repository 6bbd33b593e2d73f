"""Readings like those of a site: a lognormal burden with many zeros, read twice with noise and misses."""

import random

import pytest

from scoring.judgement.category import categorise
from scoring.result import ARTERIES
from scoring.validation.pair import Pair, Scan, Values


def values(total, arteries=None):
    return Values(total, categorise(total, any_lesion=total > 0), arteries or {})


def pair(ours, theirs, number=0, **more):
    """A pair of totals, or of dictionaries by artery."""
    first, second = (values(sum(one.values()), one) if isinstance(one, dict) else values(one) for one in (ours, theirs))
    more = {"ours_range": (first.total, first.total)} | more
    return Pair(f"1.2.{number}", f"1.1.{number}", first, second, **more)


@pytest.fixture
def make_pair():
    return pair


@pytest.fixture(scope="session")
def sixty():
    """60 scans with a score by artery, and readings with noise on them: some lesions missed, some invented."""
    chance = random.Random(15)  # noqa: S311
    pairs = []
    for number in range(60):
        burden = 0.0 if chance.random() < 0.35 else chance.lognormvariate(4.2, 1.5)
        shares = [chance.random() for _ in ARTERIES]
        truth = {artery: burden * one / sum(shares) for artery, one in zip(ARTERIES, shares, strict=True)}

        def read(truth=truth):
            seen = {
                artery: max(one + chance.gauss(0, 1.2 * one**0.5), 0.0) if chance.random() > 0.06 else 0.0
                for artery, one in truth.items()
            }
            if chance.random() < 0.05:
                seen["RCA"] += chance.uniform(1, 12)
            return seen

        scan = Scan(scanner=("A", "B")[number % 2], kernel="Qr36", kvp="120", thickness="3", month="2026-03")
        pairs.append(pair(read(), read(), number, scan=scan))
    return pairs
