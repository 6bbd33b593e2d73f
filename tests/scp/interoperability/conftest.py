"""One node for all tests of this folder, that scores nothing, a study that it holds, and dcmjs-dimse on either side."""

from __future__ import annotations

import json
import queue
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import generate_uid

from config.settings import PeerSettings, Settings
from scp.node import Node

DCMJS = Path(__file__).parents[1] / "dcmjs-dimse"
PEERS = ("DCMTK", "ORTHANC", "DCMJS", "PYNETDICOM")
PATIENCE = 60
SLICES = 4


def unused_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Site:
    """The node, its settings, and the ports on which each of its peers is expected."""

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
    peers = {name: {"ae_title": name, "host": "127.0.0.1", "port": unused_port()} for name in PEERS}
    settings = Settings(
        node={"port": 0, "data_dir": tmp_path_factory.mktemp("site") / "data", "reserve_mb": 0},
        peers=peers,
        completion={"quiet_seconds": 3600, "gap_deadline_seconds": 3600},
    )
    with run_node(settings) as node:
        yield Site(node, settings)


@dataclass(frozen=True)
class Study:
    """A study as files, with what identifies it."""

    study: str
    series: str
    paths: tuple[Path, ...]
    images: tuple[Dataset, ...]

    @property
    def instances(self) -> set[str]:
        return {str(image.SOPInstanceUID) for image in self.images}


@pytest.fixture
def new_study(small_series, tmp_path) -> Callable[[], Study]:
    """Make a study of a few slices under UIDs of its own, in a folder of its own."""

    def make() -> Study:
        study, series = generate_uid(), generate_uid()
        folder = tmp_path / study
        folder.mkdir()
        images = []
        for slice_ in small_series[:SLICES]:
            image = deepcopy(slice_)
            image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID = study, series, generate_uid()
            image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
            image.save_as(folder / f"{image.SOPInstanceUID}.dcm", enforce_file_format=True)
            images.append(image)
        return Study(study, series, tuple(sorted(folder.iterdir())), tuple(images))

    return make


@pytest.fixture
def held_study(new_study, site, scanner_at) -> Study:
    """A study that the node holds."""
    study = new_study()
    scanner = scanner_at(site.port, "DCMTK")
    assert scanner.send(study.images) == [0] * len(study.images)
    return study


class Talking:
    """A program of dcmjs-dimse that tells what happens, a JSON object a line."""

    def __init__(self, command: Sequence[object]) -> None:
        self.said: list[dict[str, Any]] = []
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def expect(self, what: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until something was told so many times; return those that were."""
        deadline = time.monotonic() + PATIENCE
        while len(found := self.all(what)) < count:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"waited {PATIENCE} s for {count} x {what}; it said {self.said}")
            if not line:
                pytest.fail(f"ended without {count} x {what}; it said {self.said}")
            self.said.append(json.loads(line))
        return found

    def all(self, what: str) -> list[dict[str, Any]]:
        return [line for line in self.said if line["what"] == what]

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._reader.join(20)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(b"")


@pytest.fixture(scope="session")
def node_program(peer_program) -> str:
    if not (DCMJS / "node_modules/dcmjs-dimse").is_dir():
        pytest.skip(f"dcmjs-dimse is not installed (npm ci --prefix {DCMJS})")
    return peer_program("node")


@dataclass
class Asked:
    """What came of a request of dcmjs-dimse."""

    code: int
    said: list[dict[str, Any]] = field(default_factory=list)

    def all(self, what: str) -> list[dict[str, Any]]:
        return [line for line in self.said if line["what"] == what]

    @property
    def statuses(self) -> list[int]:
        return [line["status"] for line in self.all("response")]


@pytest.fixture
def dcmjs(node_program, site) -> Callable[..., Asked]:
    """`dcmjs("echo", ...)`: one request of dcmjs-dimse to the node."""

    def ask(service: str, **what: object) -> Asked:
        asked = {"service": service, "port": site.port} | what
        ended = subprocess.run(
            [node_program, DCMJS / "client.mjs", json.dumps(asked)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert not ended.stderr, ended.stderr
        return Asked(ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()])

    return ask


@pytest.fixture
def dcmjs_pacs(node_program, site, tmp_path) -> Iterator[Talking]:
    """A PACS of dcmjs-dimse, where the node expects it."""
    with talking_pacs(node_program, tmp_path, site.peer("DCMJS").port, {"CORONODE": site.port}) as pacs:
        yield pacs


@contextmanager
def talking_pacs(program: str, folder: Path, port: int | None, peers: dict[str, int], **more: object):
    (folder / "pacs").mkdir()
    settings = {"port": port, "folder": str(folder / "pacs"), "peers": peers} | more
    pacs = Talking([program, DCMJS / "server.mjs", json.dumps(settings)])
    try:
        pacs.expect("listening")
        yield pacs
    finally:
        pacs.stop()
