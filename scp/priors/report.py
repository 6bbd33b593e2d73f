"""A report that a peer sent during a C-GET."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import structlog
from pydicom import dcmread
from pydicom.dataset import Dataset

from dicom import part10

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SubOperation:
    """An object received by C-STORE; `data` is its data set, None if it is too long."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    data: bytes | None


def decode_report(came: SubOperation, data: bytes) -> Dataset | None:
    """Decode a received object; None when it cannot be read."""
    meta = part10.encode_preface(came.sop_class_uid, came.sop_instance_uid, came.transfer_syntax_uid)
    try:
        return dcmread(BytesIO(meta + data))
    except Exception:  # noqa: BLE001  # whatever the bytes make the parser raise
        log.warning("a report of the peer is not used", reason="it cannot be read in the negotiated transfer syntax")
        return None
