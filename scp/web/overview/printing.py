"""The report of a result as PDF, made when somebody asks for it."""

from __future__ import annotations

import threading
from dataclasses import replace
from io import BytesIO
from typing import Final

from fastapi import HTTPException, Request
from pydicom import dcmread

from config.errors import CoronodeError
from scoring.report.common.request import ReportRequest
from scoring.result import Score
from scp.web.rendering import find_language
from scp.web.services import find_services
from storage.series import slices
from storage.series.results import Result

_WAIT_SECONDS: Final = 20.0
# it reads the images of a whole series: one at a time, so that many readers do not fill the memory
_press: Final = threading.Lock()


def print_report(request: Request, result: Result) -> bytes:
    """Print a result in the reader's language. Raises HTTPException when it has no score, or others print just now."""
    from scoring.report import documents  # noqa: PLC0415  # loads what no other page needs

    if result.status != "scored" or not result.score_json:
        raise HTTPException(404)
    services = find_services(request)
    settings, language = services.settings.results, find_language(request)
    wanted = ReportRequest.of(settings, version=result.version, created=result.created_at)
    own = settings.texts if language == settings.language else None
    files = slices.require_files(services.database, services.files, result.series_instance_uid)
    if not _press.acquire(timeout=_WAIT_SECONDS):
        raise HTTPException(503, "other reports are being printed; try again in a moment")
    try:
        made = documents.make(
            Score.from_json(result.score_json), files, ("pdf",), replace(wanted, language=language, texts=own)
        )
    except ValueError as error:
        raise CoronodeError(f"the report cannot be made: {error}") from error
    finally:
        _press.release()
    (document,) = made
    dataset = dcmread(BytesIO(document.content))
    content: bytes = dataset.EncapsulatedDocument
    return content[: dataset.EncapsulatedDocumentLength]
