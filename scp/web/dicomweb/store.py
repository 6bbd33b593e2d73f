"""STOW-RS: objects come in, and are durable before the answer (PS3.18 10.5, annex I)."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response

from dicom import status
from dicom.json_model import Element, make_element
from scp.network.errors import TooLong
from scp.services.storage import StorageScp
from scp.services.storage_rules import StorageRules
from scp.web.audit import note
from scp.web.dicomweb.body import Body, DisconnectedError
from scp.web.dicomweb.media import DICOM, RELATED, Offer, choose, parse_media_type, read_accepted
from scp.web.dicomweb.models import ONE_MODEL_OFFERS, respond_model
from scp.web.dicomweb.parts import LONGEST_BOUNDARY, Multipart
from scp.web.dicomweb.resources import Uid, find_base, locate
from scp.web.dicomweb.storing import Outcome, Storing
from scp.web.identity import Person, find_person
from scp.web.services import Services, find_services

log = structlog.get_logger(__name__)

MOST_AT_ONCE: Final = 8
"""Requests that are read at the same time; further ones are told to come again."""
_RETRY_SECONDS: Final = 10
_LONGEST_AE_TITLE: Final = 16


def _require_sender(request: Request) -> Person:
    """Give the person or machine that may store: role "store", or "operate". Raises HTTPException (401, 403)."""
    person = find_person(request)
    if person is None:
        raise HTTPException(401)
    if not (person.may("store") or person.may("operate")):
        raise HTTPException(403)
    return person


router: Final = APIRouter(dependencies=[Depends(_require_sender)])


@router.post("/studies")
async def store(request: Request) -> Response:
    """Store objects of any studies."""
    return await _store(request, "")


@router.post("/studies/{study}")
async def store_study(request: Request, study: Uid) -> Response:
    """Store objects of one study."""
    return await _store(request, study)


async def _store(request: Request, study: str) -> Response:
    offer = choose(read_accepted(request), ONE_MODEL_OFFERS)
    boundary = _read_boundary(request)
    services = find_services(request)
    limiter = _find_limiter(request)
    if limiter.available_tokens < 1:
        raise HTTPException(503, "too many objects are being stored; try again", {"Retry-After": str(_RETRY_SECONDS)})
    node = services.settings.node
    body = Body(request, idle_seconds=node.dimse_timeout, bytes_per_second=node.slowest_bytes_per_second)
    receive = functools.partial(_receive, request, services, Multipart(boundary, body.read()), study)
    try:
        outcomes = await to_thread.run_sync(receive, limiter=limiter)
    except TooLong as error:
        raise HTTPException(413, str(error)) from error
    except DisconnectedError:
        log.warning("a STOW-RS request ended early")
        return Response(None, 400)
    return _answer(request, offer, outcomes)


def _receive(request: Request, services: Services, multipart: Multipart, study: str) -> list[Outcome]:
    """Store what comes, in a thread of its own."""
    storage = _find_storage(request, services)
    if shortage := storage.find_shortage():
        raise HTTPException(503, shortage, {"Retry-After": str(_RETRY_SECONDS)})
    person = find_person(request)
    outcomes = Storing(storage, name_sender(person), study).store(multipart)
    stored = sum(outcome.status == status.SUCCESS for outcome in outcomes)
    log.info("objects came by STOW-RS", stored=stored, failed=len(outcomes) - stored)
    for series in sorted({item.series_instance_uid for item in outcomes if item.status == status.SUCCESS}):
        note(request, "stored", "by STOW-RS", series_instance_uid=series)
    return outcomes


def name_sender(person: Person | None) -> str:
    """Return what is recorded as the AE title that an object came from: valid as one (PS3.5 6.2)."""
    account = person.account if person is not None else ""
    legible = "".join(
        letter if letter.isascii() and letter.isprintable() and letter != "\\" else "?" for letter in account
    )
    return f"STOW:{legible}"[:_LONGEST_AE_TITLE].rstrip() if legible else "STOW"


def _read_boundary(request: Request) -> str:
    """Return the boundary of the body. Raises HTTPException (415, 400)."""
    try:
        media_type, parameters = parse_media_type(request.headers.get("content-type", ""))
    except ValueError:
        media_type, parameters = "", {}
    if media_type != RELATED or parameters.get("type", DICOM).lower() != DICOM:
        raise HTTPException(415, f'what is stored comes as {RELATED}; type="{DICOM}"')
    boundary = parameters.get("boundary", "")
    if not boundary or len(boundary) > LONGEST_BOUNDARY or not (boundary.isascii() and boundary.isprintable()):
        raise HTTPException(400, f"the Content-Type needs a boundary of 1 to {LONGEST_BOUNDARY} characters")
    return boundary


def _answer(request: Request, offer: Offer, outcomes: Sequence[Outcome]) -> Response:
    stored = [outcome for outcome in outcomes if outcome.status == status.SUCCESS]
    failed = [outcome for outcome in outcomes if outcome.status != status.SUCCESS]
    if not failed and stored:
        code = 200
    elif stored:
        code = 202
    elif failed and all(status.classify_outcome(outcome.status) == "transient" for outcome in failed):
        code = 503
    elif any(outcome.sop_instance_uid for outcome in failed):
        code = 409
    else:
        code = 400
    base = find_base(request)
    response = respond_model(offer, _describe(base, stored, failed), code)
    for reason in sorted({outcome.reason for outcome in failed if outcome.reason})[:10]:
        response.headers.append("Warning", f"299 {base}: {status.cut_comment(reason)}")
    return response


def _describe(base: str, stored: Sequence[Outcome], failed: Sequence[Outcome]) -> dict[str, Element]:
    """Make the Store Instances Response Module (PS3.18 table I.1-1)."""
    module: dict[str, Element] = {}
    studies = {outcome.study_instance_uid for outcome in stored}
    if len(studies) == 1 and "" not in studies:
        module["00081190"] = make_element("UR", locate(base, *studies))
    else:
        module["00081190"] = {"vr": "UR"}
    named = [_fail(item) for item in failed if item.sop_instance_uid]
    others = [{"00081197": make_element("US", item.status)} for item in failed if not item.sop_instance_uid]
    if named:
        module["00081198"] = make_element("SQ", *named)
    if stored:
        module["00081199"] = make_element("SQ", *(_refer(base, item) for item in stored))
    if others:
        module["0008119A"] = make_element("SQ", *others)
    return module


def _refer(base: str, item: Outcome) -> Mapping[str, Any]:
    reference = _name(item)
    if item.study_instance_uid and item.series_instance_uid:
        address = locate(base, item.study_instance_uid, item.series_instance_uid, item.sop_instance_uid)
        reference["00081190"] = make_element("UR", address)
    return dict(sorted(reference.items()))


def _fail(item: Outcome) -> Mapping[str, Any]:
    return {**_name(item), "00081197": make_element("US", item.status)}


def _name(item: Outcome) -> dict[str, Element]:
    return {"00081150": make_element("UI", item.sop_class_uid), "00081155": make_element("UI", item.sop_instance_uid)}


_making: Final = threading.Lock()


def _find_storage(request: Request, services: Services) -> StorageScp:
    """Return the service that takes objects in, one for the application; rejection notes do not count here."""
    state = request.app.state
    rules = StorageRules.from_settings(services.settings.node)
    with _making:
        if not hasattr(state, "storage"):
            state.storage = StorageScp(
                services.database,
                services.files,
                clock=services.clock,
                received=lambda _series, _holder: None,  # the node sees what is new in the tables
            )
        storage: StorageScp = state.storage
        storage.adopt(rules)
        return storage


def _find_limiter(request: Request) -> CapacityLimiter:
    state = request.app.state
    if not hasattr(state, "storing"):
        state.storing = CapacityLimiter(MOST_AT_ONCE)
    limiter: CapacityLimiter = state.storing
    return limiter
