"""A frame as a picture for people: windowed, cut, scaled, encoded. Runs in the processes of `decoding`."""

from __future__ import annotations

import io
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from dicom import elements
from scp.services.retrieve.encoding import NotEncodable
from scp.web.dicomweb.decoding import Rendering
from scp.web.dicomweb.pixels import read_frame

_MOST_GREY: Final = 255.0
_COLOURS: Final = 3


def render(style: Rendering) -> bytes:
    """Return a frame as an encoded picture; raises NotEncodable and what decoders raise."""
    header = elements.opened(style.source)
    if header is None:
        raise NotEncodable("its file is damaged")
    photometric = elements.text(header, "PhotometricInterpretation")
    stored = read_frame(style.source, header, style.index, in_rgb=photometric.startswith("YBR"))
    if photometric == "PALETTE COLOR":
        stored = apply_color_lut(stored, header)
    is_coloured = stored.ndim == _COLOURS
    grey = _fit_colours(stored) if is_coloured else _window(stored, header, style, inverse=photometric == "MONOCHROME1")
    picture = _scale(Image.fromarray(grey), style)
    buffer = io.BytesIO()
    picture.save(buffer, style.format, **({"quality": style.quality} if style.format == "JPEG" else {}))
    return buffer.getvalue()


def _fit_colours(stored: NDArray[Any]) -> NDArray[np.uint8]:
    if stored.dtype == np.uint8:
        return np.asarray(stored)
    most = max(float(stored.max()), 1.0)
    return np.asarray(stored * (_MOST_GREY / most)).astype(np.uint8)


def _window(stored: NDArray[Any], header: Dataset, style: Rendering, *, inverse: bool) -> NDArray[np.uint8]:
    """Map stored values to grey by the rescale and a window (PS3.3 C.11.2.1.2)."""
    slope, intercept = (elements.number(header, name) for name in ("RescaleSlope", "RescaleIntercept"))
    values = stored.astype(np.float32) * (1.0 if slope is None else slope) + (intercept or 0.0)
    centre, width, function = style.window or _find_window(values, header)
    if function == "sigmoid":
        grey = _MOST_GREY / (1 + np.exp(np.clip(-4 * (values - centre) / width, -50, 50)))
    elif function == "linear-exact" or width <= 1:
        grey = ((values - centre) / width + 0.5) * _MOST_GREY
    else:
        grey = ((values - (centre - 0.5)) / (width - 1) + 0.5) * _MOST_GREY
    grey = np.clip(grey, 0, _MOST_GREY)
    return np.asarray(np.rint(_MOST_GREY - grey if inverse else grey), dtype=np.uint8)


def _find_window(values: NDArray[Any], header: Dataset) -> tuple[float, float, str]:
    """Return the first window of the header, else one that shows every value."""
    centre, width = (elements.numbers(header, name) for name in ("WindowCenter", "WindowWidth"))
    if centre and width and width[0] >= 1:
        return centre[0], width[0], "linear"
    low, high = float(values.min()), float(values.max())
    return (low + high) / 2, max(high - low, 1.0), "linear-exact"


def _scale(picture: Image.Image, style: Rendering) -> Image.Image:
    if style.region is not None:
        left, top, width, height = style.region
        picture = picture.crop((left, top, left + width, top + height))
    if style.size is None:
        return picture
    factor = min(style.size[0] / picture.width, style.size[1] / picture.height)
    wide, high = max(1, round(picture.width * factor)), max(1, round(picture.height * factor))
    return picture.resize((wide, high), Image.Resampling.BILINEAR)
