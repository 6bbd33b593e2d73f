"""Storage service (PS3.4 annex B): Success only when the file is durable and its row is committed.

data set (bytes as they came) -> temporary file -> fsync -> rename -> row committed -> 0x0000
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Final

import structlog
from pydicom import config as pydicom_config
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID
from pynetdicom import evt

from config.errors import CoronodeError, Rejected
from scp import identity, status
from scp.completion import Holder
from scp.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from storage.database import Database
from storage.files import OUT_OF_RESOURCES, Files
from storage.header import InstanceHeader
from storage.instances import Registered, register

log = structlog.get_logger(__name__)

_NOT_THAT_CLASS: Final = 0xA900


class Storage:
    """The Storage SCP: takes one object at a time from any number of associations."""

    def __init__(
        self,
        database: Database,
        files: Files,
        *,
        clock: Callable[[], datetime],
        received: Callable[[str, Holder | None], None],
        reserve_bytes: int = 0,
    ) -> None:
        self._database = database
        self._files = files
        self._clock = clock
        self._received = received
        self._reserve_bytes = reserve_bytes

    def on_store(self, event: evt.Event) -> Dataset:
        """Handle EVT_C_STORE: keep the object, or say in the response why not (PS3.4 B.2.3)."""
        request = event.request
        calling = event.assoc.requestor.ae_title.strip()
        try:
            stored = self.take(
                event.encoded_dataset(include_meta=False),
                sop_class_uid=str(request.AffectedSOPClassUID),
                transfer_syntax_uid=str(event.context.transfer_syntax),
                calling_ae=calling,
                association=f"{calling} {_address(event)} {event.assoc.name}",
            )
        except Rejected as rejection:
            log.warning("object refused", status=f"0x{rejection.status:04X}", reason=rejection.reason, calling=calling)
            return status.response(rejection.status, rejection.reason)
        except CoronodeError as error:
            log.error("object not stored", reason=str(error), calling=calling)
            return status.response(OUT_OF_RESOURCES, str(error))
        except Exception:  # the service's edge: without Success the sender keeps the object and tries again
            log.exception("object not stored", calling=calling)
            return status.response(OUT_OF_RESOURCES, "internal error, see the node's log")
        if stored.outcome != "conflict":  # a sender that begins again with what is here is still sending
            self._received(stored.series_uid, event.assoc)
        return status.response(status.SUCCESS)

    def take(
        self, data: bytes, *, sop_class_uid: str, transfer_syntax_uid: str, calling_ae: str = "", association: str = ""
    ) -> Registered:
        """Store the encoded data set `data` durably and register it.

        Raises Rejected: 0xA700 when it cannot be stored, 0xA900 or 0xC000 when it is not what the request says.
        """
        if self._files.free_bytes() - len(data) < self._reserve_bytes:
            raise Rejected(OUT_OF_RESOURCES, "free disk space is under the reserve (node.reserve_mb)")
        header = _header(data, transfer_syntax_uid, association)
        if header.sop_class_uid != sop_class_uid:
            raise Rejected(_NOT_THAT_CLASS, "SOP Class UID differs from the request's")
        with self._files.incoming(transfer_syntax_uid) as file:
            file.preface(_file_meta(header, calling_ae))
            file.write(data)
            stored = file.commit(header.file_name(file.sha256))
        outcome = register(self._database, self._files, header, stored, now=self._clock(), calling_ae=calling_ae)
        log.debug("object", outcome=outcome.outcome, series=header.series_uid, instance=header.sop_uid)
        return outcome


def _address(event: evt.Event) -> str:
    requestor = event.assoc.requestor
    return f"{requestor.address}:{requestor.port}"


def _header(data: bytes, transfer_syntax_uid: str, association: str) -> InstanceHeader:
    """The indexed part of the data set, read without its pixel data."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    part10 = BytesIO(_part10_head(meta) + data)
    try:
        with pydicom_config.disable_value_validation():
            dataset = dcmread(part10, stop_before_pixels=True)
            identity.complete(dataset, association)
            return InstanceHeader.from_dataset(dataset, transfer_syntax_uid)
    except Rejected:
        raise
    except Exception as error:  # whatever the bytes make the parser raise, the object cannot be understood
        raise Rejected(status.UNABLE_TO_PROCESS, f"data set cannot be read: {type(error).__name__}") from error


def _file_meta(header: InstanceHeader, calling_ae: str) -> bytes:
    """Preamble and File Meta Information of a stored object (PS3.10 7.1)."""
    meta = FileMetaDataset()
    with pydicom_config.disable_value_validation():
        meta.MediaStorageSOPClassUID = UID(header.sop_class_uid)
        meta.MediaStorageSOPInstanceUID = UID(header.sop_uid)
        meta.TransferSyntaxUID = UID(header.transfer_syntax_uid)
        meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
        meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
        if calling_ae:
            meta.SourceApplicationEntityTitle = calling_ae
        return _part10_head(meta)


def _part10_head(meta: FileMetaDataset) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    buffer.write(b"\0" * 128 + b"DICM")
    write_file_meta_info(buffer, meta, enforce_standard="MediaStorageSOPInstanceUID" in meta)
    return bytes(buffer.getvalue())
