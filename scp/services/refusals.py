"""Images that are refused at receipt, noted for their series: it waits for them, and its report tells of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from config.errors import Transient
from dicom.sop_classes import IMAGE_STORAGE
from dicom.uids import is_keepable_uid
from scp.outside_text import escape
from scp.reception.incoming import IncomingObject
from scp.reception.start import MODALITY, SERIES, SOP_CLASS, SOP_INSTANCE, read_start
from scp.reception.watch import Holder
from scp.trouble import Trouble
from storage.database.engine import Database
from storage.series import refusals
from storage.series.refusals import Refusal

_LONGEST_UID: Final = 64


class Refusals:
    """Notes refused images; `received` is told of each new one, because its sender is still sending. Thread-safe."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], received: Callable[[str, Holder | None], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._received = received
        self._trouble = Trouble("refusal not noted", "refusals are noted again")

    def note(self, reception: IncomingObject, reason: str, calling_ae: str, holder: Holder | None) -> None:
        """Note an object that was not stored, unless it is no image of a scan or its series cannot be told."""
        identity = identify(reception)
        if identity is None:
            return
        series_instance_uid, sop_instance_uid = identity
        try:
            refusal = Refusal(series_instance_uid, sop_instance_uid, calling_ae, reason)
            is_new = refusals.note(self._database, refusal, self._clock())
        except Transient as error:  # the sender is refused all the same, and still has the object
            self._trouble.note(error, series=series_instance_uid)
            return
        self._trouble.end()
        if is_new:
            self._received(series_instance_uid, holder)


def identify(reception: IncomingObject) -> tuple[str, str] | None:
    """Return Series and SOP Instance UID of an image, as far as its data set can be read.

    None for what is no CT image by its header or the request, and where the series has no usable UID. A SOP Instance
    UID that cannot be used is escaped; one that is missing is that of the request.
    """
    request, header = reception.request, reception.header
    if header is not None:
        classes, modality = {header.sop_class_uid}, header.modality
        series_instance_uid, sop_instance_uid = header.series_instance_uid, header.sop_instance_uid
    else:
        values = read_start(bytes(reception.head), request.transfer_syntax_uid)
        classes, modality = {values[SOP_CLASS]}, values[MODALITY]
        series_instance_uid, sop_instance_uid = values[SERIES], values[SOP_INSTANCE]
    is_image = not (classes | {request.sop_class_uid}).isdisjoint(IMAGE_STORAGE) and modality in ("CT", "")
    if not is_image or not is_keepable_uid(series_instance_uid):
        return None
    return series_instance_uid, escape(sop_instance_uid or request.sop_instance_uid)[:_LONGEST_UID]
