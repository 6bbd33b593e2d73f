"""A sender with almost no overhead: one association, messages prepared in advance, every response checked.

Run as a program, it prints `ready`, waits for a line, sends, and prints the outcome as JSON:

    python bench/scanner.py PORT --objects 100
    python bench/scanner.py PORT --frames 2000
    python bench/scanner.py PORT --tls FOLDER

With `--tls` it shows FOLDER/sender.pem and trusts FOLDER/ca.pem.
"""

from __future__ import annotations

import argparse
import json
import socket
import ssl
import struct
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import traffic
from pydicom import Dataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage
from pynetdicom.pdu import A_ASSOCIATE_AC

_ACCEPT, _DATA, _RELEASED = 2, 4, 6
_STATUS: Final = struct.pack("<HHI", 0x0000, 0x0900, 2)
_SECONDS: Final = 120.0


class Refused(Exception):
    """The peer did not do what it was asked to."""


class Scanner:
    """An open association with one presentation context, over TLS with a context. Raises Refused and OSError."""

    def __init__(
        self, port: int, sop_class: str, *, timeout: float = _SECONDS, tls: ssl.SSLContext | None = None
    ) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket, server_hostname="127.0.0.1")
        try:
            self.maximum_length = self._open(sop_class)
        except BaseException:
            self._socket.close()
            raise

    def send(self, part: bytes | bytearray) -> None:
        """Send whole PDUs."""
        self._socket.sendall(part)

    def expect_success(self) -> None:
        """Wait for the C-STORE response, which must be Success."""
        kind, body = self._pdu()
        place = body.find(_STATUS)
        if kind != _DATA or place < 0:
            raise Refused(f"C-STORE was answered by a PDU of type {kind}")
        (status,) = struct.unpack_from("<H", body, place + len(_STATUS))
        if status:
            raise Refused(f"C-STORE was answered with status {status:04X}")

    def release(self, *, timeout: float | None = None) -> None:
        """End the association and the connection; `timeout` limits the wait for the answer, seconds."""
        with closing(self._socket):
            if timeout is not None:
                self._socket.settimeout(timeout)
            self._socket.sendall(traffic.RELEASE_RQ)
            kind, _ = self._pdu()
            if kind != _RELEASED:
                raise Refused(f"the release was answered by a PDU of type {kind}")

    def alive(self) -> bool:
        """Return whether the peer has kept the idle association open."""
        self._socket.settimeout(0)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _open(self, sop_class: str) -> int:
        """Negotiate the association; return the peer's maximum length."""
        self._socket.sendall(traffic.associate_rq(sop_class))
        kind, body = self._pdu()
        if kind != _ACCEPT:
            raise Refused(f"the association was answered by a PDU of type {kind}")
        answer = A_ASSOCIATE_AC()
        answer.decode(struct.pack(">BxI", kind, len(body)) + body)
        if [context.result for context in answer.presentation_context] != [0]:
            raise Refused("the presentation context was not accepted")
        user_information = answer.user_information
        return int((user_information and user_information.maximum_length) or 0)

    def _pdu(self) -> tuple[int, bytes]:
        kind, length = struct.unpack(">BxI", self._exactly(6))
        return kind, self._exactly(length)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise Refused("the peer closed the connection")
            data += more
        return data


def send_slices(port: int, image: Dataset, objects: int, tls: ssl.SSLContext | None = None) -> int:
    """Send a study of CT slices; return the number of bytes in its data sets."""
    scanner = Scanner(port, CTImageStorage, tls=tls)
    with closing(scanner):
        slices = traffic.Slices(image, scanner.maximum_length)
        for number in range(1, objects + 1):
            scanner.send(slices.message(number))
            scanner.expect_success()
        scanner.release()
    return objects * slices.object_bytes


def send_enhanced(port: int, frames: int) -> int:
    """Send one Enhanced CT image; return the number of bytes in its pixels."""
    scanner = Scanner(port, EnhancedCTImageStorage)
    with closing(scanner):
        for part in traffic.enhanced_message(frames, scanner.maximum_length):
            scanner.send(part)
        scanner.expect_success()
        scanner.release()
    return frames * traffic.FRAME_BYTES


def main() -> None:
    """Wait for the signal, send, and print the outcome."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("--objects", type=int, default=100)
    parser.add_argument(
        "--frames", type=int, default=0, help="send one Enhanced CT image with this many frames instead"
    )
    parser.add_argument("--tls", type=Path, help="folder with ca.pem, sender.pem and sender.key")
    options = parser.parse_args()
    tls = None
    if options.tls is not None:
        tls = ssl.create_default_context(cafile=options.tls / "ca.pem")
        tls.load_cert_chain(options.tls / "sender.pem", options.tls / "sender.key")
    image = traffic.ct_slice()
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.monotonic()
    try:
        if options.frames:
            sent = send_enhanced(options.port, options.frames)
        else:
            sent = send_slices(options.port, image, options.objects, tls)
        outcome: dict[str, float | str] = {"began": began, "ended": time.monotonic(), "bytes": sent}
    except (Refused, OSError) as error:
        outcome = {"error": str(error) or type(error).__name__}
    print(json.dumps(outcome), flush=True)


if __name__ == "__main__":
    main()
