"""WADO-RS: studies, series and instances as DICOM files, and frames (PS3.18 10.4)."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Final

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response

from scp.web.dicomweb.contents import GoneError, find_path
from scp.web.dicomweb.frames import find_layout, read_frames
from scp.web.dicomweb.media import DICOM, choose, read_accepted
from scp.web.dicomweb.multipart import Part, respond_multipart, stream
from scp.web.dicomweb.representations import Wishes, list_available, make_parts
from scp.web.dicomweb.resources import READ, Resource, Uid, find_base, locate
from scp.web.dicomweb.views import VIEWS
from scp.web.identity import require
from scp.web.services import find_services
from storage.auditing.statements import MOST_SERIES, Retrieved

router: Final = APIRouter(dependencies=[Depends(require("view"))])

_FRAMES: Final = re.compile(r"[0-9]{1,9}(,[0-9]{1,9})*")
_MOST_FRAMES: Final = 1000


@router.api_route("/studies/{study}", methods=READ)
def retrieve_study(request: Request, study: Uid) -> Response:
    """Send the objects of a study."""
    return _retrieve(request, Resource(study))


@router.api_route("/studies/{study}/series/{series}", methods=READ)
def retrieve_series(request: Request, study: Uid, series: Uid) -> Response:
    """Send the objects of a series."""
    return _retrieve(request, Resource(study, series))


@router.api_route("/studies/{study}/series/{series}/instances/{instance}", methods=READ)
def retrieve_instance(request: Request, study: Uid, series: Uid, instance: Uid) -> Response:
    """Send one object."""
    return _retrieve(request, Resource(study, series, instance))


@router.api_route("/studies/{study}/series/{series}/instances/{instance}/frames/{frames}", methods=READ)
def retrieve_frames(request: Request, study: Uid, series: Uid, instance: Uid, frames: str) -> Response:
    """Send frames of an instance, a list of numbers from 1 (PS3.18 10.4.1.1.6)."""
    numbers = read_numbers(frames)
    services = find_services(request)
    item = Resource(study, series, instance).read(services)
    layout = find_layout(find_path(services.files, item), item.transfer_syntax_uid)
    layout.check(numbers)
    single = layout.list_offers(multipart=False) if len(numbers) == 1 else []
    offer = choose(read_accepted(request), [*layout.list_offers(multipart=True), *single])
    VIEWS.note(request, [item.series_instance_uid])
    content_type = f"{offer.media_type}; transfer-syntax={offer.syntax}"
    contents = read_frames(layout, numbers, offer)
    # the first one is read now, so that what cannot be decoded is refused with a status
    first = next(contents)
    if not offer.multipart:
        return stream(request, iter([first]), content_type)
    base = locate(find_base(request), study, series, instance)
    parts = (
        Part(content_type, [content], f"{base}/frames/{number}")
        for number, content in zip(numbers, itertools.chain([first], contents), strict=True)
    )
    return respond_multipart(request, offer.media_type, parts, syntax=offer.syntax)


def read_numbers(frames: str) -> tuple[int, ...]:
    """Read a list of frames. Raises HTTPException (400)."""
    if not _FRAMES.fullmatch(frames):
        raise HTTPException(400, "frames are numbers from 1, separated by commas: /frames/1,3")
    numbers = tuple(map(int, frames.split(",")))
    if len(numbers) > _MOST_FRAMES:
        raise HTTPException(413, f"at most {_MOST_FRAMES} frames in one request")
    return numbers


def _retrieve(request: Request, resource: Resource) -> Response:
    services = find_services(request)
    wishes = Wishes.from_accepted(read_accepted(request), may_be_single=bool(resource.instance))
    selection = resource.select(services)
    classes, series = Counter[str](), dict[str, None]()
    for item in list_available(services, selection.read_objects(services.database), wishes):
        classes[item.sop_class_uid] += 1
        series[item.series_instance_uid] = None
    available = classes.total()
    if not available:
        wishes.check(syntax for _, syntax in selection.kinds)
        raise GoneError
    unsent = len(selection) - available
    retrieved = Retrieved("WADO-RS", resource.study, tuple(series)[:MOST_SERIES], dict(classes), unsent)
    VIEWS.note_transfer(request, retrieved, single=bool(resource.instance))
    items = list_available(services, selection.read_objects(services.database), wishes)
    parts = make_parts(services, items, wishes)
    first = next(parts, None)
    if first is None:
        raise GoneError
    if not wishes.multipart:
        return stream(request, _read_only_part(first, parts), first.content_type)
    status_code = 200 if available == len(selection) else 206
    return respond_multipart(request, DICOM, itertools.chain([first], parts), status_code)


def _read_only_part(part: Part, parts: Generator[Part]) -> Iterator[bytes]:
    """Yield the content of a part; `parts` keeps its file until it is closed."""
    with closing(parts):
        yield from part.content
