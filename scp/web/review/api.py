"""The review of a series for the page's script: its state, its edits, its signature."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field, StrictInt

from config.errors import NotScorable
from scoring.report.common.catalogue import sentence
from scoring.review.edits import EditRefused
from scp.reviewing.desk import Change, Desk, Seen
from scp.reviewing.scans import Scans
from scp.reviewing.state import describe
from scp.web.audit import NOBODY, note_view
from scp.web.identity import Person, require
from scp.web.rendering import find_texts
from scp.web.services import find_services
from storage.reviews import drafts
from storage.reviews.drafts import Author, Stale
from storage.series.states import UnknownSeries

router: Final = APIRouter(prefix="/api/reviews/{series_instance_uid}")

LONGEST_NAME: Final = 64
"""Characters of a Person Name's component group (PS3.5 6.2)."""

MEMORY_BYTES: Final = 512 * 2**20
"""Scans that are kept in memory: about fifteen of 60 images."""

Viewer = Annotated[Person, Depends(require("view"))]
Reviewer = Annotated[Person, Depends(require("review"))]

_making: Final = threading.Lock()


class Revision(BaseModel):
    """Which state of the review a change is made to."""

    revision: StrictInt


class EditRequest(Revision):
    """An edit."""

    edit: dict[str, Any]


class SignRequest(Revision):
    """A signature; `reader` is the name where the account has none."""

    reader: str = Field("", max_length=1000)


def find_desk(request: Request) -> Desk:
    """Return the desk of the application, made when it is first asked for."""
    state = request.app.state
    with _making:
        if not hasattr(state, "desk"):
            services = find_services(request)
            state.desk = Desk(services.installation, Scans(MEMORY_BYTES))
        desk: Desk = state.desk
        return desk


@router.get("")
def show(request: Request, series_instance_uid: str, person: Viewer) -> Response:
    """Return the review as it stands."""
    response = _answer(request, person, lambda desk: desk.show(series_instance_uid), series_instance_uid)
    if response.status_code == HTTPStatus.OK:
        note_view(request, series_instance_uid)
    return response


@router.post("/edits")
def edit(request: Request, series_instance_uid: str, person: Reviewer, body: EditRequest) -> Response:
    """Make an edit."""

    def make(desk: Desk) -> Seen:
        return desk.edit(series_instance_uid, body.revision, body.edit, _name(person))

    return _answer(request, person, make, series_instance_uid)


@router.post("/undo")
def undo(request: Request, series_instance_uid: str, person: Reviewer, body: Revision) -> Response:
    """Undo the last edit."""
    return _change(request, series_instance_uid, person, body, drafts.undo)


@router.post("/redo")
def redo(request: Request, series_instance_uid: str, person: Reviewer, body: Revision) -> Response:
    """Make the edit again that was undone last."""
    return _change(request, series_instance_uid, person, body, drafts.redo)


@router.post("/restart")
def restart(request: Request, series_instance_uid: str, person: Reviewer, body: Revision) -> Response:
    """Return to the automatic result."""
    return _change(request, series_instance_uid, person, body, drafts.restart)


@router.post("/sign")
def sign(request: Request, series_instance_uid: str, person: Reviewer, body: SignRequest) -> Response:
    """Sign the review as it stands."""

    def make(desk: Desk) -> int:
        reader = person.name or body.reader.strip()
        if not reader:
            raise EditRefused("reader_missing")
        if len(reader) > LONGEST_NAME or not reader.isprintable():
            raise EditRefused("reader_wrong", limit=LONGEST_NAME)
        author = Author(person.account, reader)
        return desk.sign(series_instance_uid, body.revision, author, person=person.account or NOBODY)

    return _answer(request, person, make, series_instance_uid)


def _change(request: Request, series_instance_uid: str, person: Person, body: Revision, change: Change) -> Response:
    def make(desk: Desk) -> Seen:
        return desk.change(series_instance_uid, body.revision, change, _name(person))

    return _answer(request, person, make, series_instance_uid)


def _answer(request: Request, person: Person, act: Callable[[Desk], Seen | int], series_instance_uid: str) -> Response:
    """Answer with the state that an action leaves or the version that it made, or say why it was not done."""
    desk, texts = find_desk(request), find_texts(request)

    def tell(seen: Seen) -> dict[str, Any]:
        return describe(seen, find_services(request).database, texts, may_review=person.may("review"))

    try:
        done = act(desk)
        return JSONResponse({"version": done} if isinstance(done, int) else tell(done))
    except EditRefused as refusal:
        return JSONResponse({"error": texts(f"review.{refusal.code}", **refusal.values)}, 422)
    except Stale:
        return JSONResponse({"error": texts("review.stale"), "state": tell(desk.show(series_instance_uid))}, 409)
    except UnknownSeries as error:
        raise HTTPException(404, str(error)) from error
    except NotScorable as verdict:
        raise HTTPException(409, sentence(verdict, texts)) from verdict


def _name(person: Person) -> Author:
    return Author(person.account, person.name)
