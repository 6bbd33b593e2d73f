"""Settings of validation: readers' values against ours."""

from __future__ import annotations

from pydantic import Field

from config.section import Section


class ValidationSettings(Section):
    """With `shadow` every result is held back, until an administrator decides to go live.

    `drift_months` is how many months of readings are compared with those of the decision.
    """

    shadow: bool = False
    drift_months: int = Field(default=3, ge=1, le=24)
