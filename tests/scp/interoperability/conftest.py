"""One node for all tests of this folder, that scores nothing; a study; and the peers that talk to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import generate_uid

from config.settings import PeerSettings, Settings
from scp.node import Node
from tests.scp.interoperability.peers import DCMJS, Dcmjs, Dcmtk, Orthanc, Peer, Place, Pynetdicom
from tests.scp.interoperability.processes import unused_port

NAMES = ("DCMTK", "ORTHANC", "DCMJS", "PYNETDICOM")
SLICES = 4


@dataclass(frozen=True)
class Site:
    """The node and its settings, in which each peer has a port."""

    node: Node
    settings: Settings

    @property
    def port(self) -> int:
        return self.node.server.port

    def peer(self, name: str) -> PeerSettings:
        return self.settings.peers[name]


@pytest.fixture(scope="session")
def site(run_node, tmp_path_factory) -> Iterator[Site]:
    """A node that waits an hour before it takes a series for complete, so that nothing is scored meanwhile."""
    peers = {name: {"ae_title": name, "host": "127.0.0.1", "port": unused_port()} for name in NAMES}
    settings = Settings(
        node={"port": 0, "data_dir": tmp_path_factory.mktemp("site") / "data", "reserve_mb": 0},
        peers=peers,
        completion={"quiet_seconds": 3600, "gap_deadline_seconds": 3600},
    )
    with run_node(settings) as node:
        yield Site(node, settings)


@pytest.fixture(scope="session", params=NAMES)
def peer(request, site, peer_program, tmp_path_factory) -> Iterator[Peer]:
    """Each peer in turn, running."""
    name = request.param
    place = Place(site.port, site.peer(name).port, tmp_path_factory.mktemp(name), peer_program)
    made: Peer
    if name == "ORTHANC":
        made = Orthanc(place, unused_port())
    elif name == "DCMJS":
        if not (DCMJS / "node_modules/dcmjs-dimse").is_dir():
            pytest.skip(f"dcmjs-dimse is not installed (npm ci --prefix {DCMJS})")
        made = Dcmjs(place)
    else:
        made = {"DCMTK": Dcmtk, "PYNETDICOM": Pynetdicom}[name](place)
    made.start()
    yield made
    made.stop()


@dataclass(frozen=True)
class Study:
    """A study as files, with what identifies it."""

    study: str
    series: str
    paths: tuple[Path, ...]
    images: tuple[Dataset, ...]


@pytest.fixture
def new_study(small_series, tmp_path) -> Callable[[], Study]:
    """Make a study of a few slices under UIDs of its own, in a folder of its own."""

    def make() -> Study:
        study, series = generate_uid(), generate_uid()
        folder = tmp_path / study
        folder.mkdir()
        images, paths = [], []
        for slice_ in small_series[:SLICES]:
            image = deepcopy(slice_)
            image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID = study, series, generate_uid()
            image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
            paths.append(folder / f"{image.SOPInstanceUID}.dcm")
            image.save_as(paths[-1], enforce_file_format=True)
            images.append(image)
        return Study(study, series, tuple(paths), tuple(images))

    return make


@pytest.fixture
def held_study(new_study, site, scanner_at) -> Study:
    """A study that the node holds."""
    study = new_study()
    assert scanner_at(site.port, "DCMTK").send(study.images) == [0] * len(study.images)
    return study
