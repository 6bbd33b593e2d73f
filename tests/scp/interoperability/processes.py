"""Programs of peers: run to their end, or served until a test is over."""

from __future__ import annotations

import json
import os
import queue
import select
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

PATIENCE = 60
QUICK = os.environ | {"TCP_NODELAY": "1"}  # or DCMTK and Orthanc wait for acknowledgements


def unused_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(what: str, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def run(*command: object, code: int = 0) -> str:
    """Run a program to its end, which must be a success (or have this code); return what it printed."""
    words = [str(word) for word in command]
    ended = subprocess.run(
        words, capture_output=True, text=True, errors="replace", timeout=PATIENCE, check=False, env=QUICK
    )
    assert ended.returncode == code, f"{' '.join(words)}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout + ended.stderr


class Served:
    """A program that listens on a port, its output in a file, until `stop`."""

    def __init__(self, command: Sequence[object], port: int, log: Path) -> None:
        with log.open("wb") as file:
            words = [str(word) for word in command]
            self._process = subprocess.Popen(words, stdout=file, stderr=file, env=QUICK)
        until(f"{command[0]} to listen; {log}", lambda: self._listens(port))

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)

    def _listens(self, port: int) -> bool:
        assert self._process.poll() is None, "it has ended"
        with closing(socket.socket()) as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0


class Tunnel:
    """A port without TLS that leads to one with it, as stunnel gives programs that do not speak it."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self._aim, self._context = port, context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(20)
        self._listener.close()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                self._lead(plain)

    def _lead(self, plain: socket.socket) -> None:
        """Carry the bytes of one association after the other."""
        far = socket.create_connection(("127.0.0.1", self._aim), PATIENCE)
        with closing(plain), closing(self._context.wrap_socket(far, server_hostname="127.0.0.1")) as secured:
            ends = {plain: secured, secured: plain}
            while True:
                ready = [secured] if secured.pending() else select.select([*ends], [], [], PATIENCE)[0]
                for end in ready:
                    with suppress(ConnectionError):
                        if data := end.recv(1 << 16):
                            ends[end].sendall(data)
                            continue
                    return


class Talking:
    """A program that tells what happens, a JSON object a line, and ends when its input does."""

    def __init__(self, command: Sequence[object]) -> None:
        self.said: list[dict[str, Any]] = []
        self._lines: queue.Queue[bytes] = queue.Queue()
        words = [str(word) for word in command]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def expect(self, what: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until something was told so many times; return those that were."""
        deadline = time.monotonic() + PATIENCE
        while len(found := [line for line in self.said if line["what"] == what]) < count:
            line = self._lines.get(timeout=max(0.01, deadline - time.monotonic()))
            assert line, f"ended without {count} x {what}; it said {self.said}"
            self.said.append(json.loads(line))
        return found

    def stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._reader.join(20)
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(b"")
