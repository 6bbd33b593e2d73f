"""The kinds of bright structures that a phantom can have beside its coronary calcium."""

from __future__ import annotations

from typing import Final, Literal, get_args

DistractorKind = Literal[
    "ascending aorta wall",
    "descending aorta wall",
    "descending aorta wall, low",
    "aortic plaques",
    "aortic root",
    "coronary origin",
    "aortic root ring",
    "aortic valve",
    "mitral annulus",
    "papillary muscle",
    "pericardium",
    "lymph node",
    "hilar lymph node",
    "granuloma",
    "bronchial wall",
    "surgical clip",
    "pacemaker lead",
    "stent",
    "bypass graft",
    "sternal wires",
    "mechanical valve",
]
DISTRACTOR_KINDS: Final[tuple[DistractorKind, ...]] = get_args(DistractorKind)
"""Bright structures near the heart that are not coronary calcium."""

DEFAULT_DISTRACTORS: Final = DISTRACTOR_KINDS[:3]
"""Three plaques in the aortic wall, far from the coronary ostia."""

METAL: Final = frozenset[DistractorKind](
    {
        "surgical clip",
        "pacemaker lead",
        "stent",
        "bypass graft",
        "sternal wires",
        "mechanical valve",
    }
)
"""The metallic kinds."""

METAL_IN_HEART: Final = frozenset[DistractorKind]({"pacemaker lead", "stent", "mechanical valve"})
"""Metal next to which calcium cannot be identified with certainty."""
