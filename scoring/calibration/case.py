"""A case: the candidates of one series as numbers, all that a refit needs of its images."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from scoring.judgement.calibration import INTERCEPT, Calibration, Weights
from scoring.judgement.hypotheses import LEARNT, load_weights
from scoring.judgement.verdicts import LOOKED_AT
from scoring.result import COUNTED

Floats = NDArray[np.float64]

FORMAT: Final = 1
_TEXTS: Final = ("series_instance_uid", "convention", "nets")


@dataclass(frozen=True, slots=True)
class Case:
    """The candidates of one series that some weights could count, in their order; no pixel value is among it.

    `places` and `looks` (evidence, n) are the evidence before and after the surroundings were looked at, `names` its
    names; `fixed_places` and `fixed_looks` (n,) are the logarithms of the odds that the fixed hypotheses have together.
    `agatston` (n,) are their scores, `arteries` (4, n) the shares in which they belong to `ARTERIES`; `runs` (m, 4) are
    their voxels as in `Lesion`, `owner` (m,) the candidate of each run. `nets` names those of the anatomy.
    """

    series_instance_uid: str
    convention: str
    nets: str
    names: tuple[str, ...]
    places: Floats
    looks: Floats
    fixed_places: Floats
    fixed_looks: Floats
    agatston: Floats
    arteries: Floats
    runs: NDArray[np.int64]
    owner: NDArray[np.int64]

    def judge(self, weights: Weights | None = None, sharpness: float = 1.0) -> Floats:
        """The probability (n,) of coronary calcium by some weights, exactly as the engine decides."""
        learnt = load_weights() if weights is None else weights
        own = Calibration("", learnt, sharpness)
        first = own.sharpen(self._weigh(learnt, self.places, self.fixed_places))
        second = own.sharpen(self._weigh(learnt, self.looks, self.fixed_looks))
        return np.where(first >= LOOKED_AT, second, first)

    def sum_counted(self, probability: Floats) -> float:
        """The Agatston score of what counts by the probabilities (n,)."""
        return float(self.agatston[probability >= COUNTED].sum())

    def _weigh(self, learnt: Weights, evidence: Floats, fixed: Floats) -> Floats:
        odds = np.exp(fixed)
        for reason, names in LEARNT.items():
            own = learnt[reason]
            logit = own[INTERCEPT] + sum(own[name] * evidence[self.names.index(name)] for name in names)
            odds = odds + np.exp(np.clip(logit, -40.0, 40.0))
        return np.asarray(1 / (1 + odds))

    def to_bytes(self) -> bytes:
        """The case as a compressed NumPy archive."""
        buffer = BytesIO()
        arrays: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        np.savez_compressed(buffer, format=FORMAT, **arrays | {"names": np.array(self.names, "U32")})
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what `to_bytes` wrote. Raises ValueError for anything else."""
        try:
            with np.load(BytesIO(content), allow_pickle=False) as stored:
                if int(stored["format"]) != FORMAT:
                    raise ValueError(f"format {int(stored['format'])}")
                values: dict[str, Any] = {name: stored[name] for name in cls.__slots__}
        except (KeyError, OSError, EOFError, BadZipFile) as error:
            raise ValueError(f"no case: {error}") from error
        texts = {name: str(values[name]) for name in _TEXTS}
        names = tuple(str(name) for name in values["names"])
        return cls(**values | texts | {"names": names})
