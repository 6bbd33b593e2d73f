"""Which representation of a resource is wanted (PS3.18 8.3.3.1, 8.7.1 to 8.7.5; RFC 9110 12.5.1).

A client names what it takes in the header Accept or the query parameter `accept`, each with its weight. What a resource
has to offer is compared with that; the first offer of the highest weight is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import HTTPException, Request
from pydicom.uid import ExplicitVRLittleEndian

ANY: Final = "*"
DICOM: Final = "application/dicom"
OCTETS: Final = "application/octet-stream"
RELATED: Final = "multipart/related"
DEFAULT_SYNTAX: Final = str(ExplicitVRLittleEndian)

_LONGEST: Final = 4096
_MOST: Final = 64
_RANGE: Final = re.compile(r"[\w!#$&^.+*-]+/[\w!#$&^.+*-]+")
_PARAMETER: Final = re.compile(r';\s*([\w!#$&^.+*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*')
_WEIGHT: Final = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A media range: `multipart` where it is in multipart/related, `syntax` as asked for, "" for the default."""

    media_type: str
    multipart: bool
    syntax: str
    weight: float

    def takes(self, offer: Offer) -> bool:
        """Return whether an offer is within the range."""
        if self.multipart != offer.multipart and self.media_type != "*/*":
            return False
        kind, _, subtype = self.media_type.partition("/")
        offered_kind, _, offered_subtype = offer.media_type.partition("/")
        if kind not in (ANY, offered_kind) or subtype not in (ANY, offered_subtype):
            return False
        if not offer.syntax or self.syntax == ANY:
            return True
        return offer.syntax == self.syntax if self.syntax else offer.is_default


@dataclass(frozen=True, slots=True)
class Offer:
    """A representation that a resource has; `syntax` is "" where none belongs to the media type.

    `is_default`: the syntax is that of the media type where none is asked for (PS3.18 tables 8.7.3-4, 8.7.3-5).
    """

    media_type: str
    multipart: bool = False
    syntax: str = ""
    is_default: bool = True


def read_accepted(request: Request) -> tuple[Accepted, ...]:
    """Read what a request accepts, the highest weight first; everything where it says nothing.

    Raises HTTPException (400) when it is too long or no media range can be read.
    """
    # repeated headers and parameters are one list (RFC 9110 5.3)
    texts = request.query_params.getlist("accept") or request.headers.getlist("accept")
    text = ",".join(texts)
    if len(text) > _LONGEST:
        raise HTTPException(400, f"Accept has more than {_LONGEST} characters")
    ranges = [part for part in _split(text) if part.strip()][:_MOST]
    accepted = [_parse(part.strip()) for part in ranges] or [Accepted("*/*", multipart=False, syntax="", weight=1.0)]
    return tuple(sorted((item for item in accepted if item.weight > 0), key=lambda item: -item.weight))


def parse_media_type(text: str) -> tuple[str, Mapping[str, str]]:
    """Return type and parameters, names and type in lower case. Raises ValueError for what is no media type."""
    found = _RANGE.match(text)
    if found is None:
        raise ValueError("no media type")
    parameters: dict[str, str] = {}
    position = found.end()
    while position < len(text):
        parameter = _PARAMETER.match(text.rstrip(), position) if text[position:].strip() else None
        if parameter is None:
            if text[position:].strip():
                raise ValueError("a parameter cannot be read")
            break
        name, quoted, plain = parameter.groups()
        parameters.setdefault(name.lower(), plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        position = parameter.end()
    return found.group().lower(), parameters


def choose(accepted: Sequence[Accepted], offers: Sequence[Offer]) -> Offer:
    """Choose the offer for the range of the highest weight. Raises HTTPException (406) with what there is."""
    for item in accepted:
        for offer in offers:
            if item.takes(offer):
                return offer
    raise NotAcceptable(offers)


class NotAcceptable(HTTPException):
    """406, with the media types that there are."""

    def __init__(self, offers: Sequence[Offer]) -> None:
        there = ", ".join(dict.fromkeys(describe(offer) for offer in offers))
        super().__init__(406, f"none of the accepted media types is available here: {there}")


def describe(offer: Offer) -> str:
    """Return an offer as a media type with its parameters."""
    syntax = f"; transfer-syntax={offer.syntax}" if offer.syntax else ""
    return f'{RELATED}; type="{offer.media_type}"{syntax}' if offer.multipart else f"{offer.media_type}{syntax}"


def _parse(text: str) -> Accepted:
    try:
        media_type, parameters = parse_media_type(text)
        weight = _parse_weight(parameters.get("q", "1"))
    except ValueError as error:
        raise HTTPException(400, "Accept: not a list of media types (RFC 9110 12.5.1)") from error
    syntax = parameters.get("transfer-syntax", "")
    if media_type != RELATED:
        return Accepted(media_type, multipart=False, syntax=syntax, weight=weight)
    try:
        inner, inner_parameters = parse_media_type(parameters.get("type", "*/*"))
    except ValueError as error:
        raise HTTPException(400, "Accept: the type of multipart/related is not a media type") from error
    # some clients write the transfer syntax into the quoted type
    syntax = syntax or inner_parameters.get("transfer-syntax", "")
    return Accepted(inner, multipart=True, syntax=syntax, weight=weight)


def _parse_weight(text: str) -> float:
    if not _WEIGHT.fullmatch(text):
        raise ValueError("no weight")
    return float(text)


def _split(text: str) -> list[str]:
    """Split a list at its commas outside of quotes."""
    parts, is_quoted = [""], False
    for character in text:
        if character == "," and not is_quoted:
            parts.append("")
            continue
        is_quoted ^= character == '"'
        parts[-1] += character
    return parts
