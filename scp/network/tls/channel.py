"""One TLS connection: records of up to 16 KiB each, made and opened in memory, sent and received in large pieces.

OpenSSL never touches the socket: `MemoryBIO`s lie between. So the connection keeps the timeouts of its socket, a
system call carries many records, and the lock is held for computing alone, never while anybody waits.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Sequence
from typing import Final

from scp.network.errors import Closed, Unsecured
from scp.network.tls.certificates import digest
from scp.network.tls.reasons import explain

_PIECE_BYTES: Final = 128 * 1024
"""What is encrypted at a time: a longer piece would not be faster, and would take longer to count as sent."""
_RECEIVE_BYTES: Final = 256 * 1024
_RECORD_BYTES: Final = 16 * 1024 + 320
"""The longest record (RFC 8446 5.2, RFC 5246 6.2.3), of which a part may lie unread inside of OpenSSL."""
_MOST_ANSWERS_BYTES: Final = 64 * 1024
_ALERT: Final = 21
_HANDSHAKE: Final = 22


class Channel:
    """A TLS connection over a connected socket; see `scp.network.transport.Transport`.

    `fingerprints`, if any, are those of the certificates that the peer may have.
    """

    is_secure = True

    def __init__(
        self,
        connection: socket.socket,
        context: ssl.SSLContext,
        *,
        server_side: bool,
        server_name: str | None = None,
        fingerprints: frozenset[str] = frozenset(),
    ) -> None:
        self._socket = connection
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side, server_name)
        self._fingerprints = fingerprints
        self._received = memoryview(bytearray(_RECEIVE_BYTES))
        self._unsent = memoryview(b"")
        self._in_flight = 0
        self._is_ready = self._has_heard = False
        self._computing, self._sending = threading.Lock(), threading.Lock()

    @property
    def certificate(self) -> bytes | None:
        """The peer's certificate, DER, once the handshake is complete."""
        return self._tls.getpeercert(binary_form=True) if self._is_ready else None

    def advance(self) -> bool:
        """Go on with the handshake; see `Transport.advance`."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            self._fetch(0)
            return False
        except ssl.SSLError as error:
            self._say_why()
            raise Unsecured(explain(error)) from error
        self._flush()
        if not self._is_ready:
            self._is_ready = True
            self._check_identity()
        return True

    def receive(self, view: memoryview, flags: int) -> int:
        """Read into `view`; see `Transport.receive`. Raises Closed when a record is not authentic or an alert comes."""
        got = self._open_records(view)
        if got is None:
            return 0
        waits_for_all = bool(flags & socket.MSG_WAITALL)
        while got == 0 or (waits_for_all and got < len(view)):
            try:
                # so many bytes must come, whatever the records: what lies in OpenSSL is at most a part of one
                certain = len(view) - got - _RECORD_BYTES if waits_for_all else 0
                is_end = not self._fetch(flags, max(0, certain))
            except BlockingIOError:
                if got:
                    return got
                raise
            more = self._open_records(view[got:])
            if more is None or is_end:
                return got + (more or 0)
            got += more
            if not got:
                raise BlockingIOError  # a part of a record: the caller's timers decide how long to wait for the rest
        return got

    def send(self, buffers: Sequence[memoryview]) -> int:
        """Send the beginning of `buffers`; see `Transport.send`.

        What has been encrypted must go out: the next call has to bring the same bytes as long as this one says 0, or
        raises BlockingIOError.
        """
        with self._sending:
            if not self._in_flight:
                piece = _gather(buffers)
                if not piece:  # nothing to send makes no record
                    return 0
                self._in_flight = self._encrypt(piece)
            if not self._flush_some():
                return 0
            gone, self._in_flight = self._in_flight, 0
            return gone

    def finish(self) -> None:
        """Send a close_notify (RFC 8446 6.1)."""
        if not self._is_ready:
            return
        try:
            with self._computing:
                self._tls.unwrap()
        except (ssl.SSLError, ValueError):  # that the peer's own close_notify has not come yet is no news
            pass
        self._say_why()

    def _encrypt(self, piece: bytes | memoryview) -> int:
        """Make records of all of `piece`, and return its length."""
        with self._computing:
            try:
                return self._tls.write(piece)
            except ssl.SSLError as error:
                raise Closed(f"TLS failed: {explain(error)}") from error

    def _open_records(self, view: memoryview) -> int | None:
        """Decrypt what is here into `view`, and return how many bytes; None at the peer's close_notify."""
        got = 0
        with self._computing:
            try:
                while got < len(view):
                    # given a buffer, it returns a number
                    count: int = self._tls.read(len(view) - got, view[got:])  # type: ignore[assignment]
                    if not count:
                        return got or None
                    got += count
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                raise Closed(f"TLS failed: {explain(error)}") from error
        if self._outgoing.pending > _MOST_ANSWERS_BYTES:  # they go out before the next data
            raise Closed("TLS failed: it asks for renegotiation over and over")
        return got

    def _fetch(self, flags: int, certain: int = 0) -> bool:
        """Receive records, waiting for `certain` bytes, and return whether the connection is still open."""
        if certain:
            count = self._socket.recv_into(self._received[:certain], 0, socket.MSG_WAITALL)
        else:
            count = self._socket.recv_into(self._received, 0, flags & socket.MSG_DONTWAIT)
        if not count:
            if not self._has_heard:  # a probe of the port, as load balancers make them
                raise Closed("the peer closed the connection")
            if not self._is_ready:
                raise Unsecured("it closed the connection during the TLS handshake")
            return False
        if not self._has_heard and self._received[0] not in (_ALERT, _HANDSHAKE):
            raise Unsecured("it does not speak TLS")
        self._has_heard = True
        with self._computing:
            self._incoming.write(self._received[:count])
        return True

    def _flush(self) -> None:
        with self._sending:
            while not self._flush_some():
                pass

    def _flush_some(self) -> bool:
        """Send encrypted bytes, and return whether none are left. Raises BlockingIOError when none can go."""
        if not self._unsent:
            with self._computing:
                self._unsent = memoryview(self._outgoing.read())
        if self._unsent:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        return not self._unsent and not self._outgoing.pending

    def _say_why(self) -> None:
        """Send the alert that OpenSSL has ready, without waiting."""
        try:
            self._socket.send(bytes(self._unsent) + self._outgoing.read(), socket.MSG_DONTWAIT)
        except OSError:
            return

    def _check_identity(self) -> None:
        if not self._fingerprints:
            return
        shown = self.certificate
        found = "none" if shown is None else digest(shown)
        if found not in self._fingerprints:
            raise Unsecured(f"its certificate is not the one that is configured for it: it has {found}")


def _gather(buffers: Sequence[memoryview]) -> bytes | memoryview:
    """Return the bytes to encrypt next: headers and data together, so that no record holds a header alone."""
    if len(buffers) == 1 or len(buffers[0]) >= _PIECE_BYTES:
        return buffers[0][:_PIECE_BYTES]
    parts, left = [], _PIECE_BYTES
    for buffer in buffers:
        parts.append(buffer[:left])
        left -= len(parts[-1])
        if not left:
            break
    return b"".join(parts)
