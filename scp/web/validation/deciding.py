"""Decisions by forms: go live, take that back, release what is held."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from config.errors import Permanent
from scp.validating import standing
from scp.validating.figures import assess_stored
from scp.web import audit
from scp.web.identity import Person, require
from scp.web.services import find_services
from scp.web.validation.figures import render_figures
from scp.web.validation.watching import forget
from storage.validation import holding

router: Final = APIRouter()

Administrator = Annotated[Person, Depends(require("administer"))]
Operator = Annotated[Person, Depends(require("operate"))]
Words = Annotated[str, Form()]


@router.post("/validation/go-live")
def go_live(request: Request, person: Administrator, name: Words = "", reason: Words = "") -> Response:
    """Decide that results are sent from now on."""
    services = find_services(request)
    installation = services.installation
    try:
        standing.go_live(installation, assess_stored(installation), name=name, reason=reason, person=_account(person))
    except Permanent as error:
        return render_figures(request, 422, fault=str(error))
    forget(services)
    return RedirectResponse("/validation#decision", 303)


@router.post("/validation/withdraw")
def withdraw(request: Request, person: Administrator, name: Words = "", reason: Words = "") -> Response:
    """Take the decision to go live back."""
    services = find_services(request)
    try:
        standing.withdraw(services.installation, name=name, reason=reason, person=_account(person))
    except Permanent as error:
        return render_figures(request, 422, fault=str(error))
    forget(services)
    return RedirectResponse("/validation#decision", 303)


@router.post("/validation/release")
def release(request: Request, person: Operator, series_instance_uid: Words = "") -> Response:
    """Release the result of a series that is held back, or every one where none is named."""
    services = find_services(request)
    holding.release(
        services.database,
        services.clock(),
        series_instance_uids=[series_instance_uid] if series_instance_uid else None,
        person=_account(person),
    )
    return RedirectResponse("/validation#decision", 303)


def _account(person: Person) -> str:
    return person.account or audit.NOBODY
