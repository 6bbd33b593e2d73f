"""The gate before the score: every slice must be whole, fit its neighbours, and hold Hounsfield units.

A broken slice changes the score without a sign of it. The limits come from physics and lie far from anything that was
measured on real scans; docs/scoring-method.md has both.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from config.errors import NotScorable
from scoring.images.gate import continuity, damage, samples
from scoring.images.gate.continuity import Misfit
from scoring.images.gate.damage import Damage
from scoring.images.gate.samples import Samples
from scoring.images.volume import Volume
from scoring.result import ImageRef

# the upper quartile of tissue in the middle of a chest is muscle or blood, with contrast up to 200 HU, never fat
_TISSUE_HU: Final = (-60.0, 200.0)
_NEVER_TISSUE_HU: Final = 400.0
# with contrast in the blood, lung and air are still there
_DARKEST_HU: Final = -870.0
_PADDING_HU: Final = -1023
_MOST_NAMED: Final = 20
# a scanner reconstructs 256 pixels and more; of fewer there are too few to tell one tissue from another
_SMALLEST: Final = 64


def check_pixels(volume: Volume) -> None:
    """Refuse a volume that is not fit to be scored, whatever its headers say; images under 64 x 64 pass.

    Raises NotScorable: `broken_image`, which names the slices (counted from 1 at the feet) and their images, or
    `no_hounsfield_units` when all of them lie off the scale.
    """
    if min(volume.hu.shape[1:]) < _SMALLEST:
        return
    taken = samples.take(volume)
    if not taken.is_scan:
        _check_scale(taken)
        return
    broken = damage.find_damage(taken)
    sound = [index for index in range(len(taken.hu)) if index not in broken]
    misfits = continuity.find_misfits(taken, sound)
    if broken or misfits:
        raise _name_broken(volume, broken, misfits)
    _check_scale(taken)


def _name_broken(volume: Volume, broken: dict[int, Damage], misfits: dict[int, Misfit]) -> NotScorable:
    """The refusal in the words for its first slice; `slices` and `images` list at most the first 20."""
    indices = sorted(broken.keys() | misfits.keys())
    first, count = indices[0], len(indices)
    names = [_name(volume.images[index]) for index in indices[:_MOST_NAMED] if volume.images]
    misfit = misfits.get(first)
    return NotScorable(
        "broken_image",
        variant=broken[first] if misfit is None else misfit.kind,
        slice=first + 1,
        image=names[0] if names else "",
        off_hu=0 if misfit is None else misfit.off_hu,
        count=count,
        total=len(volume.hu),
        slices=tuple(index + 1 for index in indices[:_MOST_NAMED]),
        images=tuple(names),
    )


def _name(image: ImageRef) -> str:
    frame = "" if image.frame is None else f", frame {image.frame}"
    return f"{image.sop_instance_uid}{frame}"


def _check_scale(taken: Samples) -> None:
    tissue = samples.select_tissue(taken.hu)
    if tissue is None:
        raise NotScorable("no_hounsfield_units", variant="no_tissue")
    level = round(float(np.percentile(tissue, 75)))
    inside = taken.hu[taken.hu > _PADDING_HU]
    darkest = float(np.percentile(inside, 0.5))
    bright = level > _NEVER_TISSUE_HU or (level > _TISSUE_HU[1] and darkest > _DARKEST_HU)
    if bright or level < _TISSUE_HU[0]:
        raise NotScorable("no_hounsfield_units", variant="level", level_hu=level)
