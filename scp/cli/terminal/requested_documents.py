"""The documents that `coronode score --documents` writes for each series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from config.errors import CoronodeError
from config.results import DocumentKind, ResultsSettings
from config.settings import Settings
from scp.cli.terminal.document_folder import write_documents
from scp.cli.terminal.score_table import Row, choose_file_name

if TYPE_CHECKING:
    from scoring.images.series import SeriesFiles
    from scoring.report.common.document_file import DocumentFile
    from scp.work.requests import DocumentRequest


@dataclass(frozen=True, slots=True)
class RequestedDocuments:
    """Kinds of documents, and the folder that contains a folder of them for each series."""

    out: Path
    kinds: tuple[DocumentKind, ...]
    settings: ResultsSettings

    @classmethod
    def in_folder(cls, out: Path, kinds: tuple[DocumentKind, ...], settings: Settings) -> Self:
        """Write documents to `out`. Raises ConfigurationError when the site's words, logo or fonts cannot be used."""
        from scoring.report.typeset import site

        site.check(settings.results)
        return cls(out, kinds, settings.results)

    def add(self, row: Row, item: SeriesFiles, make: Callable[[DocumentRequest], list[DocumentFile]]) -> Row:
        """Make and write the documents of a scored series, and record the time in its row.

        They are written at once, so that they are not kept in memory. A series without a score gets a report where the
        configuration asks for one; if documents cannot be made, the reason is recorded in the row.
        """
        from scoring.report.common.request import ReportRequest
        from scp.work.requests import DocumentRequest

        score = row.score
        if score is None or (score.status != "scored" and not self.settings.not_scorable_report):
            return row
        now = datetime.now(UTC).replace(microsecond=0)
        request = ReportRequest.of(self.settings, version=1, created=now)
        try:
            documents = make(DocumentRequest(score.to_json(), item.paths, self.kinds, request))
            write_documents(self.out / choose_file_name(row.series_instance_uid), self.kinds, documents)
        except (CoronodeError, ValueError) as error:
            return replace(row, undocumented=str(error))
        return replace(row, made_at=now)
