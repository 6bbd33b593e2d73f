"""Whether results are held back here, and the decisions that change that."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from config.errors import Permanent
from scoring.validation.assessment import Assessment
from scoring.validation.drift import Baseline, Share, count_refused, count_zeros, sum_traffic
from scoring.validation.estimate import Estimate
from scp.installation import Installation
from scp.validating.traffic import list_traffic
from storage.validation import decisions, holding
from storage.validation.decisions import Decision, Kind

LONGEST_REASON = 2000
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Standing:
    """What is configured and decided; `held` counts the results that are held back."""

    shadow: bool
    decision: Decision | None
    held: int

    @property
    def holds_back(self) -> bool:
        """True if what is scored now is held back."""
        return self.shadow and self.decision is None


def find_standing(installation: Installation) -> Standing:
    """Find out whether results are held back, and why."""
    database = installation.database
    return Standing(
        installation.settings.validation.shadow, decisions.find_current(database), holding.count_held(database)
    )


def go_live(installation: Installation, assessment: Assessment, *, name: str, reason: str, person: str) -> Decision:
    """Record the decision to go live with the figures of this moment. Raises Permanent where it cannot be taken."""
    figures = assessment.to_dict() | {"baseline": asdict(_measure(installation, assessment))}
    figures.pop("worst")  # cases of patients are found by their readings
    return _decide(installation, Kind.GO_LIVE, name, reason, person, json.dumps(figures, allow_nan=False))


def withdraw(installation: Installation, *, name: str, reason: str, person: str) -> Decision:
    """Take the decision to go live back: what is scored from now on is held back again. Raises Permanent."""
    return _decide(installation, Kind.WITHDRAW, name, reason, person, "")


def read_baseline(decision: Decision) -> Baseline | None:
    """Read the figures with which later ones are compared; None where the decision has none."""
    try:
        figures = json.loads(decision.figures)["baseline"]
        return Baseline(Estimate(**figures["kappa"]), Share(**figures["zeros"]), Share(**figures["not_scorable"]))
    except (ValueError, KeyError, TypeError):
        return None


def _measure(installation: Installation, assessment: Assessment) -> Baseline:
    traffic = sum_traffic(list_traffic(installation.database))
    return Baseline(assessment.total.kappa_linear, count_zeros(traffic), count_refused(traffic))


def _decide(installation: Installation, kind: Kind, name: str, reason: str, person: str, figures: str) -> Decision:
    name, reason = " ".join(name.split()), " ".join(reason.split())
    if not name or len(name) > LONGEST_NAME:
        raise Permanent(f"a decision has a name: who decides (1 to {LONGEST_NAME} characters)")
    if not reason or len(reason) > LONGEST_REASON:
        raise Permanent(f"a decision has a reason (1 to {LONGEST_REASON} characters)")
    if not installation.settings.validation.shadow:
        raise Permanent("nothing is held back here: validation.shadow is false in the configuration")
    decision = Decision(kind, name, person, reason, figures, installation.clock())
    decisions.decide(installation.database, decision)
    return decision
