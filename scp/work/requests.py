"""Requests to the scoring process: plain values, sent through its pipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from config.results import DocumentKind, SrTemplate
from config.settings import ScoringSettings, SelectionSettings
from scoring.report.common.request import ReportRequest
from scoring.risk.context import Context

NO_CONTEXT: Final = Context()


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """Files of one series and how to score them.

    `mask` is a file, `context` the patient data that images lack, `calibration` the site's own weights as
    JSON: the node itself need not read them.
    """

    files: tuple[Path, ...]
    scoring: ScoringSettings
    selection: SelectionSettings
    mask: Path | None = None
    context: Context = NO_CONTEXT
    calibration: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentRequest:
    """A score (JSON), the files of its series, the documents to make of it, and the forms of the report."""

    score: str
    files: tuple[Path, ...]
    kinds: tuple[DocumentKind, ...]
    report: ReportRequest
    templates: tuple[SrTemplate, ...] = ("tid1500",)


Request: TypeAlias = ScoreRequest | DocumentRequest
