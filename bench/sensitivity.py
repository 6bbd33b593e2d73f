"""Move every threshold of the lesion rules by 15 % in either direction and print the effect on real scans.

Each folder below those given holds one CT series; its anatomy is located once. A threshold whose move changes the
category of a scan, or a total by more than 5 % (and more than 1), carries weight by itself and is marked. Limits
near zero are moved as if they were larger.

    python bench/sensitivity.py SCANS [SCANS ...] [--share 0.15]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from unittest import mock

from config.errors import NotScorable
from dicom import elements
from scoring import anatomy
from scoring.candidates import agatston, conventions
from scoring.images import geometry, selection, slices
from scoring.judgement import features, verdicts
from scoring.judgement.category import categorise

FEW: Final = 1.0
MUCH: Final = 0.05
SMALL_LIMIT: Final = 4.0
"""A limit closer to zero than this is moved as if it had this value."""


@dataclass(frozen=True)
class Move:
    """One threshold with a changed value."""

    name: str
    value: str
    module: Any
    attribute: str
    moved: Any

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Apply the changed value inside a `with` block."""
        with mock.patch.object(self.module, self.attribute, self.moved):
            yield


def moves(share: float) -> Iterator[Move]:
    """Yield every threshold, moved up and down."""
    for sign in (1, -1):
        for number, rule in enumerate(verdicts.PLACE_RULES):
            size = max(abs(rule.limit), SMALL_LIMIT)
            moved = replace(rule, limit=rule.limit + sign * share * size)
            rules = (*verdicts.PLACE_RULES[:number], moved, *verdicts.PLACE_RULES[number + 1 :])
            yield Move(rule.feature, f"{rule.limit:g} -> {moved.limit:g}", verdicts, "PLACE_RULES", rules)
        for module, name in (
            (verdicts, "NOISE_LIMIT"),
            (verdicts, "LOCAL_NOISE_SHARE"),
            (verdicts, "FAT_HU"),
            (verdicts, "THIN_FAT_HU"),
            (verdicts, "DARKENING"),
            (verdicts, "BRIGHT_HU"),
            (verdicts, "LUNG_SHARE"),
            (verdicts, "LUNG_SHARE_IN_FAT"),
            (verdicts, "COUNTED"),
            (verdicts, "METAL_HU"),
            (verdicts, "NOISE_ZERO_HU"),
            (features, "RING_MM"),
            (features, "EDGE_MM"),
        ):
            usual = getattr(module, name)
            values = usual if isinstance(usual, tuple) else (usual,)
            moved_to = tuple(v + sign * share * max(abs(v), 5.0 if name.endswith("HU") else 0.0) for v in values)
            shown = " ".join(f"{v:g} -> {m:.3g}" for v, m in zip(values, moved_to, strict=True))
            yield Move(name, shown, module, name, moved_to if isinstance(usual, tuple) else moved_to[0])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--share", type=float, default=0.15)
    options = parser.parse_args()
    cases = {}
    for folder in sorted(f for root in options.scans for f in root.iterdir() if f.is_dir()):
        images = [item for path in elements.find([folder]) for item in slices.read(path)]
        try:
            volume = geometry.decode(geometry.stack_slices(selection.select_images(images).slices))
            place = anatomy.find(volume)
        except NotScorable as verdict:
            print(f"{folder.name}: not scorable ({verdict.code})")
            continue
        candidates = agatston.candidates(volume, conventions.named("standard"))
        cases[folder.name] = volume, place, candidates
    usual = {name: total(*case) for name, case in cases.items()}
    print("usual:", ", ".join(f"{name} {value}" for name, value in usual.items()), "\n")
    print("| threshold | moved | scans that change | weight |\n| --- | --- | --- | --- |")
    for move in moves(options.share):
        with move.applied():
            now = {name: total(*case) for name, case in cases.items()}
        changed = [f"{name} {usual[name]} -> {now[name]}" for name in cases if usual[name] != now[name]]
        heavy = any(matters(usual[name], now[name]) for name in cases)
        print(f"| {move.name} | {move.value} | {'; '.join(changed) or 'none'} | {'!' if heavy else ''} |", flush=True)


def total(volume: Any, place: Any, candidates: Any) -> float | str:
    """Return the total, or the code of the refusal."""
    try:
        judged = verdicts.judge(volume, place, candidates)
    except NotScorable as verdict:
        return verdict.code
    return round(sum(item.candidate.agatston for item in judged if item.counted), 1)


def matters(before: float | str, after: float | str) -> bool:
    """Return whether the category, or a relevant part of the total, changed."""
    if isinstance(before, str) or isinstance(after, str):
        return before != after
    if categorise(before, any_lesion=before > 0) != categorise(after, any_lesion=after > 0):
        return True
    return abs(after - before) > max(FEW, MUCH * before)


if __name__ == "__main__":
    main()
