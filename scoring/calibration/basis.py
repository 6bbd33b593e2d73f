"""What the shipped phantoms were measured with: nets, weights, and the evidence that candidates give."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self

import numpy as np

from scoring.anatomy.network import identify_nets
from scoring.calibration.case import FORMAT, Floats
from scoring.judgement.calibration import identify_shipped
from scoring.judgement.evidence import gather
from scoring.judgement.features import Features
from scoring.judgement.hypotheses import LEARNT, exclude, exclude_by_look
from scoring.judgement.look import Look

_PROBES: Final = 41
_DIGITS: Final = 6
_SHARES: Final = {"artery", "beside", "root", "annulus", "doubt", "lung", "touching_lung"}
_BLOOD_HU: Final = 45.0


@dataclass(frozen=True, slots=True)
class Basis:
    """The format of cases, the nets as in `Provenance`, the digest of the weights, and that of the evidence."""

    format: int
    nets: str
    weights: str
    evidence: str

    @classmethod
    def of_shipped(cls) -> Self:
        """That of this version; the nets are loaded for it."""
        return cls(FORMAT, identify_nets(), identify_shipped(), identify_evidence())

    def differ(self, other: Basis) -> list[str]:
        """Name what is not the same in the other one."""
        return [name for name, value in asdict(self).items() if getattr(other, name) != value]

    def to_json(self) -> str:
        """JSON text."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` wrote. Raises ValueError for anything else."""
        try:
            values: dict[str, Any] = json.loads(text)
            return cls(int(values["format"]), *(str(values[name]) for name in ("nets", "weights", "evidence")))
        except (KeyError, TypeError) as error:
            raise ValueError(f"no basis: {error!r}") from error


def identify_evidence() -> str:
    """Digest of what evidence and fixed hypotheses say of places and looks from one end of the range to the other.

    By values and not by the code's text: what is only written otherwise says the same.
    """
    features, looks = _probe_places(), _probe_looks()
    by_look = exclude_by_look(
        np.array([look.thick_mm for look in looks]),
        np.array([look.median_hu - _BLOOD_HU for look in looks]),
        np.array([look.lung for look in looks]),
        np.array([look.off_lung_mm for look in looks]),
    )
    said = [_plain(values) for values in (gather(features, looks, _BLOOD_HU), exclude(features), by_look)]
    return hashlib.sha256(json.dumps([LEARNT, said], sort_keys=True).encode()).hexdigest()


def _probe_places() -> Features:
    values = {field.name: _spread(field.name) for field in fields(Features)}
    return Features(**values | {"artery": np.outer([0.4, 0.3, 0.2, 0.1], values["artery"])})


def _probe_looks() -> list[Look]:
    names = [field.name for field in fields(Look)]
    return [Look(**dict(zip(names, row, strict=True))) for row in zip(*map(_column, names), strict=True)]


def _column(name: str) -> Iterator[float]:
    return iter(_spread(name).tolist())


def _spread(name: str) -> Floats:
    """Values of a measurement: shares from 0 to 1, HU and volumes of images, distances on both sides of a surface."""
    low, high = (0.0, 1.0) if name in _SHARES else (-150.0, 1500.0) if name.endswith("_hu") else (-30.0, 90.0)
    if name.endswith("_mm3"):
        low, high = 0.0, 3000.0
    return np.linspace(low, high, _PROBES)


def _plain(values: Mapping[Any, Floats]) -> dict[str, list[float]]:
    # + 0.0 makes -0.0 the same as 0.0
    return {str(name): (np.round(array, _DIGITS) + 0.0).tolist() for name, array in values.items()}
