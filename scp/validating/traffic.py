"""What was scored month by month and scanner by scanner."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from scoring.validation.drift import Traffic
from scp.work.documents import NOBODY_EXPECTS_A_SCORE
from storage.database.engine import Database
from storage.validation import scored

_ZERO = "0"


def list_traffic(database: Database, *, since: datetime | None = None) -> list[Traffic]:
    """Count scored series, zeros and refusals by month (UTC, YYYY-MM) and scanner, the oldest month first.

    Series that nobody expects a score of, such as localizers, are not counted.
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    for one in scored.list_outcomes(database, since=since):
        key = (f"{one.created_at:%Y-%m}", one.scanner)
        if one.status == "scored":
            counts[*key, "scored"] += 1
            counts[*key, "zeros"] += one.category == _ZERO
        elif one.reason_code not in NOBODY_EXPECTS_A_SCORE:
            counts[*key, "not_scorable"] += 1
    return [
        Traffic(month, scanner, *(counts[month, scanner, kind] for kind in ("scored", "zeros", "not_scorable")))
        for month, scanner in sorted({(month, scanner) for month, scanner, _ in counts})
    ]
