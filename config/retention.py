"""Settings: how long objects and results are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from config.section import Section

Days = Annotated[int, Field(ge=1, le=36500)]
Percent = Annotated[int, Field(ge=1, le=99)]


class RetentionSettings(Section):
    """How long objects and results are kept; a key without a value deletes nothing.

    Days count from the last object of a series or the last change of its state, whichever is later. From `high_percent`
    of the disk on, images of delivered series are deleted, the oldest first, until `low_percent`. `promised_days` is
    for objects of which a peer was told by Storage Commitment that they are kept.
    """

    images_days: Days | None = None
    not_scorable_days: Days | None = None
    kept_days: Days | None = None
    documents_days: Days | None = None
    results_days: Days | None = None
    quarantine_days: Days | None = None
    rejected_days: Days | None = None
    promised_days: Days | None = None
    high_percent: Percent | None = None
    low_percent: Percent | None = None

    @property
    def is_on(self) -> bool:
        """True if anything is ever deleted."""
        return self.high_percent is not None or any(self.list_ages().values())

    def list_ages(self) -> dict[str, timedelta]:
        """Return the configured ages by what they are for: "images", "results" and so on."""
        ages = {
            name.removesuffix("_days"): value
            for name, value in self
            if name.endswith("_days") and name != "promised_days" and value is not None
        }
        return {name: timedelta(days=value) for name, value in ages.items()}

    @model_validator(mode="after")
    def _keep_marks_apart(self) -> Self:
        if (self.high_percent is None) != (self.low_percent is None):
            raise ValueError("high_percent and low_percent belong together: give both, for instance 85 and 80")
        if self.high_percent is not None and self.low_percent is not None and self.low_percent >= self.high_percent:
            raise ValueError(
                f"low_percent {self.low_percent} must be below high_percent {self.high_percent}, for instance 80 and 85"
            )
        return self

    @model_validator(mode="after")
    def _keep_results_longest(self) -> Self:
        for name in ("images_days", "documents_days", "not_scorable_days"):
            days = getattr(self, name)
            if self.results_days is not None and days is not None and days > self.results_days:
                raise ValueError(
                    f"results_days {self.results_days} deletes a series with everything of it, so {name} {days} must "
                    "not be longer"
                )
        return self
