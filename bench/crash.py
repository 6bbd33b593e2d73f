"""Kill the node during several associations, and prove that everything acknowledged is still there.

    python -m bench.crash --rounds 50 --seed 1

In each round a real `coronode serve` receives objects over four associations at once and is ended with SIGKILL at a
random moment. After a restart, every instance acknowledged to a sender must be in the index and on disk with the bytes
that were sent, every file under its final name must be complete, and no temporary file may be left.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.killing.waiting import wait_for
from dicom.sop_classes import VERIFICATION
from scp.network.errors import AssociationEnded
from scp.network.negotiation import PresentationContext
from scp.network.opening import Opening
from scp.network.requestor import Requestor
from scp.services.storage import IMAGE_STORAGE

EXPLICIT: Final = "1.2.840.10008.1.2.1"
ASSOCIATIONS: Final = 4
START_SECONDS: Final = 60.0
SIZES: Final = (4_000, 527_000, 527_000, 2_000_000)
NODE: Final = (sys.executable, "-c", "from scp.cli import main; main()", "serve", "--config")
PIXELS: Final = struct.pack("<HH2sH", 0x7FE0, 0x0010, b"OW", 0)


@dataclass
class Sent:
    """The objects that the senders tried to send, and those acknowledged to them, by SOP Instance UID."""

    tried: dict[str, bytes] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)


def data_set(series: str, uid: str, pixels: bytes) -> bytes:
    """Encode a small CT object in Explicit VR Little Endian."""

    def text(group: int, element: int, vr: bytes, value: str, padding: bytes = b"\0") -> bytes:
        raw = value.encode()
        raw += padding * (len(raw) % 2)
        return struct.pack("<HH2sH", group, element, vr, len(raw)) + raw

    return b"".join(
        (
            text(0x0008, 0x0016, b"UI", IMAGE_STORAGE[0]),
            text(0x0008, 0x0018, b"UI", uid),
            text(0x0008, 0x0060, b"CS", "CT"),
            text(0x0020, 0x000D, b"UI", f"{series}.1"),
            text(0x0020, 0x000E, b"UI", series),
            struct.pack("<HH2sHH", 0x0028, 0x0010, b"US", 2, 1),
            struct.pack("<HH2sHH", 0x0028, 0x0011, b"US", 2, 1),
            PIXELS,
            struct.pack("<I", len(pixels)),
            pixels,
        )
    )


def send(port: int, series: str, rng: random.Random, sent: Sent, stop: threading.Event) -> None:
    """Send one object after another over one association until it ends or `stop` is set."""
    opening = Opening("SCANNER", "CORONODE", "127.0.0.1", port, 10, 10, 20, 16384)
    try:
        association = Requestor(opening, [PresentationContext(IMAGE_STORAGE[0], (EXPLICIT,))])
        number = 0
        while not stop.is_set():
            number += 1
            uid = f"{series}.9.{number}"
            data = data_set(series, uid, rng.randbytes(1024) * (rng.choice(SIZES) // 1024))
            sent.tried[uid] = data
            if association.store(association.accepted_contexts[0], uid, data).status == 0:
                sent.acknowledged.add(uid)
        association.release()
    except (AssociationEnded, OSError):
        return


def find_faults(folder: Path, sent: Sent) -> list[str]:
    """Return everything that is wrong in the data folder of a restarted node."""
    problems = []
    objects = folder / "data/objects"
    with closing(sqlite3.connect(folder / "data/coronode.sqlite")) as connection:
        rows = dict(connection.execute("SELECT sop_instance_uid, path FROM instances").fetchall())
    problems += [f"{uid}: acknowledged, not in the index" for uid in sent.acknowledged - rows.keys()]
    for uid, path in rows.items():
        if not (objects / path).is_file():
            problems.append(f"{uid}: in the index, no file")
        elif _read_data_set(objects / path) != sent.tried[uid]:
            problems.append(f"{uid}: other bytes on disk")
    indexed = {str(objects / path) for path in rows.values()}
    whole = set(map(bytes, sent.tried.values()))
    for path in (objects / "instances").rglob("*.dcm"):
        if str(path) not in indexed and _read_data_set(path) not in whole:
            problems.append(f"{path.name}: incomplete file under its final name")
    problems += [f"{path.name}: temporary file left behind" for path in (objects / "incoming").glob("*/[!.]*")]
    return problems


def run(rounds: int, seed: int, folder: Path) -> tuple[Sent, list[str]]:
    """Kill the node `rounds` times while four associations send; return what was sent and what was wrong."""
    rng = random.Random(seed)  # noqa: S311  # reproducible draws
    sent, wrong = Sent(), []
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "coronode.toml"
    config.write_text(
        f'[node]\nport = {port}\ndata_dir = "{folder / "data"}"\naccept_unknown_peers = true\nreserve_mb = 0\n'
        "[completion]\nquiet_seconds = 3600\n[web]\nport = 0\n"
    )
    node = _start(config, port)
    try:
        for number in range(rounds):
            stop = threading.Event()
            senders = [
                threading.Thread(
                    target=send,
                    args=(port, f"1.2.3.{seed}.{number}.{k}", random.Random(rng.random()), sent, stop),  # noqa: S311
                )
                for k in range(ASSOCIATIONS)
            ]
            for sender in senders:
                sender.start()
            if number == 0:  # on a busy machine nothing may have been acknowledged that early
                wait_for("the first response", lambda: bool(sent.acknowledged), seconds=START_SECONDS)
            time.sleep(rng.uniform(0.05, 0.6))
            node.send_signal(signal.SIGKILL)
            node.wait()
            stop.set()
            for sender in senders:
                sender.join()
            node = _start(config, port)
            wrong += [f"round {number}: {fault}" for fault in find_faults(folder, sent)]
    finally:
        node.send_signal(signal.SIGTERM)
        node.wait(60)
    return sent, wrong


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        sent, wrong = run(arguments.rounds, arguments.seed, Path(folder))
    print(
        f"{arguments.rounds} kills in {time.monotonic() - begun:.0f} s: {len(sent.tried)} objects sent, "
        f"{len(sent.acknowledged)} acknowledged, {len(wrong)} faults"
    )
    for fault in wrong[:20]:
        print(fault)
    return 1 if wrong else 0


def _start(config: Path, port: int) -> subprocess.Popen[bytes]:
    with (config.parent / "log").open("ab") as log:
        node = subprocess.Popen([*NODE, str(config)], stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            opening = Opening("SCANNER", "CORONODE", "127.0.0.1", port, 1, 5, 5, 16384)
            Requestor(opening, [PresentationContext(VERIFICATION, (EXPLICIT,))]).release()
        except (OSError, AssociationEnded):
            time.sleep(0.05)
        else:
            return node
    node.kill()
    raise RuntimeError(f"the node did not listen within {START_SECONDS:g} s; see {config.parent / 'log'}")


def _read_data_set(path: Path) -> bytes:
    raw = path.read_bytes()
    return raw[144 + int.from_bytes(raw[140:144], "little") :]


if __name__ == "__main__":
    sys.exit(main())
