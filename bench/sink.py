"""A receiver that keeps nothing and prints a line of JSON for each association, timed from opening to end.

Every presentation context is accepted and every C-STORE answered with Success (PS3.7 9.3.1.2, PS3.8 9.3).

    python bench/sink.py PORT
"""

from __future__ import annotations

import argparse
import json
import socket
import struct
import time
from contextlib import closing, suppress
from typing import Final

from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, ExplicitVRLittleEndian
from pynetdicom import build_context
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import ImplementationClassUIDNotification, MaximumLengthNotification

MAXIMUM_LENGTH: Final = 131072
_ASSOCIATE_RQ, _DATA, _RELEASE_RQ = 1, 4, 5
_RELEASE_RP: Final = struct.pack(">BxII", 6, 4, 0)
_MESSAGE_ID: Final = struct.pack("<HHI", 0x0000, 0x0110, 2)
_COMMAND, _LAST = 1, 2


class Ended(Exception):
    """The peer closed the connection."""


class Association:
    """One association, from its request to its release."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = memoryview(bytearray(MAXIMUM_LENGTH + 6))
        self._message_id = 0
        self.objects = self.bytes = 0

    def serve(self) -> None:
        """Respond until the peer releases or disconnects. Raises Ended and OSError."""
        while True:
            kind, length = struct.unpack(">BxI", self._exactly(6))
            if kind == _DATA:
                self._data(self._exactly(length))
            elif kind == _ASSOCIATE_RQ:
                self._socket.sendall(accept(struct.pack(">BxI", kind, length) + bytes(self._exactly(length))))
            elif kind == _RELEASE_RQ:
                self._exactly(length)
                self._socket.sendall(_RELEASE_RP)
            else:
                return

    def _data(self, body: memoryview) -> None:
        """Process each PDV of a P-DATA-TF; commands come in one piece, as all senders here do."""
        place = 0
        while place < len(body):
            size, context_id, control = struct.unpack_from(">IBB", body, place)
            if control & _COMMAND:
                command = bytes(body[place + 6 : place + 4 + size])
                at = command.find(_MESSAGE_ID) + len(_MESSAGE_ID)
                (self._message_id,) = struct.unpack_from("<H", command, at)
            else:
                self.bytes += size - 2
                if control & _LAST:
                    self.objects += 1
                    self._socket.sendall(store_rsp(context_id, self._message_id))
            place += 4 + size

    def _exactly(self, size: int) -> memoryview:
        if size > len(self._buffer):
            self._buffer = memoryview(bytearray(size))
        got = 0
        while got < size:
            more = self._socket.recv_into(self._buffer[got:size])
            if not more:
                raise Ended
            got += more
        return self._buffer[:size]


def accept(request: bytes) -> bytes:
    """Encode an A-ASSOCIATE-AC that accepts everything, in Explicit VR Little Endian where proposed."""
    request_pdu = A_ASSOCIATE_RQ()
    request_pdu.decode(request)
    primitive = request_pdu.to_primitive()
    results = []
    for proposed in primitive.presentation_context_definition_list:
        syntaxes = [str(syntax) for syntax in proposed.transfer_syntax]
        chosen = ExplicitVRLittleEndian if ExplicitVRLittleEndian in syntaxes else syntaxes[0]
        context = build_context(str(proposed.abstract_syntax), chosen)
        context.context_id, context.result = proposed.context_id, 0
        results.append(context)
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received = MAXIMUM_LENGTH
    implementation.implementation_class_uid = PYDICOM_IMPLEMENTATION_UID
    primitive.presentation_context_definition_results_list = results
    primitive.user_information = [length, implementation]
    primitive.result = 0
    answer = A_ASSOCIATE_AC()
    answer.from_primitive(primitive)
    return bytes(answer.encode())


def store_rsp(context_id: int, message_id: int) -> bytes:
    """Encode a P-DATA-TF with a C-STORE response of Success."""
    values = ((0x0100, 0x8001), (0x0120, message_id), (0x0800, 0x0101), (0x0900, 0x0000))
    elements = b"".join(struct.pack("<HHIH", 0, element, 2, value) for element, value in values)
    command = struct.pack("<HHII", 0, 0, 4, len(elements)) + elements
    size = len(command) + 2
    return struct.pack(">BxIIBB", _DATA, size + 4, size, context_id, _COMMAND | _LAST) + command


def main() -> None:
    """Serve one association after another until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    options = parser.parse_args()
    with closing(socket.create_server(("127.0.0.1", options.port))) as server:
        while True:
            connection, _ = server.accept()
            began = time.monotonic()
            with closing(connection):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                association = Association(connection)
                with suppress(Ended, OSError):
                    association.serve()
            seconds = time.monotonic() - began
            if association.objects:
                summary = {"objects": association.objects, "bytes": association.bytes, "seconds": seconds}
                print(json.dumps(summary), flush=True)


if __name__ == "__main__":
    main()
