"""An incoming object: from the peer's bytes to a durable file and a committed row.

pieces of the data set -> temporary file -> fdatasync -> rename -> (group) folder's fsync, row committed -> Success

A failure is remembered and reported in the response; the rest of the data set is dropped.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Final

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from config.errors import Rejected
from dicom import part10, status
from scp.reception import identity
from storage.intake.arrivals import Arrival
from storage.intake.group_commit import Intake
from storage.intake.instances import Registered
from storage.objects import head
from storage.objects.files import Files, Incoming
from storage.objects.header import InstanceHeader

_STUDY_UID: Final = 0x0020000D
_SERIES_UID: Final = 0x0020000E
_READ: Final = (*map(Tag, head.WANTED), *map(Tag, identity.KEYWORDS))
_PADDING: Final = b" \0"
_HEAD_BYTES: Final = 128 * 1024
_INFLATED_BYTES: Final = 16 * 1024 * 1024
_LOOK_EVERY_BYTES: Final = 64 * 1024 * 1024
_COPY_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """An object as announced by a C-STORE-RQ; `association` identifies the association."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    calling_ae: str = ""
    association: str = ""


class IncomingObject:
    """Receives the data set of one object, until `finish` or `discard`; for one thread."""

    def __init__(
        self,
        request: StoreRequest,
        files: Files,
        intake: Intake,
        *,
        clock: Callable[[], datetime],
        reserve_bytes: int = 0,
    ) -> None:
        self._request = request
        self._files = files
        self._intake = intake
        self._clock = clock
        self._reserve_bytes = reserve_bytes
        self._head = bytearray()
        self._preface_bytes = 0
        self._size = 0
        self._looked_at = 0
        self._file: Incoming | None = None
        self._failure: Rejected | None = None
        try:
            self._look_at_disk()
            self._file = files.begin(request.transfer_syntax_uid)
            preface = part10.encode_preface(
                request.sop_class_uid, request.sop_instance_uid, request.transfer_syntax_uid, request.calling_ae
            )
            self._preface_bytes = len(preface)
            self._file.preface(preface)
        except Rejected as failure:
            self._fail(failure)

    @property
    def sop_class_uid(self) -> str:
        """SOP class of the object, as announced."""
        return self._request.sop_class_uid

    @property
    def size(self) -> int:
        """Bytes of the data set received so far."""
        return self._size

    def write(self, data: bytes | memoryview) -> None:
        """Write the next bytes of the data set; never raises, `finish` reports any failure."""
        self._size += len(data)
        if self._file is None:
            return
        try:
            if self._size - self._looked_at > _LOOK_EVERY_BYTES:
                self._look_at_disk()
            if len(self._head) < _HEAD_BYTES:
                self._head += data[: _HEAD_BYTES - len(self._head)]
            self._file.write(data)
        except Rejected as failure:
            self._fail(failure)

    def finish(self) -> Registered:
        """Store and register the object; once this returns, Success may be answered.

        Raises Rejected: 0xA700 when it cannot be stored, 0xA900 or 0xC000 when it does not match the request.
        """
        try:
            if self._file is None:
                raise self._failure or Rejected(status.OUT_OF_RESOURCES, "the object was not stored")
            header = self._read_header(self._file)
            if header.sop_class_uid != self._request.sop_class_uid:
                raise Rejected(status.DOES_NOT_MATCH, "SOP Class UID differs from the request's")
            if header.sop_instance_uid != self._request.sop_instance_uid:
                self._file = self._copy_renamed(self._file, header)
            stored = self._file.settle(header.file_name(self._file.sha256))
            return self._intake.enter(Arrival(header, stored, self._clock(), self._request.calling_ae))
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove the file, unless `finish` has stored it."""
        if self._file is not None:
            self._file.discard()
            self._file = None

    def _look_at_disk(self) -> None:
        self._looked_at = self._size
        if self._files.free_bytes() < self._reserve_bytes:
            raise Rejected(status.OUT_OF_RESOURCES, "free disk space is below the reserve (node.reserve_mb)")

    def _fail(self, failure: Rejected) -> None:
        self._failure = failure
        self.discard()

    def _read_header(self, file: Incoming) -> InstanceHeader:
        """Read the indexed part of the data set, from its first bytes if they are plain, else from the file."""
        syntax = self._request.transfer_syntax_uid
        try:
            values = self._read_head(syntax)
            if values is not None:
                return InstanceHeader.from_values(values, syntax)
            dataset = self._read_file(file, syntax)
            identity.complete(dataset, self._request.association)
            return InstanceHeader.from_dataset(dataset, syntax)
        except Rejected:
            raise
        except Exception as error:  # whatever the parser raises, the object cannot be understood
            words = "data set cannot be read in the negotiated transfer syntax"
            raise Rejected(status.UNABLE_TO_PROCESS, words) from error

    def _read_head(self, syntax: str) -> dict[int, bytes] | None:
        """Read the wanted elements; None where the file must be parsed: also without Study or Series UID."""
        if syntax == DeflatedExplicitVRLittleEndian:
            return None
        try:
            whole = self._size <= len(self._head)
            values = head.read(self._head, implicit=syntax == ImplicitVRLittleEndian, whole=whole)
        except head.NotPlain:
            return None
        return values if all(values.get(tag, b"").strip(_PADDING) for tag in (_STUDY_UID, _SERIES_UID)) else None

    def _read_file(self, file: Incoming, syntax: str) -> Dataset:
        if syntax != DeflatedExplicitVRLittleEndian:
            # the others are skipped, however large they are
            return dcmread(file.path, stop_before_pixels=True, specific_tags=list(_READ))
        # bounded: a small object may inflate to any size
        inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(self._head, _INFLATED_BYTES)
        meta = part10.encode_preface("", "", ExplicitVRLittleEndian)
        return dcmread(BytesIO(meta + inflated), stop_before_pixels=True)

    def _copy_renamed(self, file: Incoming, header: InstanceHeader) -> Incoming:
        """Copy the file under the data set's own SOP Instance UID, where the request named another."""
        copy = self._files.begin(header.transfer_syntax_uid)
        try:
            copy.preface(
                part10.encode_preface(
                    header.sop_class_uid, header.sop_instance_uid, header.transfer_syntax_uid, self._request.calling_ae
                )
            )
            with file.path.open("rb") as source:
                source.seek(self._preface_bytes)
                while chunk := source.read(_COPY_BYTES):
                    copy.write(chunk)
        except BaseException:
            copy.discard()
            raise
        file.discard()
        return copy
