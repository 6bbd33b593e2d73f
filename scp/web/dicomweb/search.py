"""QIDO-RS: what studies, series and instances there are (PS3.18 10.6)."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydicom.datadict import dictionary_VR, tag_for_keyword

from dicom import json_model
from dicom.answers import clean_values
from dicom.json_model import Element, make_element, make_text_element
from scp.web.audit import note
from scp.web.dicomweb.media import choose, read_accepted
from scp.web.dicomweb.models import MODEL_OFFERS, respond_models
from scp.web.dicomweb.question import read_question
from scp.web.dicomweb.resources import READ, Resource, Uid, find_base, locate
from scp.web.identity import require
from scp.web.services import Services, find_services
from storage.objects.attributes import Level
from storage.query.paging import read_page

router: Final = APIRouter(dependencies=[Depends(require("view"))])


@router.api_route("/studies", methods=READ)
def search_studies(request: Request) -> Response:
    """Search for studies."""
    return _search(request, "STUDY", Resource(""))


@router.api_route("/series", methods=READ)
def search_all_series(request: Request) -> Response:
    """Search for series of all studies."""
    return _search(request, "SERIES", Resource(""))


@router.api_route("/instances", methods=READ)
def search_all_instances(request: Request) -> Response:
    """Search for instances of all studies."""
    return _search(request, "IMAGE", Resource(""))


@router.api_route("/studies/{study}/series", methods=READ)
def search_series(request: Request, study: Uid) -> Response:
    """Search for series of a study."""
    return _search(request, "SERIES", Resource(study))


@router.api_route("/studies/{study}/instances", methods=READ)
def search_study_instances(request: Request, study: Uid) -> Response:
    """Search for instances of a study."""
    return _search(request, "IMAGE", Resource(study))


@router.api_route("/studies/{study}/series/{series}/instances", methods=READ)
def search_instances(request: Request, study: Uid, series: Uid) -> Response:
    """Search for instances of a series."""
    return _search(request, "IMAGE", Resource(study, series))


def _search(request: Request, level: Level, within: Resource) -> Response:
    offer = choose(read_accepted(request), MODEL_OFFERS)
    services = find_services(request)
    question = read_question(request, level, within)
    page = read_page(services.database, question.search, offset=question.offset, limit=question.limit)
    note(request, "queried", f"{request.url.path.removeprefix('/dicom-web')}: {len(page.matches)} matches")
    warnings = list(question.warnings)
    if page.remaining:
        warnings.append(f"There are {page.remaining} additional results that can be requested")
    base = find_base(request)
    headers = [("Warning", f"299 {base}: {text}") for text in warnings]
    if not page.matches:
        response = Response(None, 204)
    else:
        constant = _describe_constant(services, within)
        matches = (_describe(match, constant, base) for match in page.matches)
        response = respond_models(request, offer, matches)
    for name, value in headers:
        response.headers.append(name, value)
    return response


def _describe_constant(services: Services, within: Resource) -> dict[str, str]:
    """Return what holds for every match: how soon it can be had, and the UIDs that were given."""
    availability = "ONLINE" if services.files.is_present() else "OFFLINE"
    return {"InstanceAvailability": availability, "StudyInstanceUID": within.study, "SeriesInstanceUID": within.series}


def _describe(match: Any, constant: dict[str, str], base: str) -> dict[str, Element]:
    """Return a match with its required attributes, empty where they have no value (PS3.18 tables 10.6.3-3 to -5)."""
    elements: dict[str, Element] = {}
    found = {**match, "InstanceAvailability": constant["InstanceAvailability"]}
    for keyword, value in found.items():
        vr = dictionary_VR(keyword).split(" or ")[0]
        if keyword == "TimezoneOffsetFromUTC" and not value:
            continue
        elements[f"{tag_for_keyword(keyword):08X}"] = make_text_element(vr, clean_values(vr, value))
    # the address needs the UIDs of the levels above
    study, series, instance = (
        str(match.get(keyword) or constant.get(keyword, ""))
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    )
    elements["00081190"] = make_element("UR", locate(base, study, series, instance))
    if any(not json_model.is_ascii(element) for element in elements.values()):
        elements["00080005"] = make_element("CS", json_model.UTF_8)
    return dict(sorted(elements.items()))
