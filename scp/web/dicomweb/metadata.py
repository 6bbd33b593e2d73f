"""WADO-RS metadata: headers in the DICOM JSON Model, bulk data by their addresses (PS3.18 10.4.1.1.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydicom.uid import UID

from dicom import json_model
from dicom.json_model import Element, make_element
from scp.services.retrieve.encoding import SUBSAMPLED
from scp.web.dicomweb.contents import GoneError, find_path, open_contents
from scp.web.dicomweb.media import choose, read_accepted
from scp.web.dicomweb.models import MODEL_OFFERS, respond_models
from scp.web.dicomweb.resources import READ, Resource, Uid, find_base, locate
from scp.web.dicomweb.views import VIEWS
from scp.web.identity import require
from scp.web.services import Services, find_services
from storage.query.retrieval import Selection, StoredObject

router: Final = APIRouter(dependencies=[Depends(require("view"))])

_INLINE_BYTES: Final = 1024
"""A longer binary value is told by its address."""
_BECOME_RGB: Final = SUBSAMPLED | {"YBR_RCT", "YBR_ICT"}
_PHOTOMETRIC, _PLANAR, _PIXEL_DATA_FORMS = "00280004", "00280006", frozenset({"OB", "OW", "OF", "OD"})
_SYNTAXES, _RETRIEVE_URL = "00083002", "00081190"


@router.api_route("/studies/{study}/metadata", methods=READ)
def retrieve_study_metadata(request: Request, study: Uid) -> Response:
    """Send the headers of a study's objects."""
    return _retrieve(request, Resource(study))


@router.api_route("/studies/{study}/series/{series}/metadata", methods=READ)
def retrieve_series_metadata(request: Request, study: Uid, series: Uid) -> Response:
    """Send the headers of a series' objects."""
    return _retrieve(request, Resource(study, series))


@router.api_route("/studies/{study}/series/{series}/instances/{instance}/metadata", methods=READ)
def retrieve_instance_metadata(request: Request, study: Uid, series: Uid, instance: Uid) -> Response:
    """Send the header of one object."""
    return _retrieve(request, Resource(study, series, instance))


def describe(services: Services, item: StoredObject, base: str) -> dict[str, Element]:
    """Return the header of an object; its pixels are described as they are when decoded.

    Raises GoneError and Transient.
    """
    address = locate(base, item.study_instance_uid, item.series_instance_uid, item.sop_instance_uid)
    contents = open_contents(find_path(services.files, item), item.transfer_syntax_uid)

    def find_bulk(path: json_model.Path, length: int) -> str:
        return "" if length <= _INLINE_BYTES else f"{address}/bulkdata/{'/'.join(path)}"

    header = json_model.encode(contents.header, find_bulk)
    # an object may have come without them
    header["0020000D"] = make_element("UI", item.study_instance_uid)
    header["0020000E"] = make_element("UI", item.series_instance_uid)
    header[_SYNTAXES] = make_element("UI", item.transfer_syntax_uid)
    header[_RETRIEVE_URL] = make_element("UR", address)
    for tag, (vr, _) in contents.left.items():
        header[f"{tag:08X}"] = {"vr": vr, "BulkDataURI": f"{address}/bulkdata/{tag:08X}"}
    if contents.pixels is not None:
        name = f"{contents.pixels.tag:08X}"
        header[name] = {"vr": contents.pixels.vr, "BulkDataURI": f"{address}/bulkdata/{name}"}
        if UID(item.transfer_syntax_uid).is_encapsulated:
            _describe_decoded(header)
    return dict(sorted(header.items()))


def _describe_decoded(header: dict[str, Element]) -> None:
    photometric: list[Any] = header.get(_PHOTOMETRIC, {}).get("Value", [])
    if photometric and photometric[0] in _BECOME_RGB:
        header[_PHOTOMETRIC] = make_element("CS", "RGB")
    if _PLANAR in header:
        header[_PLANAR] = make_element("US", 0)


def _retrieve(request: Request, resource: Resource) -> Response:
    offer = choose(read_accepted(request), MODEL_OFFERS)
    services = find_services(request)
    selection = resource.select(services)
    return respond_models(request, offer, _describe_all(request, services, selection))


def _describe_all(request: Request, services: Services, selection: Selection) -> Iterator[dict[str, Element]]:
    """Yield headers as their objects are read; one whose file is lost is left out."""
    base = find_base(request)
    for item in selection.read_objects(services.database):
        try:
            header = describe(services, item, base)
        except GoneError:
            continue
        VIEWS.note(request, [item.series_instance_uid])
        yield header
