"""WADO-RS bulk data: binary values by the addresses that the metadata name (PS3.18 10.4.1.1.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response
from pydicom.dataset import Dataset

from dicom import elements
from dicom.stored import DAMAGE
from scp.web.dicomweb.contents import find_path, open_contents, read_file
from scp.web.dicomweb.frames import find_layout
from scp.web.dicomweb.media import OCTETS, Offer, choose, read_accepted
from scp.web.dicomweb.multipart import Part, respond_multipart, stream
from scp.web.dicomweb.resources import READ, Resource, Uid, find_base, locate
from scp.web.dicomweb.views import VIEWS
from scp.web.identity import require
from scp.web.services import find_services
from storage.objects.pixel_data import TAGS

router: Final = APIRouter(dependencies=[Depends(require("view"))])

_PATH: Final = re.compile(r"[0-9A-Fa-f]{8}(/[0-9]{1,6}/[0-9A-Fa-f]{8})*")
_MEDIA_TYPE: Final = re.compile(r"[a-z]+/[a-z0-9.+-]{1,100}")
_DOCUMENT: Final = 0x00420011
"""Encapsulated Document."""
_OFFERS: Final = (Offer(OCTETS, multipart=True), Offer(OCTETS))


@router.api_route("/studies/{study}/series/{series}/instances/{instance}/bulkdata/{path:path}", methods=READ)
def retrieve_bulk_data(request: Request, study: Uid, series: Uid, instance: Uid, path: str) -> Response:
    """Send a binary value of an instance; pixels are sent decoded, one frame after the other."""
    if not _PATH.fullmatch(path):
        raise HTTPException(404, "there is no such bulk data; the metadata of the instance name their addresses")
    services = find_services(request)
    item = Resource(study, series, instance).read(services)
    steps = path.upper().split("/")
    media_type, pieces = _find_value(find_path(services.files, item), item.transfer_syntax_uid, steps)
    documents = [] if media_type == OCTETS else [Offer(media_type), Offer(media_type, multipart=True)]
    offer = choose(read_accepted(request), [*_OFFERS, *documents])
    VIEWS.note(request, [item.series_instance_uid])
    if not offer.multipart:
        # a browser must not take what a sender wrote for a page of ours
        response = stream(request, pieces, offer.media_type)
        response.headers["Content-Disposition"] = "attachment"
        return response
    address = f"{locate(find_base(request), study, series, instance)}/bulkdata/{'/'.join(steps)}"
    return respond_multipart(request, offer.media_type, [Part(offer.media_type, pieces, address)])


def _find_value(file: Path, syntax: str, steps: list[str]) -> tuple[str, Iterator[bytes]]:
    """Find a value; return what it is and its bytes. Raises HTTPException (404), GoneError and Transient."""
    tag = int(steps[0], 16)
    if tag in TAGS:
        layout = find_layout(file, syntax)
        return OCTETS, (layout.decode(number) for number in range(1, layout.frames + 1))
    contents = open_contents(file, syntax)
    media_type = _find_media_type(contents.header) if tag == _DOCUMENT else OCTETS
    if len(steps) == 1 and tag in contents.left:
        _, extent = contents.left[tag]
        return media_type, read_file(file, extent.offset, extent.length)
    return media_type, iter([_read_value(contents.header, steps)])


def _find_media_type(header: Dataset) -> str:
    media_type = elements.text(header, "MIMETypeOfEncapsulatedDocument").lower()
    return media_type if _MEDIA_TYPE.fullmatch(media_type) else OCTETS


def _read_value(header: Dataset, steps: list[str]) -> bytes:
    item = header
    try:
        for tag, place in zip(steps[:-1:2], steps[1::2], strict=True):
            item = item[int(tag, 16)].value[int(place)]
        value = item[int(steps[-1], 16)].value
    except DAMAGE as error:
        raise HTTPException(404, "there is no such bulk data in this instance") from error
    if not isinstance(value, bytes):
        raise HTTPException(404, "this element has no binary value")
    return value
