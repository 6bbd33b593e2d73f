"""Answers of data sets without bulk data: as JSON or as XML (PS3.18 annex F, PS3.19 A.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from fastapi import Request
from fastapi.responses import Response

from dicom import json_model, xml_model
from dicom.json_model import Element
from scp.web.dicomweb.media import Offer
from scp.web.dicomweb.multipart import Part, respond_multipart, stream

MODEL_OFFERS: Final = (
    Offer(json_model.MEDIA_TYPE),
    Offer("application/json"),
    Offer(xml_model.MEDIA_TYPE, multipart=True),
)
ONE_MODEL_OFFERS: Final = (*MODEL_OFFERS[:2], Offer(xml_model.MEDIA_TYPE))
"""Of a single data set."""


def respond_models(request: Request, offer: Offer, models: Iterable[Mapping[str, Element]]) -> Response:
    """Answer with data sets that are written as they are sent: one array of JSON, or a part of XML for each."""
    if offer.media_type == xml_model.MEDIA_TYPE:
        parts = (Part(xml_model.MEDIA_TYPE, [xml_model.write(model)]) for model in models)
        return respond_multipart(request, offer.media_type, parts)
    return stream(request, _write_array(models), offer.media_type)


def respond_model(offer: Offer, model: Mapping[str, Element], status_code: int = 200) -> Response:
    """Answer with one data set."""
    if offer.media_type == xml_model.MEDIA_TYPE:
        return Response(xml_model.write(model), status_code, media_type=offer.media_type)
    return Response(json_model.write(model), status_code, media_type=offer.media_type)


def _write_array(models: Iterable[Mapping[str, Element]]) -> Iterator[bytes]:
    separator = b"["
    for model in models:
        yield separator + json_model.write(model)
        separator = b","
    yield b"]" if separator == b"," else b"[]"
