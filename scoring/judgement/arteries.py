"""The artery of every part of every lesion, decided for all lesions of a patient together.

What speaks for an artery at a piece of calcium: the probabilities of the nets, the published courses laid into the
patient, the calcium's direction, and its place before or beyond the division of the left main. What joins pieces: that
they touch, and that lesions lie in line with each other; lesions side by side lie in two vessels. The cheapest
labelling of all pieces decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.anatomy.heart import Heart
from scoring.candidates.agatston import Candidate
from scoring.candidates.conventions import Convention
from scoring.images.volume import Volume
from scoring.judgement.naming import chances, continuity, labels, parts, pieces
from scoring.judgement.naming.pieces import Pieces
from scoring.result import Artery

# The nets err alike over some distance: one lesion is one piece of evidence, and another one each 10 mm.
ALIKE_MM: Final = 10.0
# Logarithms of odds: 3 to 2 that a lesion lies in one artery, 2.7 to 1 that two lesions do which meet in line.
WHOLE, IN_LINE = 0.4, 1.0


def divide(
    volume: Volume, convention: Convention, heart: Heart, candidates: Sequence[Candidate]
) -> list[list[tuple[Artery, Candidate]]]:
    """For each counted candidate its parts by artery: one, unless it extends from one artery into another.

    The parts' Agatston scores, volumes and voxels add up to the candidate's.
    """
    if not candidates:
        return []
    cut = pieces.cut(volume, convention, candidates)
    owner = label(volume, heart, candidates, cut)
    return [
        parts.part(volume, convention, candidate, owner[number])
        for candidate, number in zip(candidates, cut.of_voxel, strict=True)
    ]


def label(volume: Volume, heart: Heart, candidates: Sequence[Candidate], cut: Pieces) -> NDArray[np.intp]:
    """The artery of each piece, an index into `ARTERIES`."""
    shapes = [volume.to_patient(item.voxels.astype(np.float64)) for item in candidates]
    length = np.array([np.linalg.norm(np.ptp(shape, axis=0)) for shape in shapes])
    size = np.bincount(cut.candidate, cut.voxels)
    weight = cut.voxels / size[cut.candidate] * (1 + length / ALIKE_MM)[cut.candidate]
    links, aligned = continuity.link(volume.to_patient(cut.middles), cut.candidate, weight, shapes)
    section_mm2 = size * volume.voxel_mm3 / np.maximum(length, pieces.CELL_MM)
    touching = cut.area_mm2 / section_mm2[cut.candidate[cut.pairs[:, 0]]]
    graph = labels.Graph(
        costs=-weight[:, None] * np.log(chances.weigh(volume, heart, cut, shapes)).T,
        pairs=np.concatenate((cut.pairs, links)),
        price=np.concatenate((WHOLE * touching, IN_LINE * aligned)),
        group=cut.candidate,
    )
    return labels.minimise(graph)
