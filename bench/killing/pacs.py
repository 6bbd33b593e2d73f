"""A PACS that takes reports, slowly enough to be left in the middle of one."""

from __future__ import annotations

import time
from collections import defaultdict

from pydicom.uid import ComprehensiveSRStorage, ExplicitVRLittleEndian
from pynetdicom import AE, evt

_SUCCESS = 0


class Pacs:
    """Receives SRs and keeps them by study and SOP Instance UID."""

    def __init__(self, pause: float = 0.2, port: int = 0) -> None:
        self.documents: defaultdict[str, dict[str, list[bytes]]] = defaultdict(dict)
        self.arriving: list[str] = []
        self._pause = pause
        self._ae = AE("PACS")
        self._ae.add_supported_context(ComprehensiveSRStorage, ExplicitVRLittleEndian)
        self.port = port
        self.open()

    def open(self) -> None:
        """Listen, on the port of before if there was one."""
        handlers = [(evt.EVT_C_STORE, self._on_store)]
        self._server = self._ae.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)
        self.port = int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()

    def _on_store(self, event: evt.Event) -> int:
        study = str(event.dataset.StudyInstanceUID)
        self.arriving.append(study)
        time.sleep(self._pause)  # a window in which the sender can die: half before archiving, half after
        sop = str(event.request.AffectedSOPInstanceUID)
        self.documents[study].setdefault(sop, []).append(event.encoded_dataset(include_meta=False))
        time.sleep(self._pause)
        return _SUCCESS
