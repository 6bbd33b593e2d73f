"""The demo's PACS: receives results by C-STORE and keeps them in a folder."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pydicom import dcmread
from pydicom.uid import ComprehensiveSRStorage, SecondaryCaptureImageStorage

from dicom import part10, status
from dicom.sop_classes import UNCOMPRESSED
from scp.network import command
from scp.network.acceptor import Acceptor
from scp.network.conversation import Conversation
from scp.network.listener import Listener
from scp.network.message import Message
from scp.network.negotiation import PresentationContext
from scp.network.pace import Pace
from scp.network.terms import Limits
from scp.network.wire import Wire

_CONTEXTS: Final = tuple(
    PresentationContext(uid, UNCOMPRESSED) for uid in (ComprehensiveSRStorage, SecondaryCaptureImageStorage)
)
_SECONDS: Final = 30.0
_LONGEST_PDU: Final = 128 * 1024


class DemoPacs:
    """A Storage SCP on 127.0.0.1 that writes reports (sr-N.dcm) and pictures (overlay-N.dcm, .png)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self.reports: list[Path] = []
        self.pictures: list[Path] = []
        self._listener = Listener(("127.0.0.1", 0), self._open)

    @property
    def port(self) -> int:
        """The port chosen by the system."""
        return self._listener.port

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        threading.Thread(target=self._listener.serve_forever, name="demo-pacs", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown()
        for acceptor in self._listener.acceptors:
            acceptor.stop()

    def _open(self, connection: socket.socket, address: tuple[str, int]) -> Acceptor:
        limits = Limits(_SECONDS, _LONGEST_PDU, _LONGEST_PDU)
        operations = {command.C_STORE_RQ: self._store}
        return Acceptor(
            Wire(connection, Pace(_SECONDS, _SECONDS)), address, limits, lambda _request, _host: _CONTEXTS, operations
        )

    def _store(self, association: Conversation, message: Message) -> None:
        asked = message.command
        syntax = association.context(message).transfer_syntax
        file = bytearray(
            part10.encode_preface(asked.sop_class_uid, asked.sop_instance_uid, syntax, association.calling_ae)
        )
        for data in association.messages.data():
            file += data
        is_report = asked.sop_class_uid == ComprehensiveSRStorage
        with self._lock:
            kept = self.reports if is_report else self.pictures
            path = self._folder / f"{'sr' if is_report else 'overlay'}-{len(kept) + 1}.dcm"
            path.write_bytes(file)
            if not is_report:
                path = _as_png(path)
            kept.append(path)
        association.respond(message, status.SUCCESS)


def _as_png(path: Path) -> Path:
    from PIL import Image

    picture = path.with_suffix(".png")
    Image.fromarray(dcmread(path).pixel_array).save(picture)
    return picture
