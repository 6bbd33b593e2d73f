"""The documents that `coronode score --documents` writes for each series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from config.errors import CoronodeError
from config.settings import Document, ResultsSettings, Settings
from scp.cli.terminal.documents import write
from scp.cli.terminal.table import Row, file_name

if TYPE_CHECKING:
    from scoring.images.series import SeriesFiles
    from scoring.report.common.document_file import Made
    from scp.work.scoring_process import DocumentRequest


@dataclass(frozen=True, slots=True)
class Wanted:
    """Kinds of documents, and where their folders lie."""

    out: Path
    kinds: tuple[Document, ...]
    settings: ResultsSettings

    @classmethod
    def of(cls, out: Path, kinds: tuple[Document, ...], settings: Settings) -> Self:
        """Raises ConfigurationError when the site's words, logo or fonts cannot be used."""
        from scoring.report.printed import site

        site.check(settings.results)
        return cls(out, kinds, settings.results)

    def documented(self, row: Row, found: SeriesFiles, make: Callable[[DocumentRequest], list[Made]]) -> Row:
        """Make and write the documents of a scored series at once, so that they stay nowhere else.

        A series without a score gets its report where the configuration wants one; documents that cannot be made leave
        their reason in the row.
        """
        from scoring.report.common.request import ReportRequest
        from scp.work.scoring_process import DocumentRequest

        score = row.score
        if score is None or (score.status != "scored" and not self.settings.not_scorable_report):
            return row
        now = datetime.now(UTC).replace(microsecond=0)
        request = ReportRequest.of(self.settings, version=1, created=now)
        try:
            made = make(DocumentRequest(score.to_json(), found.paths, self.kinds, request))
            write(self.out / file_name(row.series_instance_uid), self.kinds, made)
        except (CoronodeError, ValueError) as error:
            return replace(row, undocumented=str(error))
        return replace(row, made_at=now)
