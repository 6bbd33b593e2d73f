"""Edits applied to the regions of a result: a pure function, so that the same edits always give the same score."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from scoring.result import Statement
from scoring.review.adding import find_bright, find_region, find_rest
from scoring.review.edits import LONGEST_ID, Accept, Add, EditRefused, Move, Numbered, Reject, Split, Trim
from scoring.review.region import Region, Regions, add_region, divide_region, measure_again
from scoring.review.scan import Scan
from scoring.review.splitting import find_parts


@dataclass(frozen=True, slots=True)
class Applied:
    """The regions after an edit, and the edit in words (section [review] of the texts)."""

    regions: Regions
    words: Statement


def apply_edit(scan: Scan, regions: Regions, made: Numbered) -> Applied:
    """Apply one edit. Raises EditRefused when it cannot be done."""
    return _APPLY[type(made.edit)](scan, regions, made.number, made.edit)


def apply_all(scan: Scan, regions: Regions, edits: Iterable[Numbered]) -> Regions:
    """Apply edits one after the other. Raises EditRefused."""
    for made in edits:
        regions = apply_edit(scan, regions, made).regions
    return regions


def _reject(scan: Scan, regions: Regions, number: int, edit: Reject) -> Applied:  # noqa: ARG001
    region = _find(regions, edit.lesion)
    if not region.counted:
        raise EditRefused("not_counted", lesion=region.id)
    return _put(regions, region, [replace(region, counted=False)], "edit_reject")


def _accept(scan: Scan, regions: Regions, number: int, edit: Accept) -> Applied:  # noqa: ARG001
    region = _find(regions, edit.lesion)
    if region.counted:
        raise EditRefused("already_counted", lesion=region.id)
    if not region.is_drawable:
        raise EditRefused("not_drawable", lesion=region.id)
    changed = replace(region, counted=True, artery=edit.artery or region.artery)
    return _put(regions, region, [changed], "edit_accept", artery=str(changed.artery or "-"))


def _move(scan: Scan, regions: Regions, number: int, edit: Move) -> Applied:  # noqa: ARG001
    region = _find(regions, edit.lesion)
    if region.artery == edit.artery:
        raise EditRefused("same_artery", lesion=region.id, artery=edit.artery)
    return _put(
        regions,
        region,
        [replace(region, artery=edit.artery)],
        "edit_move",
        old=str(region.artery or "-"),
        artery=edit.artery,
    )


def _add(scan: Scan, regions: Regions, number: int, edit: Add) -> Applied:
    clicked = scan.find_voxel(edit.at)
    voxel = clicked if scan.find_owner(clicked[None])[0] >= 0 else find_bright(scan, edit.at)
    held = find_region(regions, voxel)
    if held is None:
        region = add_region(scan, f"A{number}", find_rest(scan, regions, voxel), edit.artery)
        return _put(regions, region, [region], "edit_add", artery=edit.artery)
    if int(voxel[0]) in held.trimmed:
        raise EditRefused("trimmed_here", lesion=held.id)
    if held.counted:
        raise EditRefused("already_counted", lesion=held.id)
    # it was listed: what a reader clicks is then what the list shows
    changed = replace(held, counted=True, artery=edit.artery)
    return _put(regions, held, [changed], "edit_accept", artery=edit.artery)


def _trim(scan: Scan, regions: Regions, number: int, edit: Trim) -> Applied:  # noqa: ARG001
    region = _find(regions, edit.lesion)
    z = scan.find_slice(edit.slice)
    image = edit.slice + 1
    if not (region.voxels[:, 0] == z).any() or (z in region.trimmed) != edit.keep:
        raise EditRefused("not_trimmed" if edit.keep else "not_in_slice", lesion=region.id, image=image)
    trimmed = region.trimmed - {z} if edit.keep else region.trimmed | {z}
    if trimmed >= frozenset(np.unique(region.voxels[:, 0]).tolist()):
        raise EditRefused("nothing_left", lesion=region.id)
    changed = measure_again(scan, replace(region, trimmed=trimmed))
    return _put(regions, region, [changed], "edit_restore" if edit.keep else "edit_trim", image=image)


def _split(scan: Scan, regions: Regions, number: int, edit: Split) -> Applied:  # noqa: ARG001
    region = _find(regions, edit.lesion)
    names = [f"{region.id}{letter}" for letter in "ab"]
    if len(names[0]) > LONGEST_ID:
        raise EditRefused("nothing_beyond", lesion=region.id)
    parts = divide_region(scan, region, find_parts(scan, region, edit.at), names)
    if not all(part.kept.any() for part in parts):
        raise EditRefused("nothing_beyond", lesion=region.id)
    parts = [measure_again(scan, part) for part in parts]
    return _put(regions, region, parts, "edit_split", first=names[0], second=names[1])


_APPLY: Final[Mapping[type, Callable[[Scan, Regions, int, Any], Applied]]] = MappingProxyType(
    {Reject: _reject, Accept: _accept, Move: _move, Add: _add, Trim: _trim, Split: _split}
)


def _find(regions: Regions, name: str) -> Region:
    found = next((item for item in regions if item.id == name), None)
    if found is None:
        raise EditRefused("unknown_lesion", lesion=name)
    return found


def _put(regions: Regions, before: Region, after: list[Region], code: str, **values: str | int) -> Applied:
    """The regions with `after` in the place of `before`, or at the end when it is new."""
    statement = Statement.build(code, lesion=before.id, agatston=before.measured.agatston, **values)
    if before not in regions:
        return Applied((*regions, *after), statement)
    place = regions.index(before)
    return Applied((*regions[:place], *after, *regions[place + 1 :]), statement)
