"""A site's own weights of the judgement: checked when they are read, and named in every result made with them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from scoring.judgement.hypotheses import LEARNT, load_weights

SCHEMA: Final = "coronode.calibration/1"
INTERCEPT: Final = "intercept"
DIGITS: Final = 3
MOST_CHANGE: Final = 0.5
"""By so much a site's weight may depart from the shipped one: evidence is of order one, and the weights are too."""
MOST_SHIFT: Final = 2.0
"""The same for an intercept: a hypothesis at most e squared, about seven times, as frequent or as rare."""
SHARPEST: Final = 2.0
"""Log-odds are stretched to at most twice, or compressed to half, of what they were."""
_SHOWN: Final = 12

Weights = Mapping[str, Mapping[str, float]]


@lru_cache(maxsize=1)
def identify_shipped() -> str:
    """Digest of the shipped weights, by which a calibration knows what it departs from."""
    return hashlib.sha256((files("scoring.judgement") / "weights" / "hypotheses.toml").read_bytes()).hexdigest()


@dataclass(frozen=True, slots=True)
class Calibration:
    """The weights of the learnt hypotheses as a site's own readings suggest them; the fixed ones stay as they are.

    `sharpness` multiplies the log-odds of coronary calcium: it changes how certain a decision is, never the decision.
    `basis` identifies the shipped weights that it departs from, `nets` those of the anatomy (as in `Provenance`).
    """

    name: str
    weights: Weights
    sharpness: float = 1.0
    basis: str = field(default_factory=identify_shipped)
    nets: str | None = None

    @property
    def sha256(self) -> str:
        """Digest of everything that affects a score; the name does not."""
        content = {"weights": self.weights, "sharpness": self.sharpness, "basis": self.basis, "nets": self.nets}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def label(self) -> str:
        """How a result names it: "site-2026-11 (sha256 0123456789ab)"."""
        return f"{self.name} (sha256 {self.sha256[:_SHOWN]})"

    def suits(self, nets: str | None) -> bool:
        """Whether it was fitted to this version's judgement, and to the nets that located the anatomy."""
        return self.basis == identify_shipped() and self.nets == nets

    def sharpen(self, probability: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probability (n,) after stretching its log-odds; 0.5 stays 0.5."""
        if self.sharpness == 1.0:
            return probability
        odds = (1 - probability) / np.maximum(probability, np.finfo(float).tiny)
        return np.asarray(1 / (1 + odds**self.sharpness))

    def to_json(self) -> str:
        """JSON text of the schema `coronode.calibration/1`, with its digest."""
        content = {
            "schema": SCHEMA,
            "name": self.name,
            "sha256": self.sha256,
            "basis": self.basis,
            "nets": self.nets,
            "sharpness": self.sharpness,
            "weights": self.weights,
        }
        return json.dumps(content, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` wrote. Raises ValueError for anything else, and for weights beyond their limits."""
        values = json.loads(text)
        if not isinstance(values, dict) or values.get("schema") != SCHEMA:
            raise ValueError(f"not a calibration: this version reads {SCHEMA!r}")
        try:
            made = cls(
                name=str(values["name"]),
                weights=_read_weights(values["weights"]),
                sharpness=float(values["sharpness"]),
                basis=str(values["basis"]),
                nets=None if values["nets"] is None else str(values["nets"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a complete calibration: {error}") from error
        if made.sha256 != values.get("sha256"):
            raise ValueError("the calibration was changed after it was written: its digest does not fit; write it anew")
        if made.basis == identify_shipped():
            made.check()
        return made

    def check(self) -> None:
        """Raise ValueError, naming the weight, when one departs further from the shipped ones than is allowed."""
        if not 1 / SHARPEST <= self.sharpness <= SHARPEST:
            raise ValueError(f"sharpness is {self.sharpness}, allowed is {1 / SHARPEST} to {SHARPEST}")
        shipped = load_weights()
        for reason, evidence in LEARNT.items():
            for name in (INTERCEPT, *evidence):
                value = self.weights[reason][name]
                low, high = find_limits(shipped[reason][name], name, evidence.get(name, 0))
                if not low - 1e-9 <= value <= high + 1e-9:
                    raise ValueError(f"{reason}.{name} is {value}, allowed is {low:g} to {high:g}")


def find_limits(shipped: float, name: str, sign: int) -> tuple[float, float]:
    """The lowest and the highest value that a weight may take: near the shipped one, and with the sign it must have."""
    reach = MOST_SHIFT if name == INTERCEPT else MOST_CHANGE
    low, high = round(shipped - reach, DIGITS), round(shipped + reach, DIGITS)
    return (max(low, 0.0) if sign > 0 else low), (min(high, 0.0) if sign < 0 else high)


def _read_weights(values: Any) -> dict[str, dict[str, float]]:
    if set(values) != set(LEARNT):
        raise ValueError(f"the weights name {sorted(values)}, expected are {sorted(LEARNT)}")
    for reason, evidence in LEARNT.items():
        if set(values[reason]) != {INTERCEPT, *evidence}:
            raise ValueError(f"the weights of {reason} are incomplete or name unknown evidence")
    return {reason: {name: float(value) for name, value in values[reason].items()} for reason in LEARNT}
