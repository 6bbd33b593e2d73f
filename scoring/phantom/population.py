"""A population of patients and scans: one random spec for each seed."""

from __future__ import annotations

from typing import Final

from scoring.phantom.burden import calcifications
from scoring.phantom.protocol import Protocol
from scoring.phantom.shapes import stream
from scoring.phantom.spec import DistractorKind, PhantomSpec

_KINDS: Final[dict[DistractorKind, float]] = {
    "aortic plaques": 0.45,
    "aortic root": 0.25,
    "aortic valve": 0.25,
    "mitral annulus": 0.15,
    "pericardium": 0.08,
    "lymph node": 0.2,
    "hilar lymph node": 0.25,
    "granuloma": 0.25,
    "bronchial wall": 0.25,
    "surgical clip": 0.04,
    "pacemaker lead": 0.04,
    "stent": 0.04,
    "bypass graft": 0.03,
    "mechanical valve": 0.015,
}
"""Share of the patients that have a given kind of distractor."""

_OPENED: Final[frozenset[DistractorKind]] = frozenset({"bypass graft", "mechanical valve"})
_WIRED: Final = 0.9
_OTHERWISE_WIRED: Final = 0.01
"""Share of patients with sternal wires: after sternotomy with another visible trace, and without one."""


def draw(seed: int, matrix: int | None = None) -> PhantomSpec:
    """Draw the patient and the scan of a seed; the same seed always gives the same result.

    More than half of the scans are calcium scans, the others cover the whole chest. `matrix` replaces the drawn
    one (512 or 768). Raises ValueError for a seed or a matrix outside the limits of `PhantomSpec`.
    """
    rng = stream(seed, "population")
    variation = float(rng.uniform(0.3, 1.0))
    protocol = Protocol.draw(rng)
    return PhantomSpec(
        seed=seed,
        calcifications=calcifications(seed),
        distractors=_distractors(seed),
        variation=variation,
        **protocol.settings(matrix),
    )


def _distractors(seed: int) -> tuple[DistractorKind, ...]:
    rng = stream(seed, "population distractors")
    kinds = tuple(kind for kind, share in _KINDS.items() if rng.random() < share)
    wired = rng.random() < (_OTHERWISE_WIRED if _OPENED.isdisjoint(kinds) else _WIRED)
    return (*kinds, "sternal wires") if wired else kinds
