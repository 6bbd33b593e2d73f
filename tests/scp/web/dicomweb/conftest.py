"""The web services behind a port, for clients of others."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn
from dicomweb_client.api import DICOMwebClient
from pydicom import Dataset, dcmread

from scp.web.app import create_app
from scp.web.services import Services
from storage.intake.instances import register
from storage.objects.header import InstanceHeader


@contextmanager
def run_server(app) -> Iterator[str]:
    """Serve an application on a free port of 127.0.0.1; gives the base URI of the web services."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive(), "the server did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/dicom-web"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def serve() -> Iterator[Callable[[Services], str]]:
    """`serve(services)` starts a server and returns the base URI of the web services."""
    with ExitStack() as stack:
        yield lambda services: stack.enter_context(run_server(create_app(services)))


@pytest.fixture
def series(web, receive_scan, scan) -> str:
    """The path of the received scan."""
    series = receive_scan(web.services)
    return f"/dicom-web/studies/{scan.score.series.study_instance_uid}/series/{series}"


@pytest.fixture
def slices(scan) -> dict[str, Dataset]:
    """The images of the scan by SOP Instance UID."""
    return {str(dataset.SOPInstanceUID): dataset for dataset in map(dcmread, sorted(scan.folder.glob("*.dcm")))}


@pytest.fixture
def client(web, serve, series) -> DICOMwebClient:
    """A client of others, and one patient's scan that it finds."""
    return DICOMwebClient(serve(web.services))


@pytest.fixture
def keep(web) -> Callable[[Dataset], str]:
    """`keep(dataset)` stores an object as if it had been received, and returns its path in the web services."""

    def store(dataset: Dataset) -> str:
        buffer = io.BytesIO()
        dataset.save_as(buffer, enforce_file_format=True)
        header = InstanceHeader.from_dataset(dataset, str(dataset.file_meta.TransferSyntaxUID))
        with web.services.files.incoming(header.transfer_syntax_uid) as incoming:
            incoming.write(buffer.getvalue())
            stored = incoming.commit(header.file_name(incoming.sha256))
        register(web.services.database, web.services.files, header, stored, now=web.services.clock())
        return (
            f"/dicom-web/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}"
            f"/instances/{dataset.SOPInstanceUID}"
        )

    return store
