"""What becomes of results: their documents, where these go, and how deliveries are retried."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from config.section import ONCE, LongString, Seconds, Section

DocumentKind = Literal["sr", "overlay", "seg", "pdf", "letter"]
SrTemplate = Literal["tid1500", "tid1500-3d", "tid3900"]
Language = Literal["en", "de"]

_MOST_SERIES: Final = 16
"""Series of a result, each with the number after that of the one before (IS: at most 2**31 - 1)."""


class ResultsSettings(Section):
    """Destinations and documents of the results, and how deliveries are retried.

    A commitment that is not answered within `commit_timeout_seconds` is asked for again.
    """

    destinations: Annotated[tuple[str, ...], ONCE] = ()
    documents: Annotated[tuple[DocumentKind, ...], ONCE] = Field(default=("sr", "overlay"), min_length=1)
    series_number: int = Field(default=9001, ge=1, le=2**31 - 1 - _MOST_SERIES)
    series_description: LongString = "Coronary calcium score"
    warning_text: str = Field(default="RESEARCH USE: not a medical device", min_length=1)
    institution: LongString = ""
    logo: Path | None = None
    language: Language = "en"
    texts: Path | None = None
    fonts: Path | None = None
    overlay: Literal["single", "multiframe"] = "single"
    not_scorable_report: bool = False
    retry_first_seconds: Seconds = 5
    retry_longest_seconds: Seconds = 900
    retry_attempts: int = Field(default=2000, ge=1, le=1_000_000)
    commit_timeout_seconds: Seconds = 3600
