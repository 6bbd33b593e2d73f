"""A listening server with storage and query over a fresh index, without scoring and delivery."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from config.settings import Companions, Settings
from scp.reception.admission import Admission
from scp.reception.incoming import StoreRequest
from scp.reception.server import Server
from scp.services import verification
from scp.services.query import QueryScp
from scp.services.retrieve.service import RetrieveScp
from scp.services.storage import StorageScp
from scp.services.storage_rules import StorageRules
from storage.database.engine import Database
from storage.intake.instances import Registered
from storage.objects.files import Files


@dataclass
class Site:
    database: Database
    files: Files
    storage: StorageScp
    server: Server
    received: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.server.port


@pytest.fixture
def companions() -> Companions:
    """`node.companions` of the site; a test parametrizes it."""
    return "keep"


@pytest.fixture
def peers() -> dict[str, dict[str, object]]:
    """`[peers]` of the site; a test module overrides it."""
    return {}


@pytest.fixture
def node_settings() -> dict[str, object]:
    """Further keys of `[node]` of the site."""
    return {}


@pytest.fixture
def site(
    tmp_path: Path,
    companions: Companions,
    peers: dict[str, dict[str, object]],
    node_settings: dict[str, object],
) -> Iterator[Site]:
    node = {"port": 0, "accept_unknown_peers": True, "max_associations": 3, "data_dir": tmp_path}
    settings = Settings(node=node | node_settings, peers=peers)
    database = Database.open(f"sqlite:///{tmp_path / 'index.sqlite'}")
    database.migrate()
    files = Files(tmp_path / "objects")
    received: list[str] = []
    storage = StorageScp(
        database,
        files,
        clock=lambda: datetime.now(UTC),
        received=lambda series_instance_uid, _: received.append(series_instance_uid),
        rules=StorageRules(companions=companions),
    )
    services = (
        verification.provide(),
        storage.provide(),
        QueryScp(database, files, settings.node.ae_title).provide(),
        RetrieveScp(database, files, settings.node, settings.peers).provide(),
    )
    server = Server(settings.node, Admission.from_settings(settings), services, find_shortage=storage.find_shortage)
    server.start()
    yield Site(database, files, storage, server, received)
    server.stop()
    database.close()


@pytest.fixture
def slice_of() -> Callable[..., Dataset]:
    """Build a small CT image; equal numbers give equal UIDs, keywords change attributes."""

    def build(number: int = 1, series: int = 1, study: int = 1, **attributes: object) -> Dataset:
        image = Dataset()
        image.SpecificCharacterSet = "ISO_IR 192"
        image.SOPClassUID = CTImageStorage
        image.SOPInstanceUID = f"1.2.826.0.1.{study}.{series}.{number}"
        image.SeriesInstanceUID = f"1.2.826.0.1.{study}.{series}"
        image.StudyInstanceUID = f"1.2.826.0.1.{study}"
        image.Modality = "CT"
        image.PatientName = f"Test^Patient{study}"
        image.PatientID = f"ID{study}"
        image.StudyDate = "20240229"
        image.AccessionNumber = f"ACC{study}"
        image.SeriesNumber = series
        image.InstanceNumber = number
        image.ImagePositionPatient = [0, 0, 3 * number]
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.PixelSpacing = [0.5, 0.5]
        image.Rows = image.Columns = 32
        image.SamplesPerPixel = 1
        image.PhotometricInterpretation = "MONOCHROME2"
        image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 1
        image.RescaleSlope, image.RescaleIntercept = 1, 0
        image.PixelData = np.random.default_rng(number).integers(-1000, 1500, (32, 32), np.int16).tobytes()
        for keyword, value in attributes.items():
            setattr(image, keyword, value)
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.file_meta.ImplementationClassUID = generate_uid(entropy_srcs=["tests"])
        return image

    return build


@pytest.fixture
def keep(site: Site) -> Callable[[Dataset], Registered]:
    """Store a data set without a network."""

    def take(image: Dataset) -> Registered:
        buffer = DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = True, False
        write_dataset(buffer, image)
        syntax = image.file_meta.TransferSyntaxUID
        reception = site.storage.begin(StoreRequest(str(image.SOPClassUID), str(image.SOPInstanceUID), syntax))
        reception.write(buffer.getvalue())
        return reception.finish()

    return take
