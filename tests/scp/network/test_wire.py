"""The timers of a connection, with a clock that a test turns; and the bytes that pass."""

from __future__ import annotations

import socket
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, nullcontext

import pytest

from scp.network.errors import Closed, Expired
from scp.network.pace import Pace
from scp.network.wire import BUFFER_BYTES, Wire


class Clock:
    """Seconds that pass when a test says so, and `step` at each look."""

    def __init__(self) -> None:
        self.now = 100.0
        self.step = 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    with closing(ours), closing(theirs):
        yield ours, theirs


PACE = Pace(idle=60, stalled=10, bytes_per_second=100)


def test_a_message_must_keep_the_rate_once_it_takes_long(pair, clock):
    ours, theirs = pair
    wire = Wire(ours, PACE, clock=clock)
    wire.begin()
    clock.now += 10
    theirs.sendall(b"x" * 10)
    assert bytes(wire.read(10)) == b"x" * 10  # 10 s are not longer than `stalled`
    clock.now += 1
    theirs.sendall(b"x" * 10)
    with pytest.raises(Expired, match="only 2 bytes a second for 11 s"):
        wire.read(10)


def test_a_fast_or_a_finished_message_is_not_too_slow(pair, clock):
    ours, theirs = pair
    wire = Wire(ours, PACE, clock=clock)
    wire.begin()
    clock.now += 11
    theirs.sendall(b"x" * 1100)
    wire.read(1100)
    wire.end()
    clock.now += 1000
    theirs.sendall(b"y")
    assert bytes(wire.read(1)) == b"y"


@pytest.mark.parametrize(
    ("prepare", "seconds"),
    [(lambda _wire: None, 60), (Wire.begin, 0.2), (lambda wire: wire.finish_within(3), 3)],
    ids=["between messages", "within a message", "ARTIM"],
)
def test_silence_is_bounded(pair, clock, prepare, seconds):
    wire = Wire(pair[0], Pace(idle=60, stalled=0.2), clock=clock)
    prepare(wire)
    clock.step = 1000
    with pytest.raises(Expired, match=f"nothing received for {seconds} s"):
        wire.read(1)


def test_a_request_that_trickles_in_is_bounded_as_a_whole(pair, clock):
    """ARTIM runs from the connection to the complete A-ASSOCIATE-RQ (PS3.8 9.1.5), not from byte to byte."""
    ours, theirs = pair
    wire = Wire(ours, Pace(idle=60, stalled=60), clock=clock)
    wire.finish_within(30)
    theirs.sendall(bytes(1))
    clock.now += 29
    assert bytes(wire.read(1)) == bytes(1)
    theirs.sendall(bytes(1))
    clock.now += 2
    with pytest.raises(Expired, match="not complete within 30 s"):
        wire.read(2)


@pytest.mark.parametrize("go_on", [Wire.begin, Wire.end])
def test_that_bound_ends_with_the_next_message(pair, clock, go_on):
    ours, theirs = pair
    wire = Wire(ours, Pace(idle=60, stalled=60), clock=clock)
    wire.finish_within(30)
    go_on(wire)
    clock.now += 31
    theirs.sendall(bytes(1))
    assert bytes(wire.read(1)) == bytes(1)


def test_the_whole_connection_may_be_bounded(pair, clock):
    ours, theirs = pair
    wire = Wire(ours, Pace(idle=60, stalled=60, total=5), clock=clock)
    theirs.sendall(b"x")
    assert bytes(wire.read(1)) == b"x"
    clock.now += 6
    theirs.sendall(b"y")
    with pytest.raises(Expired, match="longer than 5 s"):
        wire.read(1)


def test_a_peer_that_takes_nothing_is_given_up(pair, clock):
    wire = Wire(pair[0], Pace(idle=0.2, stalled=0.2), clock=clock)
    clock.step = 1
    with pytest.raises(Expired, match="read nothing"):
        wire.send(bytes(100_000_000))


@pytest.mark.parametrize(("slowest", "is_too_slow"), [(10**9, True), (1, False), (0, False)])
def test_what_is_sent_must_be_taken_at_the_rate_once_it_takes_long(pair, clock, slowest, is_too_slow):
    ours, theirs = pair
    clock.step = 6  # at each look, one for every call of the system
    wire = Wire(ours, Pace(idle=60, stalled=10, bytes_per_second=slowest), clock=clock)
    buffers = [bytes(10)] * 50_000  # more than go into one call
    reader = threading.Thread(target=read_all, args=(theirs, 10 * len(buffers)))
    reader.start()
    with pytest.raises(Expired, match=r"only \d+ bytes a second") if is_too_slow else nullcontext():
        wire.send(*buffers)
    wire.close()
    reader.join(20)
    assert not reader.is_alive()


def read_all(connection: socket.socket, size: int) -> None:
    while size > 0 and (got := len(connection.recv(1 << 20))):
        size -= got


def test_bytes_pass_in_order_whatever_their_number(pair, clock):
    ours, theirs = pair
    wire = Wire(ours, PACE, clock=clock)
    theirs.sendall(bytes(range(256)) * 100)
    theirs.shutdown(socket.SHUT_WR)
    assert bytes(wire.read(7)) == bytes(range(7))
    gathered = bytearray(range(7))
    while len(gathered) < 25_600:
        gathered += wire.read_some(BUFFER_BYTES)
    assert gathered == bytes(range(256)) * 100
    for read in (wire.pending, lambda: wire.read(1)):
        with pytest.raises(Closed):
            read()


def test_what_was_sent_comes_out_and_pending_says_so(pair, clock):
    ours, theirs = pair
    wire = Wire(ours, PACE, clock=clock)
    assert not wire.pending()
    wire.send(b"a", bytearray(b"bc"), memoryview(b"def"), *[b"g"] * 2000)
    expected, got = b"abcdef" + b"g" * 2000, b""
    while len(got) < len(expected):
        got += theirs.recv(65536)
    assert got == expected


def test_draining_says_whether_the_peer_closed(pair):
    ours, theirs = pair
    wire = Wire(ours, PACE)
    theirs.sendall(b"last words")
    assert not wire.drain(0.05)
    theirs.close()
    assert wire.drain(10)


def test_a_closed_connection_that_something_still_refers_to_keeps_no_buffer():
    kept = []
    tracemalloc.start()
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            for _ in range(20):
                wire = Wire(socket.create_connection(server.getsockname()), PACE)
                server.accept()[0].close()
                wire.close()
                kept.append(wire)
        assert tracemalloc.get_traced_memory()[0] < BUFFER_BYTES
        with pytest.raises(Closed):
            kept[0].read(1)
    finally:
        tracemalloc.stop()
