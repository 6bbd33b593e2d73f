"""The demo's PACS: takes results by C-STORE and keeps them in a folder."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from pydicom import dcmread
from pydicom.uid import ComprehensiveSRStorage, SecondaryCaptureImageStorage
from pynetdicom import AE, evt

from dicom import status
from scp.services import contexts

AE_TITLE: Final = "DEMOPACS"


class DemoPacs:
    """A Storage SCP on 127.0.0.1 that writes reports (sr-N.dcm) and pictures (overlay-N.dcm, .png)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self.reports: list[Path] = []
        self.pictures: list[Path] = []
        self._ae = AE(ae_title=AE_TITLE)
        for uid in (ComprehensiveSRStorage, SecondaryCaptureImageStorage):
            self._ae.add_supported_context(uid, list(contexts.UNCOMPRESSED))
        self._server: Any = None

    @property
    def port(self) -> int:
        """The port that the system chose."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        handlers: list[Any] = [(evt.EVT_C_STORE, self._on_store)]
        self._server = self._ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()

    def _on_store(self, event: evt.Event) -> int:
        is_report = event.request.AffectedSOPClassUID == ComprehensiveSRStorage
        with self._lock:
            kept = self.reports if is_report else self.pictures
            path = self._folder / f"{'sr' if is_report else 'overlay'}-{len(kept) + 1}.dcm"
            path.write_bytes(event.encoded_dataset())
            if not is_report:
                path = _as_png(path)
            kept.append(path)
        return status.SUCCESS


def _as_png(path: Path) -> Path:
    from PIL import Image

    picture = path.with_suffix(".png")
    Image.fromarray(dcmread(path).pixel_array).save(picture)
    return picture
