"""Remove every hypothesis and piece of evidence, move every limit and weight by 25 %, and print what changes.

Each folder below those given holds one CT series; its candidates are measured once. A change of a category is marked,
and so is one of a total by more than 5 % (and more than 1). What a hypothesis carries, its removal must show; a move
must not change a category.

    python bench/sensitivity.py SCANS [SCANS ...] [--share 0.25]
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from unittest import mock

from config.errors import NotScorable
from dicom import elements
from scoring import anatomy
from scoring.candidates import agatston, conventions
from scoring.candidates.agatston import Candidate
from scoring.images import geometry, selection, slabbing, slices
from scoring.judgement import hypotheses, mixture, noise, verdicts
from scoring.judgement.category import categorise
from scoring.judgement.metal import find_metal
from scoring.judgement.verdicts import Observed
from scoring.result import COUNTED

FEW: Final = 1.0
MUCH: Final = 0.05
SMALL_LIMIT: Final = 4.0
"""A limit closer to zero than this is moved as if it had this value."""
LOOKED_AT: Final = 0.002
"""Looked at is more than the engine does: a move may give a chance to what has none otherwise."""


@dataclass(frozen=True)
class Move:
    """Something removed or moved: what, how, and the values (module, name, value) that make it so."""

    name: str
    how: str
    values: tuple[tuple[Any, str, Any], ...] = ()
    counted: float = COUNTED

    def total(self, case: Case) -> float:
        """The total of a scan with it."""
        with ExitStack() as stack:
            for module, name, value in self.values:
                stack.enter_context(mock.patch.object(module, name, value))
            probability = verdicts.decide(case.seen).probability
        scores = (
            item.agatston for item, sure in zip(case.candidates, probability, strict=True) if sure >= self.counted
        )
        return round(sum(scores), 1)


@dataclass(frozen=True)
class Case:
    """The candidates of a scan, measured."""

    candidates: list[Candidate]
    seen: Observed = field(repr=False)

    @classmethod
    def read(cls, folder: Path) -> Case:
        """Measure the scan in a folder. Raises NotScorable."""
        images = [item for path in elements.find([folder]) for item in slices.read(path)]
        stack = geometry.stack_slices(selection.select_images(images).slices)
        volume = slabbing.average_slices(geometry.decode(stack), slabbing.count_slices(stack))
        place, convention = anatomy.find(volume), conventions.named("standard")
        found = mixture.part(volume, convention, place.heart, agatston.candidates(volume, convention))
        return cls(found, verdicts.observe(volume, place, found, find_metal(volume, found), LOOKED_AT))


def moves(share: float) -> Iterator[Move]:
    """Every hypothesis and evidence removed, every limit and weight moved up and down."""
    for number, rule in enumerate(hypotheses.LIMITS):
        rest = (*hypotheses.LIMITS[:number], *hypotheses.LIMITS[number + 1 :])
        yield Move(f"{rule.reason} ({rule.feature})", "removed", ((hypotheses, "LIMITS", rest),))
        for sign in (1, -1):
            moved = replace(rule, limit=rule.limit + sign * share * max(abs(rule.limit), SMALL_LIMIT))
            rules = (*hypotheses.LIMITS[:number], moved, *hypotheses.LIMITS[number + 1 :])
            how = f"{rule.limit:g} -> {moved.limit:g}"
            yield Move(f"{rule.reason} ({rule.feature})", how, ((hypotheses, "LIMITS", rules),))
    looks = [(hypotheses, name) for name in ("THICK_MM", "BRIGHT_HU", "LUNG_SHARE", "EDGE_MM")]
    for module, name in (*looks, (noise, "TEMPER"), (noise, "EXPECTED")):
        usual = getattr(module, name)
        for sign in (1, -1):
            yield Move(
                name, f"{usual:g} -> {(1 + sign * share) * usual:.3g}", ((module, name, (1 + sign * share) * usual),)
            )
    yield from _move_learnt(share)
    for least in ((1 - share) * COUNTED, (1 + share) * COUNTED):
        yield Move("minimum confidence", f"{COUNTED:g} -> {least:g}", counted=least)


def _move_learnt(share: float) -> Iterator[Move]:
    usual = hypotheses.load_weights()

    def using(name: str, how: str, weights: dict[str, dict[str, float]]) -> Move:
        return Move(name, how, ((hypotheses, "load_weights", lambda: weights),))

    for reason in hypotheses.LEARNT:
        without = copy.deepcopy(usual)
        without[reason] = dict.fromkeys(usual[reason], 0.0) | {"intercept": -hypotheses.MOST}
        yield using(reason, "removed", without)
    for evidence in sorted({name for names in hypotheses.LEARNT.values() for name in names}):
        for how, factor in (("removed", 0.0), (f"x {1 + share:g}", 1 + share), (f"x {1 - share:g}", 1 - share)):
            moved = copy.deepcopy(usual)
            for weights in moved.values():
                if evidence in weights:
                    weights[evidence] *= factor
            yield using(f"evidence: {evidence}", how, moved)
    for how, factor in ((f"x {1 + share:g}", 1 + share), (f"x {1 - share:g}", 1 - share)):
        scaled = {reason: {name: factor * value for name, value in of.items()} for reason, of in usual.items()}
        yield using("all learnt odds", how, scaled)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--share", type=float, default=0.25)
    options = parser.parse_args()
    cases = {}
    for folder in sorted(f for root in options.scans for f in root.iterdir() if f.is_dir()):
        try:
            cases[folder.name] = Case.read(folder)
        except NotScorable as verdict:
            print(f"{folder.name}: not scorable ({verdict.code})")
    usual = {name: Move("", "").total(case) for name, case in cases.items()}
    print("usual:", ", ".join(f"{name} {value}" for name, value in usual.items()), "\n")
    print("| what | how | scans that change | weight |\n| --- | --- | --- | --- |")
    for move in moves(options.share):
        now = {name: move.total(case) for name, case in cases.items()}
        changed = [f"{name} {usual[name]} -> {now[name]}" for name in cases if usual[name] != now[name]]
        weight = max((weigh(usual[name], now[name]) for name in cases), default="")
        print(f"| {move.name} | {move.how} | {'; '.join(changed) or 'none'} | {weight} |", flush=True)


def weigh(before: float, after: float) -> str:
    """`!!` for another category, `!` for another total, else nothing."""
    if categorise(before, any_lesion=before > 0) != categorise(after, any_lesion=after > 0):
        return "!!"
    return "!" if abs(after - before) > max(FEW, MUCH * before) else ""


if __name__ == "__main__":
    main()
