"""Readings come in by a form, and are taken back."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from fastapi.responses import RedirectResponse, Response

from scp.validating import intake
from scp.validating.table import LONGEST_FILE, UnusableTable
from scp.web import audit
from scp.web.identity import Person, require
from scp.web.rendering import find_texts
from scp.web.services import find_services
from scp.web.validation.figures import render_figures
from scp.web.validation.watching import forget

router: Final = APIRouter()

Operator = Annotated[Person, Depends(require("operate"))]
_LONGEST_READER: Final = 200


@router.post("/validation/readings")
def upload(
    request: Request,
    person: Operator,
    file: UploadFile,
    reader: Annotated[str, Form(max_length=_LONGEST_READER)] = "",
    action: Annotated[str, Form()] = "check",
) -> Response:
    """Record the readings of a CSV file, or only say what would be recorded: an answer with every row not used."""
    services, texts = find_services(request), find_texts(request)
    content = file.file.read(LONGEST_FILE + 1)
    dry_run = action != "upload"
    name = (file.filename or "upload.csv").replace("\\", "/").rsplit("/", 1)[-1]
    try:
        matched = intake.take_table(
            services.installation,
            content,
            name,
            reader=" ".join(reader.split()),
            person=person.account or audit.NOBODY,
            dry_run=dry_run,
        )
    except UnusableTable as error:
        return render_figures(request, 422, fault=str(error))
    forget(services)
    key = "validation.would_upload" if dry_run else "validation.uploaded"
    return render_figures(request, said=texts(key, count=len(matched.readings)), matched=matched)


@router.post("/validation/readings/withdraw")
def take_back(request: Request, person: Operator, source: Annotated[str, Form()]) -> Response:
    """Take back every reading of a source."""
    services = find_services(request)
    intake.take_back(services.installation, source, person=person.account or audit.NOBODY)
    forget(services)
    return RedirectResponse("/validation#upload", 303)
