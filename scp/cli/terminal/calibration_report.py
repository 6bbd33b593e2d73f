"""Calibrations on standard output: a list, and one of them with what it gained."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from scp.cli.terminal.listing import print_json, print_table
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from storage.calibrations.calibrations import Adoption, Kept

FINDINGS: Final = {
    "better": "better than the shipped weights",
    "no_gain": "no gain that can be told from chance",
    "worse": "not to be adopted: worse, or harmful",
}
GROUNDS: Final = {
    "error_falls": "the error on patients left out falls, and chance alone does not explain it",
    "error_same": "the change of the error on patients left out may be chance",
    "error_rises": "the error on patients left out rises",
    "shipped_predict_best": "the shipped weights predict the patients left out best",
    "false_zeros": "more patients with calcium are scored 0 than before",
    "kappa_falls": "the agreement of categories (kappa) falls",
    "phantoms_worse": "the shipped phantoms are scored worse",
    "phantoms_false_zeros": "a shipped phantom with calcium is scored 0",
}
LABELS: Final = {
    "error": "error of the root of Agatston",
    "kappa": "kappa of the category",
    "agreement": "same category, share",
    "mean_absolute_error": "error of the Agatston score",
    "sensitivity": "lesions counted, share",
    "false_lesions": "false lesions per review",
    "brier": "Brier score per review",
}
_COLUMNS: Final = ("id", "name", "fitted (UTC)", "patients", "finding", "sha256", "")
_MOST: Final = 20


def print_calibrations(
    kept: Sequence[Kept], adopted: Kept | None, decisions: Sequence[Adoption], *, as_json: bool
) -> None:
    """Print all calibrations; for people also the decisions."""
    if as_json:
        print_json(_list_fields(item, adopted) for item in kept)
        return
    print_table(_COLUMNS, (_format_cells(item, adopted) for item in kept))
    say(f"scoring: {'the shipped weights' if adopted is None else adopted.fitted.name}")
    for item in decisions:
        what = "the shipped weights" if item.calibration is None else item.calibration.fitted.name
        say(f"{item.adopted_at:%Y-%m-%d %H:%M} UTC  {what}, decided by {item.person}: {item.reason}")


def print_calibration(kept: Kept, *, as_json: bool) -> None:
    """Print one calibration: the finding, new false zeros first, figures, whose category changes, and the weights."""
    figures = json.loads(kept.fitted.figures_json)
    if as_json:
        fields = _list_fields(kept, None) | {
            "calibration": json.loads(kept.fitted.calibration_json),
            "cases": json.loads(kept.fitted.cases_json),
        }
        say(*json.dumps(fields | figures, indent=2, default=str).split("\n"))
        return
    say(*_describe(kept, figures))


def _describe(kept: Kept, figures: dict[str, Any]) -> Iterator[str]:
    held, phantoms = figures["held_out"], figures["phantoms"]
    yield f"calibration {kept.id or '(not kept)'}: {kept.fitted.name} (sha256 {kept.fitted.sha256[:12]})"
    yield f"finding: {FINDINGS[kept.fitted.finding]}"
    yield from (f"  {GROUNDS[code]}" for code in figures["grounds"])
    yield ""
    yield f"new false zeros: {len(held['new_false_zeros'])}, lifted: {len(held['lifted_false_zeros'])}"
    yield from _list_changes(held["new_false_zeros"])
    yield ""
    yield (
        f"{held['patients']} patients, {held['with_calcium']} with calcium; {held['reviews']} reviews, "
        f"{held['totals']} totals; each patient judged by weights fitted to the others:"
    )
    yield from _tabulate(held["figures"])
    others = [item for item in held["reclassified"] if item not in held["new_false_zeros"]]
    yield ""
    yield f"category changes: {len(held['reclassified'])}"
    yield from _list_changes(others)
    yield ""
    yield f"{phantoms['patients']} shipped phantoms, none of which taught anything:"
    yield from _tabulate(phantoms["figures"])
    yield from _list_changes(phantoms["reclassified"])
    yield ""
    pull = "infinite" if figures["pull"] is None else f"{figures['pull']:g}"
    yield f"pull to the shipped weights: {pull}; sharpness {figures['sharpness']:g}"
    yield from (
        f"  {item['hypothesis']}.{item['evidence']}: {item['shipped']:g} -> {item['calibrated']:g}"
        for item in figures["changes"][:_MOST]
    )
    yield from (f"left out: {item['series_instance_uid']}: {item['why']}" for item in figures["left_out"])


def _tabulate(figures: dict[str, Any]) -> Iterator[str]:
    yield f"  {'':28}{'shipped':>10}{'calibrated':>12}{'difference (95 % interval)':>36}"
    for name, label in LABELS.items():
        shipped, calibrated, difference = (figures[name][key] for key in ("shipped", "calibrated", "difference"))
        if shipped is None or calibrated is None or difference is None:
            continue
        change = f"{difference[0]:+.3f} ({difference[1]:+.3f} to {difference[2]:+.3f})"
        yield f"  {label:28}{shipped[0]:>10.3f}{calibrated[0]:>12.3f}{change:>36}"


def _list_changes(changes: Sequence[dict[str, Any]]) -> Iterator[str]:
    for item in changes:
        yield (f"  {item['series_instance_uid']}: {item['shipped']} -> {item['calibrated']} (reader: {item['reader']})")


def _format_cells(item: Kept, adopted: Kept | None) -> tuple[str, ...]:
    patients = json.loads(item.fitted.figures_json)["held_out"]["patients"]
    return (
        str(item.id),
        item.fitted.name,
        f"{item.created_at:%Y-%m-%d %H:%M}",
        str(patients),
        item.fitted.finding,
        item.fitted.sha256[:12],
        "scoring" if adopted is not None and adopted.id == item.id else "",
    )


def _list_fields(item: Kept, adopted: Kept | None) -> dict[str, object]:
    return {
        "id": item.id,
        "name": item.fitted.name,
        "sha256": item.fitted.sha256,
        "finding": item.fitted.finding,
        "software_version": item.fitted.software_version,
        "created_at": item.created_at,
        "adopted": adopted is not None and adopted.id == item.id,
    }
