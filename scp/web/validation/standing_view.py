"""Whether results are held back, as the pages tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scoring.report.common.texts import Texts
from scp.validating.standing import Standing


@dataclass(frozen=True, slots=True)
class Banner:
    """A line at the head of a page, and how it is coloured."""

    kind: Literal["good", "warn", ""]
    words: str


def describe_standing(standing: Standing, texts: Texts) -> Banner:
    """Say whether results are held back here, and by whose decision they are not."""
    if standing.holds_back:
        return Banner("warn", texts("validation.held_banner"))
    if standing.decision is not None and standing.shadow:
        day = texts.date(standing.decision.decided_at.astimezone().date().isoformat())
        return Banner("good", texts("validation.live_banner", date=day, name=standing.decision.name))
    return Banner("", texts("validation.open_banner"))
