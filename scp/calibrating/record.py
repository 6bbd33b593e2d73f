"""A proposal as the JSON that is kept with it: the cases it rests on, and what it gained before anybody adopted it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from scoring.calibration.figures import FIGURES, Answer, Comparison, Estimate
from scoring.calibration.refit import Proposal, Trial
from scoring.judgement.calibration import INTERCEPT
from scoring.judgement.hypotheses import LEARNT, load_weights
from scp.calibrating.measuring import LeftOut
from scp.calibrating.sources import Source
from storage.calibrations.calibrations import Fitted


def build_record(
    proposal: Proposal, sources: Sequence[Source], left_out: Sequence[LeftOut], software_version: str
) -> Fitted:
    """What is kept of a proposal."""
    calibration = proposal.calibration
    versions = {item.series_instance_uid: item.version for item in sources}
    cases = [
        _describe_case(before, after, versions[before.series_instance_uid])
        for before, after in zip(proposal.held_out.before, proposal.held_out.after, strict=True)
    ]
    figures = {
        "grounds": list(proposal.grounds),
        "pull": _plain(proposal.pull),
        "losses": [{"pull": _plain(pull), "loss": loss} for pull, loss in proposal.losses.items()],
        "sharpness": calibration.sharpness,
        "left_out": [{"series_instance_uid": item.series_instance_uid, "why": item.why} for item in left_out],
        "held_out": _describe_trial(proposal.held_out),
        "phantoms": _describe_trial(proposal.phantoms),
        "changes": _list_changes(calibration.weights),
    }
    return Fitted(
        name=calibration.name,
        sha256=calibration.sha256,
        calibration_json=calibration.to_json(),
        cases_json=json.dumps(cases),
        figures_json=json.dumps(figures),
        finding=proposal.finding,
        software_version=software_version,
    )


def _describe_case(before: Answer, after: Answer, version: int) -> dict[str, Any]:
    return {
        "series_instance_uid": before.series_instance_uid,
        "version": version,
        "answer": "review" if before.is_review else "totals",
        "read": before.read,
        "shipped": round(before.total, 4),
        "calibrated": round(after.total, 4),
    }


def _describe_trial(trial: Trial) -> dict[str, Any]:
    patients = {item.patient for item in trial.before}
    return {
        "patients": len(patients),
        "with_calcium": len({item.patient for item in trial.before if item.read > 0}),
        "reviews": sum(item.is_review for item in trial.before),
        "totals": sum(not item.is_review for item in trial.before),
        "new_false_zeros": [_describe_change(*pair) for pair in trial.reclassified if pair[1].is_false_zero],
        "lifted_false_zeros": [item.series_instance_uid for item in trial.lifted_false_zeros],
        "reclassified": [_describe_change(*pair) for pair in trial.reclassified],
        "figures": _describe_figures(trial.figures),
    }


def _describe_change(before: Answer, after: Answer) -> dict[str, Any]:
    return {
        "series_instance_uid": before.series_instance_uid,
        "shipped": before.category,
        "calibrated": after.category,
        "reader": before.read_category,
    }


def _describe_figures(figures: Comparison) -> dict[str, Any]:
    return {
        name: {
            "shipped": _describe_estimate(figures.before[name]),
            "calibrated": _describe_estimate(figures.after[name]),
            "difference": _describe_estimate(figures.difference[name]),
        }
        for name in FIGURES
    }


def _describe_estimate(estimate: Estimate) -> list[float] | None:
    values = (estimate.value, estimate.low, estimate.high)
    return [round(value, 4) for value in values] if all(map(math.isfinite, values)) else None


def _list_changes(weights: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    """Every weight that differs from the shipped one, the largest change first."""
    shipped = load_weights()
    changes = [
        {"hypothesis": reason, "evidence": name, "shipped": shipped[reason][name], "calibrated": weights[reason][name]}
        for reason, evidence in LEARNT.items()
        for name in (INTERCEPT, *evidence)
        if weights[reason][name] != shipped[reason][name]
    ]
    return sorted(changes, key=lambda item: -abs(float(item["calibrated"]) - float(item["shipped"])))


def _plain(pull: float) -> float | None:
    return pull if math.isfinite(pull) else None
