"""Stored objects as DICOM files, each in a transfer syntax that the client takes (PS3.18 8.7.3, 10.4.1.1.1)."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from pydicom.uid import UID, ExplicitVRBigEndian

from config.errors import Permanent
from dicom import part10
from dicom.sop_classes import UNCOMPRESSED
from scp.services.retrieve.transcoding import Encoding
from scp.web.dicomweb.contents import GoneError, find_path, read_file
from scp.web.dicomweb.decoding import find_decoders
from scp.web.dicomweb.frames import COMPRESSED
from scp.web.dicomweb.media import ANY, DEFAULT_SYNTAX, DICOM, Accepted, NotAcceptable, Offer
from scp.web.dicomweb.multipart import Part
from scp.web.services import Services
from storage.query.retrieval import StoredObject

log = structlog.get_logger(__name__)

_OFFERS: Final = (Offer(DICOM, multipart=True), Offer(DICOM))


@dataclass(frozen=True, slots=True)
class Wishes:
    """How objects are wanted: their transfer syntaxes in the order of preference, "" for the default, "*" for any."""

    multipart: bool
    syntaxes: tuple[str, ...]

    @classmethod
    def from_accepted(cls, accepted: Sequence[Accepted], *, may_be_single: bool) -> Wishes:
        """Take what concerns DICOM files from what is accepted. Raises NotAcceptable where nothing does."""
        offers = _OFFERS if may_be_single else _OFFERS[:1]
        wanted = [(item, offer) for item in accepted for offer in offers if _fits(item, offer)]
        if not wanted:
            raise NotAcceptable(offers)
        multipart = wanted[0][1].multipart
        return cls(multipart, tuple(item.syntax for item, offer in wanted if offer.multipart == multipart))

    def choose(self, stored: str) -> str | None:
        """Choose the transfer syntax for an object by the one that it is stored in; None where nothing fits."""
        for wish in self.syntaxes:
            if wish in (ANY, stored):
                return stored
            if not wish:
                return DEFAULT_SYNTAX if _is_decodable(stored) else stored
            if wish in UNCOMPRESSED and _is_decodable(stored):
                return wish
        return None

    def check(self, stored: Iterable[str]) -> None:
        """Raise NotAcceptable unless something that is stored in one of these syntaxes can be sent."""
        known = sorted(set(stored))
        if not any(self.choose(syntax) for syntax in known):
            raise NotAcceptable([Offer(DICOM, self.multipart, syntax) for syntax in known])

    def takes_stored(self) -> bool:
        """Return whether an object may come as it is stored, because no syntax was asked for."""
        return "" in self.syntaxes or ANY in self.syntaxes


def list_available(services: Services, items: Iterable[StoredObject], wishes: Wishes) -> Iterator[StoredObject]:
    """Yield the objects that can be sent, by their files and transfer syntaxes. Raises Transient."""
    for item in items:
        try:
            find_path(services.files, item)
        except GoneError:
            log.error("a stored object cannot be sent", sop_instance=item.sop_instance_uid, reason="its file is gone")
            continue
        if wishes.choose(item.transfer_syntax_uid) is not None:
            yield item


def make_parts(services: Services, items: Iterable[StoredObject], wishes: Wishes) -> Generator[Part]:
    """Yield objects as parts; each is encoded when its turn comes, and its temporary file is gone after it.

    Raises Permanent for one that cannot be encoded as asked for, Transient, Rejected and GoneError.
    """
    for item in items:
        syntax = wishes.choose(item.transfer_syntax_uid)
        path = find_path(services.files, item)
        if syntax is None or syntax == item.transfer_syntax_uid:
            yield _make_part(item.transfer_syntax_uid, read_file(path))
            continue
        with services.files.incoming() as place:
            try:
                find_decoders().perform(Encoding(path, syntax, place.path))
            except Permanent as error:
                log.warning("cannot be decoded", sop_instance=item.sop_instance_uid, reason=str(error))
                if not wishes.takes_stored():
                    raise
                yield _make_part(item.transfer_syntax_uid, read_file(path))
                continue
            yield _make_part(syntax, _read_encoded(item, syntax, place.path))


def _make_part(syntax: str, content: Iterable[bytes]) -> Part:
    return Part(f"{DICOM}; transfer-syntax={syntax}", content)


def _read_encoded(item: StoredObject, syntax: str, path: Path) -> Iterator[bytes]:
    """Yield a file with a preface of its own, because the data set was encoded anew."""
    pieces = read_file(path)
    yield part10.encode_preface(item.sop_class_uid, item.sop_instance_uid, syntax) + next(pieces, b"")
    yield from pieces


def _fits(accepted: Accepted, offer: Offer) -> bool:
    return accepted.takes(offer) and (accepted.media_type != "*/*" or accepted.multipart or offer.multipart)


def _is_decodable(syntax: str) -> bool:
    uid = UID(syntax)
    if uid in COMPRESSED:
        return True
    return uid.is_transfer_syntax and not uid.is_encapsulated and uid != ExplicitVRBigEndian
