"""The bytes of one connection, read into a reused buffer, with timers in both directions.

The socket blocks, waking every few seconds to check the timers: an idle connection costs nothing.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import Final

from scp.network.errors import Closed
from scp.network.pace import Pace, Timers
from scp.network.transport import Plain, Transport

BUFFER_BYTES: Final = 256 * 1024
_LONGEST_TICK: Final = 5.0
_SHORTEST_TICK: Final = 0.05


class Wire:
    """A connected socket, whose bytes `transport` moves (None: as they are). `clock` is monotonic seconds.

    `received_bytes` counts all that came.
    """

    def __init__(
        self,
        connection: socket.socket,
        pace: Pace,
        *,
        transport: Transport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._socket = connection
        self._transport = Plain(connection) if transport is None else transport
        self._timers = Timers(pace, clock)
        self._view = memoryview(bytearray(BUFFER_BYTES))
        self._start = self._end = 0
        self.received_bytes = 0
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tick = max(_SHORTEST_TICK, min(_LONGEST_TICK, pace.idle / 4, pace.stalled / 4))
        interval = struct.pack("ll", int(tick), int(tick % 1 * 1_000_000))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, interval)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, interval)

    @property
    def is_secure(self) -> bool:
        """Whether nobody on the way can read or change what is sent."""
        return self._transport.is_secure

    @property
    def certificate(self) -> bytes | None:
        """The certificate that the peer has proved to be its own, DER; None without one."""
        return self._transport.certificate

    def secure(self) -> None:
        """Complete the handshake of TLS, if there is one, within the time set by `finish_within`.

        Raises Unsecured, Closed and Expired.
        """
        while True:
            try:
                if self._transport.advance():
                    return
            except BlockingIOError:
                pass
            except OSError as error:
                raise Closed(f"connection lost: {error.strerror or error}") from error
            self._timers.check()

    def begin(self) -> None:
        """Begin a message: the peer must now keep up the pace."""
        self._timers.begin()

    def end(self) -> None:
        """End a message: the peer may now be idle."""
        self._timers.end()

    def finish_within(self, seconds: float) -> None:
        """Limit all that is read until a message begins or ends to this time, however slowly it comes (ARTIM)."""
        self._timers.finish_within(seconds)

    def read(self, count: int) -> memoryview:
        """Read exactly `count` bytes (at most a buffer full), valid until the next call.

        Raises Closed and Expired.
        """
        if self._end - self._start < count:
            self._need(count)
        self._start += count
        return self._view[self._start - count : self._start]

    def read_some(self, count: int) -> memoryview:
        """Read up to `count` bytes, at least one and as many as are available, valid until the next call.

        Raises Closed and Expired.
        """
        here = self._end - self._start
        if here == 0:
            self._start = 0
            self._end = 0
            self._receive(min(count, BUFFER_BYTES), socket.MSG_WAITALL)
            here = self._end
        length = min(here, count)
        self._start += length
        return self._view[self._start - length : self._start]

    def pending(self) -> bool:
        """Return whether bytes, or the end of the connection, are available without waiting."""
        if self._end > self._start:
            return True
        self._start = self._end = 0
        try:
            count = self._transport.receive(self._view, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError as error:
            raise Closed(f"connection lost: {error.strerror or error}") from error
        if count == 0:
            raise Closed("the peer closed the connection")
        self._end = count
        self.received_bytes += count
        return True

    def send(self, *buffers: bytes | bytearray | memoryview) -> None:
        """Send all bytes of `buffers`, in order.

        Raises Closed, and Expired when the peer does not read them, or too slowly.
        """
        left = [memoryview(buffer) for buffer in buffers]
        begun = last = self._timers.now()
        taken = 0
        while left:
            try:
                sent = self._transport.send(left)
            except BlockingIOError:
                self._timers.await_reading(last)
                continue
            except OSError as error:
                raise Closed(f"connection lost: {error.strerror or error}") from error
            last = self._timers.now()
            taken += sent
            left = _rest(left, sent)
            if left:
                self._timers.check_average(taken, last - begun)
            self._timers.check()

    def close(self) -> None:
        """Close the connection."""
        self._transport.finish()
        self._socket.close()
        # what still refers to this connection, for instance an error that was raised in it, need not keep the buffer
        self._view = memoryview(bytearray())
        self._start = self._end = 0

    def shut(self) -> None:
        """Shut down both directions from another thread, so that a reader sees the end."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def drain(self, seconds: float) -> bool:
        """Drop input until the peer closes, for at most `seconds` (ARTIM, PS3.8 9.1.5), and return whether it did."""
        deadline = self._timers.now() + seconds
        self._transport.finish()
        try:
            self._socket.shutdown(socket.SHUT_WR)
            while (left := deadline - self._timers.now()) > 0:
                self._socket.settimeout(left)
                if not self._socket.recv_into(self._view):
                    return True
        except TimeoutError:
            return False
        except OSError:
            return True
        return False

    def _need(self, count: int) -> None:
        here = self._end - self._start
        if self._start + count > BUFFER_BYTES or here == 0:
            self._view[:here] = bytes(self._view[self._start : self._end])
            self._start, self._end = 0, here
        while self._end - self._start < count:
            self._receive(BUFFER_BYTES - self._end, 0)

    def _receive(self, most: int, flags: int) -> None:
        """Read into the free part of the buffer, waiting until something arrives."""
        asked = self._timers.now()
        while True:
            try:
                count = self._transport.receive(self._view[self._end : self._end + most], flags)
            except BlockingIOError:
                count = -1
            except OSError as error:
                raise Closed(f"connection lost: {error.strerror or error}") from error
            if count == 0:
                raise Closed("the peer closed the connection")
            if count > 0:
                self._end += count
                self.received_bytes += count
                self._timers.take(count)
                return
            self._timers.await_more(asked)


def _rest(buffers: Sequence[memoryview], sent: int) -> list[memoryview]:
    for index, buffer in enumerate(buffers):
        if sent < len(buffer):
            return [buffer[sent:], *buffers[index + 1 :]]
        sent -= len(buffer)
    return []
