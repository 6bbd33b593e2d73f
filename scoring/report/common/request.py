"""The caller's choices for the documents of one result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from config.results import Language, ResultsSettings


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The document that a new one replaces (PS3.3 C.17.2, Predecessor Documents Sequence)."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """One version of the documents of a result.

    `version` counts the results of a series from 1. `created` needs a time zone; with the same `created`
    a repeated build gives the same bytes. `device_uid` names the installation (TID 1004); None takes the
    one of the software. `institution`, `logo`, `language`, `texts` (the site's own words) and `fonts` (a folder)
    are those of pictures, report and letter; `overlay` says whether the pictures are one object. Raises ValueError for
    a version below 1 or a `created` without time zone.
    """

    version: int
    created: datetime
    predecessor: Predecessor | None = None
    series_number: int = ResultsSettings().series_number
    series_description: str = ResultsSettings().series_description
    warning_text: str = ResultsSettings().warning_text
    device_uid: str | None = None
    institution: str = ResultsSettings().institution
    logo: Path | None = None
    language: Language = ResultsSettings().language
    texts: Path | None = None
    fonts: Path | None = None
    overlay: Literal["single", "multiframe"] = ResultsSettings().overlay

    @classmethod
    def of(
        cls, settings: ResultsSettings, *, version: int, created: datetime, predecessor: Predecessor | None = None
    ) -> Self:
        """A request with everything that a site has configured for all its documents."""
        return cls(
            version=version,
            created=created,
            predecessor=predecessor,
            series_number=settings.series_number,
            series_description=settings.series_description,
            warning_text=settings.warning_text,
            institution=settings.institution,
            logo=settings.logo,
            language=settings.language,
            texts=settings.texts,
            fonts=settings.fonts,
            overlay=settings.overlay,
        )

    def __post_init__(self) -> None:
        """Refuse a request that would give an invalid or ambiguous document."""
        if self.version < 1:
            raise ValueError(f"the version of a result counts from 1, not {self.version}")
        if self.created.utcoffset() is None:
            raise ValueError("the time of creation of a document needs a time zone")
