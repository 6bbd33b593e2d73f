"""Bytes of one connection, read into one buffer that is used again and again, with timers on both ways.

The socket blocks, and the system wakes it every few seconds to look at the timers: an idle connection costs nothing.
"""

from __future__ import annotations

import math
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from scp.network.errors import Closed, Expired

BUFFER_BYTES: Final = 256 * 1024
_LONGEST_TICK: Final = 5.0
_SHORTEST_TICK: Final = 0.05
# how many buffers one call of the system takes (POSIX promises 16, Linux 1,024)
_MOST_BUFFERS: Final = 512


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a peer may keep silent, in seconds, and how slow it may be.

    `idle` bounds the silence between messages, `stalled` that within one. A message that takes longer than `stalled`
    must have come at `bytes_per_second` on the whole (0: at any rate). `total` bounds the life of the connection.
    """

    idle: float
    stalled: float
    bytes_per_second: float = 0
    total: float | None = None


class Wire:
    """A connected socket. `clock` is monotonic seconds."""

    def __init__(self, connection: socket.socket, pace: Pace, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._socket = connection
        self._pace = pace
        self._clock = clock
        self._view = memoryview(bytearray(BUFFER_BYTES))
        self._start = self._end = 0
        self._silence = pace.idle
        self._begun: float | None = None
        self._received = 0
        self._deadline = math.inf if pace.total is None else clock() + pace.total
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tick = max(_SHORTEST_TICK, min(_LONGEST_TICK, pace.idle / 4, pace.stalled / 4))
        interval = struct.pack("ll", int(tick), int(tick % 1 * 1_000_000))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, interval)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, interval)

    def begin(self) -> None:
        """A message begins: from now on the peer must keep its pace."""
        if self._begun is None:
            self._begun, self._received, self._silence = self._clock(), 0, self._pace.stalled

    def end(self) -> None:
        """A message has ended: the peer may be idle."""
        self._begun, self._silence = None, self._pace.idle

    def wait_no_longer_than(self, seconds: float) -> None:
        """Bound the silence in another way than the pace does, until a message begins or ends."""
        self._silence = seconds

    def read(self, count: int) -> memoryview:
        """The next `count` bytes (at most a buffer full), valid until the next call.

        Raises Closed and Expired.
        """
        if self._end - self._start < count:
            self._need(count)
        self._start += count
        return self._view[self._start - count : self._start]

    def read_some(self, count: int) -> memoryview:
        """At least one of the next `count` bytes and as many as come at once, valid until the next call.

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
        """Whether bytes are here, or the end of the connection, without waiting."""
        if self._end > self._start:
            return True
        self._start = self._end = 0
        try:
            count = self._socket.recv_into(self._view, 0, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError as error:
            raise Closed(f"connection lost: {error.strerror or error}") from error
        if count == 0:
            raise Closed("the peer closed the connection")
        self._end = count
        return True

    def send(self, *buffers: bytes | bytearray | memoryview) -> None:
        """Send all bytes of `buffers`, in order. Raises Closed, and Expired when the peer does not take them."""
        left = [memoryview(buffer) for buffer in buffers]
        last = self._clock()
        while left:
            try:
                sent = self._socket.sendmsg(left[:_MOST_BUFFERS])
            except BlockingIOError:
                self._check_total()
                if self._clock() - last > self._pace.stalled:
                    raise Expired(f"the peer took no byte for {self._pace.stalled:g} s") from None
                continue
            except OSError as error:
                raise Closed(f"connection lost: {error.strerror or error}") from error
            last = self._clock()
            self._check_total()
            left = _rest(left, sent)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def shut(self) -> None:
        """End both directions from another thread: whoever reads sees the end."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def drain(self, seconds: float) -> bool:
        """Read and drop until the peer closes, `seconds` at most (the ARTIM timer of PS3.8 9.1.5); whether it did."""
        deadline = self._clock() + seconds
        try:
            self._socket.shutdown(socket.SHUT_WR)
            while (left := deadline - self._clock()) > 0:
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
        """One read into the free part of the buffer, repeated until something comes."""
        asked = self._clock()
        while True:
            try:
                count = self._socket.recv_into(self._view[self._end :], most, flags)
            except BlockingIOError:
                count = -1
            except OSError as error:
                raise Closed(f"connection lost: {error.strerror or error}") from error
            if count == 0:
                raise Closed("the peer closed the connection")
            if count > 0:
                self._end += count
                self._received += count
                self._check_rate()
                return
            if self._clock() - asked > self._silence:
                raise Expired(f"no byte for {self._silence:g} s")
            self._check_rate()

    def _check_total(self) -> None:
        if self._clock() > self._deadline:
            raise Expired(f"it took longer than {self._pace.total:g} s")

    def _check_rate(self) -> None:
        self._check_total()
        if self._begun is None:
            return
        seconds = self._clock() - self._begun
        if seconds > self._pace.stalled and self._received < self._pace.bytes_per_second * seconds:
            rate = self._received / seconds
            raise Expired(
                f"only {rate:.0f} bytes a second for {seconds:.0f} s, least is {self._pace.bytes_per_second:g}"
            )


def _rest(buffers: Sequence[memoryview], sent: int) -> list[memoryview]:
    for index, buffer in enumerate(buffers):
        if sent < len(buffer):
            return [buffer[sent:], *buffers[index + 1 :]]
        sent -= len(buffer)
    return []
