"""What the forms of this room share: who may send them, and where they return to."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Form
from fastapi.responses import RedirectResponse
from pydantic import Field

from scp.web import audit
from scp.web.identity import Person, require

Viewer = Annotated[Person, Depends(require("view"))]
Operator = Annotated[Person, Depends(require("operate"))]
Administrator = Annotated[Person, Depends(require("administer"))]

MOST: Final = 2**31 - 1
"""The largest number of a row; a database refuses larger ones."""

RowNumber = Annotated[int, Field(ge=0, le=MOST)]
Numbers = Annotated[list[RowNumber], Form()]
Name = Annotated[str, Form(max_length=64)]
Back = Annotated[str, Form(max_length=300)]

_PLACES: Final = ("/outbox", "/attention", "/quarantine", "/system", "/series/")
"""Pages that a form may return to."""


def name_person(person: Person) -> str:
    """Return the name of a person for the audit log."""
    return person.account or audit.NOBODY


def return_to(back: str, otherwise: str) -> RedirectResponse:
    """Return to the page that a form stood on (303), or to another one when it names no page of ours."""
    own = back if back.startswith(_PLACES) and "\\" not in back and "//" not in back else otherwise
    return RedirectResponse(own, 303)
