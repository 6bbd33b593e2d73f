"""The figures of what is recorded here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from scoring.validation.assessment import Assessment, assess
from scoring.validation.pair import BY, By
from scp.installation import Installation
from scp.validating.pairing import pair_stored


def assess_stored(
    installation: Installation,
    *,
    since: datetime | None = None,
    reader: str | None = None,
    by: Sequence[By] = BY,
) -> Assessment:
    """Assess the readings and signed reviews in the index."""
    paired = pair_stored(installation.database, since=since, reader=reader)
    return assess(paired.pairs, paired.left_out, by=by)
