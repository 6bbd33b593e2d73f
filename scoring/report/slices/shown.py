"""The images on which it is shown what was counted."""

from __future__ import annotations

from itertools import groupby

from scoring.result import ImageRef, Score


def choose_images(score: Score) -> dict[int, ImageRef]:
    """By its index, one image for every slice with counted voxels: itself, or the middle one of a slab.

    The images of a slab carry the same outlines; of an even number the lower of the two in the middle is shown.
    """
    images = {image.slice: image for lesion in score.lesions for image in lesion.images}
    count = score.provenance.slab_slices
    if count == 1:
        return images
    outlines: dict[int, list[tuple[int, ...]]] = {index: [] for index in sorted(images)}
    for lesion in score.lesions:
        for index, *run in lesion.runs:
            outlines.setdefault(index, []).append((lesion.id, *run))
    # neighbours alike are the images of one slab, or of several that are alike
    alike = groupby(enumerate(outlines), key=lambda item: (item[1] - item[0], outlines[item[1]]))
    groups = ([index for _, index in members] for _, members in alike)
    slabs = (group[first : first + count] for group in groups for first in range(0, len(group), count))
    return {slab[(len(slab) - 1) // 2]: images[slab[(len(slab) - 1) // 2]] for slab in slabs}
