"""One node for all tests of this folder, that scores nothing; a study; and the peers that talk to it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import generate_uid

from config.load import load
from config.passcodes import HashedPasscode
from config.settings import PeerSettings, Settings
from storage.database.opening import open_database
from storage.series import states
from storage.series.steps import Step, list_steps
from tests.scp import certificates
from tests.scp.interoperability.peers import DCMJS, Dcmjs, Dcmtk, Orthanc, Peer, Place, Pynetdicom, Secure
from tests.scp.interoperability.processes import Served, unused_port

KINDS = {"DCMTK": Dcmtk, "ORTHANC": Orthanc, "DCMJS": Dcmjs, "PYNETDICOM": Pynetdicom}
NAMES = ("DCMTK", "ORTHANC", "DCMJS", "PYNETDICOM", "DCMTK-TLS", "ORTHANC-TLS", "DCMJS-TLS")
SLICES = 4
USER = ("alice", "a passcode")
"""Of the peer GUARDED."""


@dataclass(frozen=True)
class Site:
    """A node as it runs in a hospital: a process with a configuration in which each peer has a port."""

    settings: Settings
    folder: Path

    def peer(self, name: str) -> PeerSettings:
        return self.settings.peers[name]

    def count(self, series_instance_uid: str) -> int:
        """How many objects of a series the node holds."""
        with closing(open_database(self.settings)) as database:
            return states.get(database, series_instance_uid).instance_count

    def steps(self, series_instance_uid: str) -> list[Step]:
        """The procedure steps that name a series."""
        with closing(open_database(self.settings)) as database:
            return list_steps(database, series_instance_uid)


@contextmanager
def running_site(folder: Path, *sections: str, **of_every_peer: str) -> Iterator[Site]:
    """A node with both ports, every peer, and further sections of the configuration."""
    tls = certificates.write_node(folder)
    certificates.write(folder, "peer", certificates.issue("peer", ("127.0.0.1", "localhost")))
    port = unused_port()
    lines = [
        f'[node]\nport = {port}\ndata_dir = "{folder / "data"}"\nreserve_mb = 0\n[web]\nport = 0',
        f"[node.tls]\nport = {unused_port()}",
        *(f'{key} = "{value}"' for key, value in tls.items()),
    ]
    for name in NAMES:
        title = name.replace("-", "_")
        lines.append(f'[peers.{name}]\nae_title = "{title}"\nhost = "127.0.0.1"\nport = {unused_port()}')
        lines.append(f"tls = {'true' if name.endswith('TLS') else 'false'}")
        lines += [f"{key} = {value}" for key, value in of_every_peer.items()]
    config = folder / "coronode.toml"
    config.write_text("\n".join([*lines, *sections]))
    node = [sys.executable, "-c", "from scp.cli import main; main()", "serve", "--config", config]
    served = Served(node, port, folder / "log")
    try:
        yield Site(load(config), folder)
    finally:
        served.stop()


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Iterator[Site]:
    """A node that waits an hour before it takes a series for complete, so that nothing is scored meanwhile."""
    name, passcode = USER
    patient = "[completion]\nquiet_seconds = 3600\ngap_deadline_seconds = 3600"
    guarded = '[peers.GUARDED]\nae_title = "GUARDED"\nhost = "127.0.0.1"'
    users = f'users = {{ {name} = "{HashedPasscode.make(passcode)}" }}'
    with running_site(tmp_path_factory.mktemp("site"), patient, guarded, users) as running:
        yield running


@pytest.fixture(scope="session", params=NAMES)
def peer_name(request) -> str:
    """Each peer in turn, with and without TLS."""
    return request.param


def place_peer(name: str, site: Site, folder: Path, program: Callable[[str], str]) -> Peer:
    """Make the peer that a site expects, not yet started."""
    kind, _, is_secure = name.partition("-")
    settings, node = site.peer(name), site.settings.node
    secure = Secure(site.folder / "peer.pem", site.folder / "peer.key", site.folder / "ca.pem") if is_secure else None
    port = node.tls.port if secure else node.port
    if kind == "DCMJS" and not (DCMJS / "node_modules/dcmjs-dimse").is_dir():
        pytest.skip(f"dcmjs-dimse is not installed (npm ci --prefix {DCMJS})")
    made: Peer = KINDS[kind](Place(settings.ae_title, port, settings.port, folder, program, secure))
    return made


@pytest.fixture(scope="session")
def peer(peer_name, site, peer_program, tmp_path_factory) -> Iterator[Peer]:
    """The peer, running."""
    made = place_peer(peer_name, site, tmp_path_factory.mktemp(peer_name), peer_program)
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
    """Make a study of a few slices (or of a number of them) under UIDs of its own, in a folder of its own."""

    def make(slices: int = SLICES) -> Study:
        study, series = generate_uid(), generate_uid()
        folder = tmp_path / study
        folder.mkdir()
        images, paths = [], []
        for slice_ in small_series[:slices]:
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
    assert scanner_at(site.settings.node.port, "PYNETDICOM").send(study.images) == [0] * len(study.images)
    return study
