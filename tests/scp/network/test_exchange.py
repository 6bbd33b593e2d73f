"""Requests with the data set of a file: nothing of a message is sent whose data set cannot be opened."""

import itertools

import pytest

from scp.network import pdu, requests
from scp.network.command import decode
from scp.network.exchange import Exchange
from scp.network.negotiation import AcceptedContext

CT = AcceptedContext(1, "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")


@pytest.fixture
def sent():
    return []


@pytest.fixture
def exchange(sent):
    return Exchange(lambda *buffers: sent.append(b"".join(bytes(buffer) for buffer in buffers)), 1000)


def make(number):
    return requests.encode_store(number, CT.abstract_syntax, "1.2.3", ("MOVER", 7), priority=2)


def values(stream):
    """The data values of a stream of P-DATA-TFs: what they belong to, and their bytes."""
    while stream:
        length = int.from_bytes(stream[2:6], "big")
        yield stream[11], stream[12 : 6 + length]
        stream = stream[6 + length :]


@pytest.mark.parametrize("size", [1, 999, 1000, 1001, 300_000])
def test_a_command_set_goes_out_with_the_first_of_its_data(exchange, sent, tmp_path, size):
    content = bytes(itertools.islice(itertools.cycle(range(251)), size))
    (tmp_path / "x").write_bytes(b"meta" + content)
    assert exchange.send(CT, make, (tmp_path / "x", 4)) == 1
    (control, command_set), *data = values(b"".join(sent))
    assert control == 3
    assert (decode(command_set).priority, decode(command_set).originator_ae) == (2, "MOVER")
    assert b"".join(part for _, part in data) == content
    assert [control for control, _ in data] == [0] * (len(data) - 1) + [2]
    assert len(sent[0]) > len(command_set) + pdu.HEADER_BYTES + pdu.VALUE_HEADER_BYTES


@pytest.mark.parametrize("content", [None, b"meta"])
def test_a_file_that_is_missing_or_empty_leaves_the_association_as_it_was(exchange, sent, tmp_path, content):
    if content is not None:
        (tmp_path / "x").write_bytes(content)
    with pytest.raises(OSError, match="x"):
        exchange.send(CT, make, (tmp_path / "x", 4))
    assert sent == []
