"""The receivers under test, each on a free port, in its own folder and session."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from usage import cpu_seconds

from config.settings import NodeSettings, StorageSettings

ENVIRONMENT: Final = {**os.environ, "TCP_NODELAY": "1"}
"""Without it, DCMTK and Orthanc wait for acknowledgements (Nagle's algorithm)."""
CORONODE: Final = (sys.executable, "-c", "from scp.cli import main; main()")
_LONG: Final = 86400
_START_SECONDS: Final = 90.0
_QUIET_LOOKS: Final = 2
_QUIET_CPU_SECONDS: Final = 0.06


@dataclass(frozen=True)
class Receiver:
    """A program that accepts C-STORE. `command` writes its settings into a folder and returns its command line.

    Its parameters are the folder and the port. `program` must be on the PATH; "" means that nothing is needed.
    """

    name: str
    title: str
    command: Callable[[Path, int], Sequence[str]]
    program: str = ""

    @property
    def missing(self) -> str:
        """Reason why it cannot run here; empty if it can."""
        if self.program and program(self.program) is None:
            return f"{self.program} is not on the PATH"
        if self.name == "coronode-relaxed" and "durability" not in StorageSettings.model_fields:
            return "this version has no storage.durability"
        return ""


@dataclass(frozen=True)
class Running:
    """A listening receiver; `session` is the leader process of its session."""

    receiver: Receiver
    session: int
    port: int


def program(name: str) -> str | None:
    """Return the path of a program, ignoring pynetdicom's program of the same name in our environment."""
    ours = Path(sys.prefix) / "bin"
    places = [place for place in ENVIRONMENT.get("PATH", "").split(os.pathsep) if Path(place) != ours]
    return shutil.which(name, path=os.pathsep.join(places))


@contextmanager
def started(receiver: Receiver, folder: Path) -> Iterator[Running]:
    """Start a receiver in an empty folder, and stop and remove it at the end.

    Raises RuntimeError with the end of its log if it does not start listening.
    """
    folder.mkdir()
    port, file = free_port(), folder / "log.txt"
    with file.open("wb") as log:
        process = subprocess.Popen(
            receiver.command(folder, port),
            stdout=log,
            stderr=log,
            cwd=folder,
            env=environment(),
            start_new_session=True,
        )
    try:
        _wait(process, port, receiver.title, file)
        settle(process.pid)
        yield Running(receiver, process.pid, port)
    finally:
        _end(process)
        shutil.rmtree(folder, ignore_errors=True)


def chosen(names: Sequence[str]) -> list[Receiver]:
    """The receivers of these names that can run here; the others are named on standard error."""
    found = [receiver for receiver in RECEIVERS if receiver.name in names]
    for receiver in found:
        if receiver.missing:
            print(f"left out: {receiver.title}: {receiver.missing}", file=sys.stderr)
    return [receiver for receiver in found if not receiver.missing]


def configuration(folder: Path, port: int, *, durability: str = "full", peers: str = "") -> Path:
    """Write the node's configuration: everybody may call, and no series is ever complete."""
    wanted: dict[str, Any] = {
        "port": port,
        "data_dir": str(folder / "data"),
        "accept_unknown_peers": True,
        "reserve_mb": 0,
        "max_associations": 1000,
        "max_associations_per_peer": 1000,
        "network_timeout": _LONG,
        "log_level": "warning",
    }
    node = [f"{key} = {json.dumps(value)}" for key, value in wanted.items() if key in NodeSettings.model_fields]
    relaxed = [] if durability == "full" else ["[storage]", f'durability = "{durability}"']
    quiet = ["[completion]", *(f"{key} = {_LONG}" for key in ("quiet_seconds", "gap_deadline_seconds", "hold_seconds"))]
    file = folder / "coronode.toml"
    file.write_text("\n".join(["[node]", *node, *quiet, *relaxed, "[web]", "port = 0", peers, ""]), encoding="utf-8")
    return file


def settle(session: int) -> None:
    """Wait until a receiver has finished its start-up work, for instance loading its scoring process."""
    deadline = time.monotonic() + _START_SECONDS
    before, quiet = cpu_seconds(session), 0
    while quiet < _QUIET_LOOKS and time.monotonic() < deadline:
        time.sleep(0.5)
        now = cpu_seconds(session)
        quiet = quiet + 1 if now - before <= _QUIET_CPU_SECONDS else 0
        before = now


def free_port() -> int:
    """Return a port on which nobody is listening."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment() -> dict[str, str]:
    """Return our environment, in which a process started elsewhere still finds the packages that this one uses."""
    here = Path(__file__).resolve().parent
    places = [Path(place).resolve() for place in sys.path if place]
    return {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(str(place) for place in places if place != here)}


def _coronode(durability: str) -> Callable[[Path, int], Sequence[str]]:
    def command(folder: Path, port: int) -> Sequence[str]:
        return [*CORONODE, "serve", "--config", str(configuration(folder, port, durability=durability))]

    return command


def _storescp(folder: Path, port: int) -> Sequence[str]:
    return [program("storescp") or "storescp", "--fork", "-od", str(folder), str(port)]


def _orthanc(folder: Path, port: int) -> Sequence[str]:
    settings = {
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "HttpServerEnabled": False,
        "DicomPort": port,
        "DicomAlwaysAllowStore": True,
        "DicomScpTimeout": _LONG,
        "StableAge": _LONG,
        "Plugins": [],
    }
    file = folder / "orthanc.json"
    file.write_text(json.dumps(settings), encoding="utf-8")
    return [program("Orthanc") or "Orthanc", str(file)]


def _pynetdicom(folder: Path, port: int) -> Sequence[str]:
    options = ["-q", "-ba", "127.0.0.1", "-tn", str(_LONG), "-od", str(folder)]
    return [sys.executable, "-m", "pynetdicom", "storescp", *options, str(port)]


def _wait(process: subprocess.Popen[bytes], port: int, title: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            output = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"{title} did not start listening:\n{output}")
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Send SIGTERM to the leader, then SIGKILL to the rest of its process group."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(15)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


RECEIVERS: Final = (
    Receiver("coronode", "Coronode, durable", _coronode("full")),
    Receiver("coronode-relaxed", "Coronode, relaxed", _coronode("relaxed")),
    Receiver("storescp", "DCMTK storescp --fork", _storescp, "storescp"),
    Receiver("orthanc", "Orthanc", _orthanc, "Orthanc"),
    Receiver("pynetdicom", "pynetdicom storescp", _pynetdicom),
)
NAMES: Final = tuple(receiver.name for receiver in RECEIVERS)
