"""An incoming object: from the peer's bytes to a durable file and a committed row.

pieces of the data set -> temporary file -> fdatasync -> rename -> (group) folder's fsync, row committed -> Success

A failure is remembered and reported in the response; the rest of the data set is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from config.errors import Rejected
from dicom import part10, status
from scp.network.message import Message
from scp.reception.data_set import HEAD_BYTES, DataSet
from scp.reception.sender import Sender
from storage.intake.arrivals import Arrival
from storage.intake.group_commit import Intake
from storage.intake.instances import Registered
from storage.objects.files import Files
from storage.objects.header import InstanceHeader
from storage.objects.incoming import Incoming

_LOOK_EVERY_BYTES: Final = 64 * 1024 * 1024
_COPY_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """An object as announced by a C-STORE-RQ or a STOW-RS request; `association` identifies the one or the other.

    `study_instance_uid` is the study that it must belong to, "" for any.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    calling_ae: str = ""
    association: str = ""
    study_instance_uid: str = ""

    @classmethod
    def from_message(cls, sender: Sender, message: Message) -> Self:
        """Return what a C-STORE-RQ announces."""
        asked = message.command
        syntax = sender.context(message).transfer_syntax
        return cls(asked.sop_class_uid, asked.sop_instance_uid, syntax, sender.calling_ae, sender.name)


def check_room(files: Files, reserve_bytes: int) -> None:
    """Raise Rejected (0xA700) when free disk space is below the reserve, or the disk does not answer."""
    if files.free_bytes() < reserve_bytes:
        raise Rejected(status.OUT_OF_RESOURCES, "free disk space is below the reserve (node.reserve_mb)")


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
        self._header: InstanceHeader | None = None
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
    def request(self) -> StoreRequest:
        """The object as announced."""
        return self._request

    @property
    def header(self) -> InstanceHeader | None:
        """The header once `finish` could read it, also of an object that is then refused."""
        return self._header

    @property
    def head(self) -> bytearray:
        """The first bytes of the data set, also of one that is not written."""
        return self._head

    @property
    def size(self) -> int:
        """Bytes of the data set received so far."""
        return self._size

    def write(self, data: bytes | memoryview) -> None:
        """Write the next bytes of the data set; never raises, `finish` reports any failure."""
        self._size += len(data)
        if len(self._head) < HEAD_BYTES:
            self._head += data[: HEAD_BYTES - len(self._head)]
        if self._file is None:
            return
        try:
            if self._size - self._looked_at > _LOOK_EVERY_BYTES:
                self._look_at_disk()
            self._file.write(data)
        except Rejected as failure:
            self._fail(failure)

    def finish(self) -> Registered:
        """Store and register the object; once this returns, Success may be answered.

        Raises Rejected: 0xA700 when it cannot be stored, 0xA900 or 0xC000 when it does not match the request, is
        incomplete or cannot be understood.
        """
        try:
            if self._file is None:
                raise self._failure or Rejected(status.OUT_OF_RESOURCES, "the object was not stored")
            header = self._read_header(self._file)
            if header.sop_class_uid != self._request.sop_class_uid:
                raise Rejected(status.DOES_NOT_MATCH, "SOP Class UID differs from the request's")
            if self._request.study_instance_uid not in ("", header.study_instance_uid):
                raise Rejected(status.DOES_NOT_MATCH, "Study Instance UID differs from the request's")
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
        check_room(self._files, self._reserve_bytes)

    def _fail(self, failure: Rejected) -> None:
        self._failure = failure
        self.discard()

    def _read_header(self, file: Incoming) -> InstanceHeader:
        received = DataSet(
            file.path,
            self._preface_bytes,
            self._head,
            self._size,
            self._request.transfer_syntax_uid,
            self._request.association,
        )
        parsed = received.read()
        self._header = parsed.header
        received.check_pixels(parsed)
        return parsed.header

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
