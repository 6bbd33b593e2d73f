"""WADO-RS rendered resources and thumbnails (PS3.18 8.3.5, 10.4.1.1.3, 10.4.1.1.4)."""

from __future__ import annotations

import itertools
import re
from typing import Final, Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response

from config.errors import Permanent
from scp.web.dicomweb.contents import find_path
from scp.web.dicomweb.decoding import Rendering, find_decoders
from scp.web.dicomweb.frames import Layout, find_layout
from scp.web.dicomweb.media import Offer, choose, read_accepted
from scp.web.dicomweb.multipart import Part, respond_multipart, stream
from scp.web.dicomweb.resources import READ, NoSuchResource, Resource, Uid
from scp.web.dicomweb.retrieve import read_numbers
from scp.web.dicomweb.views import VIEWS
from scp.web.identity import require
from scp.web.services import find_services
from storage.query.retrieval import StoredObject

router: Final = APIRouter(dependencies=[Depends(require("view"))])

_FORMATS: Final[dict[str, Literal["JPEG", "PNG"]]] = {"image/jpeg": "JPEG", "image/png": "PNG"}
_OFFERS: Final = tuple(Offer(media_type, multipart=several) for several in (False, True) for media_type in _FORMATS)
_FUNCTIONS: Final = ("linear", "linear-exact", "sigmoid")
_DEFAULT_QUALITY: Final = 90
_LARGEST: Final = 4096
_THUMBNAIL: Final = (128, 128)
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,9}(\.[0-9]{1,9})?")
_MOST_TRIED: Final = 20
_INSTANCE: Final = "/studies/{study}/series/{series}/instances/{instance}"


@router.api_route(f"{_INSTANCE}/rendered", methods=READ)
def render_instance(request: Request, study: Uid, series: Uid, instance: Uid) -> Response:
    """Send the first frame of an instance as a picture; all of them to a client that takes several parts."""
    return _render(request, Resource(study, series, instance), None)


@router.api_route(f"{_INSTANCE}/frames/{{frames}}/rendered", methods=READ)
def render_frames(request: Request, study: Uid, series: Uid, instance: Uid, frames: str) -> Response:
    """Send frames of an instance as pictures."""
    return _render(request, Resource(study, series, instance), read_numbers(frames))


@router.api_route("/studies/{study}/thumbnail", methods=READ)
def show_study(request: Request, study: Uid) -> Response:
    """Send a small picture from the middle of a study."""
    return _show(request, Resource(study))


@router.api_route("/studies/{study}/series/{series}/thumbnail", methods=READ)
def show_series(request: Request, study: Uid, series: Uid) -> Response:
    """Send a small picture from the middle of a series."""
    return _show(request, Resource(study, series))


@router.api_route(f"{_INSTANCE}/thumbnail", methods=READ)
def show_instance(request: Request, study: Uid, series: Uid, instance: Uid) -> Response:
    """Send a small picture of an instance."""
    return _show(request, Resource(study, series, instance))


@router.api_route(f"{_INSTANCE}/frames/{{frame}}/thumbnail", methods=READ)
def show_frame(request: Request, study: Uid, series: Uid, instance: Uid, frame: int) -> Response:
    """Send a small picture of a frame."""
    return _show(request, Resource(study, series, instance), frame)


def _render(request: Request, resource: Resource, numbers: tuple[int, ...] | None) -> Response:
    services = find_services(request)
    item = resource.read(services)
    layout = find_layout(find_path(services.files, item), item.transfer_syntax_uid)
    offer = choose(read_accepted(request), _OFFERS)
    if numbers is None:
        numbers = tuple(range(1, layout.frames + 1)) if offer.multipart else (1,)
    layout.check(numbers)
    style = _read_style(request, offer)
    VIEWS.note(request, [item.series_instance_uid])
    pictures = (_draw(layout, number, style) for number in numbers)
    first = next(pictures)
    if not offer.multipart:
        return stream(request, iter([first]), offer.media_type)
    parts = (Part(offer.media_type, [picture]) for picture in itertools.chain([first], pictures))
    return respond_multipart(request, offer.media_type, parts)


def _show(request: Request, resource: Resource, frame: int | None = None) -> Response:
    services = find_services(request)
    offer = choose(read_accepted(request), _OFFERS[: len(_FORMATS)])
    style = _read_style(request, offer, _THUMBNAIL)
    selection = resource.select(services)
    # from the middle on, the first object that has pixels
    half = len(selection) // 2
    for item in itertools.islice(selection.read_objects(services.database), half, half + _MOST_TRIED):
        layout = _find_layout(request, item)
        if layout is not None:
            number = frame or (layout.frames + 1) // 2
            layout.check((number,))
            VIEWS.note(request, [item.series_instance_uid])
            return stream(request, iter([_draw(layout, number, style)]), offer.media_type)
    raise NoSuchResource


def _find_layout(request: Request, item: StoredObject) -> Layout | None:
    try:
        return find_layout(find_path(find_services(request).files, item), item.transfer_syntax_uid)
    except HTTPException:
        return None


def _draw(layout: Layout, number: int, style: Rendering) -> bytes:
    try:
        return find_decoders().perform(style.of(layout.path, number - 1))
    except Permanent as error:
        raise HTTPException(406, f"this frame cannot be shown: it {error}") from error


def _read_style(request: Request, offer: Offer, size: tuple[int, int] | None = None) -> Rendering:
    """Read the parameters of rendering. Raises HTTPException (400)."""
    asked = request.query_params
    quality = asked.get("quality", str(_DEFAULT_QUALITY))
    if not quality.isascii() or not quality.isdecimal() or not 1 <= int(quality[:4]) <= 100:  # noqa: PLR2004  # per cent
        raise HTTPException(400, "quality is a whole number from 1 to 100")
    region = None
    if "viewport" in asked:
        size, region = _read_viewport(asked["viewport"])
    return Rendering(_FORMATS[offer.media_type], int(quality), _read_window(asked.get("window")), size, region)


def _read_window(text: str | None) -> tuple[float, float, str] | None:
    if text is None:
        return None
    parts = text.split(",")
    function = parts[2].lower() if len(parts) == 3 else "linear"  # noqa: PLR2004  # centre, width, function
    if len(parts) not in (2, 3) or not all(map(_NUMBER.fullmatch, parts[:2])) or function not in _FUNCTIONS:
        raise HTTPException(400, "window is CENTRE,WIDTH,FUNCTION with the function linear, linear-exact or sigmoid")
    centre, width = float(parts[0]), float(parts[1])
    if width <= 0:
        raise HTTPException(400, "the width of a window is more than 0")
    return centre, width, function


def _read_viewport(text: str) -> tuple[tuple[int, int], tuple[int, int, int, int] | None]:
    parts = text.split(",")
    if len(parts) not in (2, 6) or not all(map(_NUMBER.fullmatch, parts)):
        raise HTTPException(400, "viewport is WIDTH,HEIGHT or WIDTH,HEIGHT,LEFT,TOP,WIDTH,HEIGHT, in pixels")
    wide, high, *region = (round(float(part)) for part in parts)
    if not (1 <= wide <= _LARGEST and 1 <= high <= _LARGEST):
        raise HTTPException(400, f"a viewport has 1 to {_LARGEST} pixels in each direction")
    if not region:
        return (wide, high), None
    left, top, width, height = region
    if min(left, top) < 0 or not (1 <= width <= _LARGEST and 1 <= height <= _LARGEST):
        raise HTTPException(400, f"the part of a frame has 1 to {_LARGEST} pixels in each direction")
    return (wide, high), (left, top, width, height)
