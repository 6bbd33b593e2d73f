"""`coronode serve` with a fresh home scores a series and delivers it: no packet and no file goes anywhere else."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydicom.uid import ComprehensiveSRStorage, EncapsulatedPDFStorage
from pynetdicom import AE, evt

ROOT = Path(__file__).parents[3]

# what Python's own socket module is asked for, in every process of the node (sys.addaudithook); an established
# connection is written to without an address
WATCH = """
import json, os, sys
def note(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        target = arguments[1] and arguments[1][0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        target = arguments[0]
    else:
        return
    if target:
        with open(os.environ["WATCHED"], "a") as file:
            file.write(json.dumps([event, target]) + "\\n")
sys.addaudithook(note)
"""

SILENT_SECONDS = 12
"""ONNX Runtime asks for its maker's host ten seconds after it has been loaded; the node is watched for longer."""

ADDRESS = re.compile(r'sa_family=AF_(\w+)(?:.*?(?:inet_addr\("|inet_pton\(AF_INET6, ")([^"]+)"|.*?sun_path="([^"]+)")?')
NAME_CACHE = "/var/run/nscd/socket"
"""The C library asks a name cache on this machine, if there is one, for users and hosts."""


@dataclass(frozen=True)
class Traces:
    """What a node left behind: folders, and the calls that were seen."""

    home: Path
    temporary: Path
    folder: Path
    asked: list[tuple[str, str]]
    system_calls: str | None


@pytest.fixture(scope="module")
def traces(tmp_path_factory, small_series, eventually, scanner_of) -> Traces:
    folder = tmp_path_factory.mktemp("isolated")
    for name in ("home", "temporary", "watch", "run"):
        (folder / name).mkdir()
    (folder / "watch" / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    received: list[str] = []
    pacs = AE("PACS")
    for sop_class in (ComprehensiveSRStorage, EncapsulatedPDFStorage):
        pacs.add_supported_context(sop_class)
    server = pacs.start_server(
        ("127.0.0.1", 0),
        block=False,
        evt_handlers=[(evt.EVT_C_STORE, lambda event: received.append(event.request.AffectedSOPClassUID) or 0)],
    )
    process = start(folder, int(server.server_address[1]))
    try:
        eventually("the node to listen", lambda: "listens on" in log_of(folder, process))
        port = int(re.search(r"listens on 127\.0\.0\.1:(\d+)", log_of(folder, process))[1])
        scanner_of(SimpleNamespace(server=SimpleNamespace(port=port))).send(small_series)
        eventually("report and PDF", lambda: log_of(folder, process) and len(set(received)) == 2, seconds=200)
        watched_until = time.monotonic() + SILENT_SECONDS
        eventually("a call home", lambda: log_of(folder, process) and time.monotonic() > watched_until)
    finally:
        end(process)
        server.shutdown()
    calls = folder / "calls.txt"
    watched = folder / "watched.jsonl"
    return Traces(
        home=folder / "home",
        temporary=folder / "temporary",
        folder=folder / "run",
        asked=[tuple(json.loads(line)) for line in watched.read_text("utf-8").splitlines()],
        system_calls=calls.read_text("utf-8", "replace") if calls.exists() else None,
    )


def start(folder: Path, pacs_port: int) -> subprocess.Popen[bytes]:
    """Start `coronode serve`, under strace where there is one."""
    config = folder / "run" / "coronode.toml"
    config.write_text(
        f"""
[node]
port = 0
data_dir = {json.dumps(str(folder / "run" / "data"))}
accept_unknown_peers = true
reserve_mb = 0
[peers.PACS]
ae_title = "PACS"
host = "127.0.0.1"
port = {pacs_port}
[completion]
quiet_seconds = 1
[results]
destinations = ["PACS"]
documents = ["sr", "pdf"]
[web]
port = 0
""",
        encoding="utf-8",
    )
    strace = shutil.which("strace")
    calls = "connect,sendto,sendmsg,sendmmsg"
    tracer = [] if strace is None else [strace, "-f", "-qq", "-o", str(folder / "calls.txt"), "-e", f"trace={calls}"]
    with (folder / "log.txt").open("wb") as log:
        return subprocess.Popen(
            [*tracer, sys.executable, "-c", "from scp.start import main; main()", "serve", "--config", str(config)],
            cwd=folder / "run",
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join([str(folder / "watch"), str(ROOT)]),
                "PYTHONDONTWRITEBYTECODE": "1",
                "WATCHED": str(folder / "watched.jsonl"),
                "HOME": str(folder / "home"),
                "TMPDIR": str(folder / "temporary"),
                # as a site might have it: the switches are ours, whatever the environment says
                "ORT_DISABLE_TELEMETRY": "0",
                "OMP_NUM_THREADS": "1",
            },
            stdout=log,
            stderr=log,
        )


def log_of(folder: Path, process: subprocess.Popen[bytes]) -> str:
    log = (folder / "log.txt").read_text("utf-8")
    assert process.poll() is None, log[-4000:]
    return log


def end(process: subprocess.Popen[bytes]) -> None:
    """End the node itself, not its tracer, which ends with it."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    traced = "strace" in Path(f"/proc/{process.pid}/cmdline").read_bytes().decode().split("\0")[0]
    os.kill(int(children.read_text().split()[0]) if traced else process.pid, signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


@pytest.mark.component
def test_no_file_appears_outside_the_data_folder(traces):
    assert [path.name for folder in (traces.home, traces.temporary) for path in folder.rglob("*")] == []
    assert sorted(path.name for path in traces.folder.iterdir()) == ["coronode.toml", "data"]


@pytest.mark.component
def test_python_asks_for_no_host_but_the_configured_one(traces):
    assert {target for _, target in traces.asked} == {"127.0.0.1"}


@pytest.mark.component
def test_the_system_is_asked_for_no_address_but_loopback(traces, peer_program):
    peer_program("strace")
    addresses = [found for line in traces.system_calls.splitlines() for found in ADDRESS.findall(line)]
    assert {family for family, _, _ in addresses} <= {"INET", "INET6", "UNIX"}
    assert {path for family, _, path in addresses if family == "UNIX"} <= {NAME_CACHE}
    hosts = {host for family, host, _ in addresses if family != "UNIX"}
    assert hosts
    assert all(ipaddress.ip_address(host).is_loopback for host in hosts)
