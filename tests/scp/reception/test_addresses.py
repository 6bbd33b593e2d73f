"""What is known about a host's addresses, by a clock and a name server of the test."""

from __future__ import annotations

import threading

import pytest

from scp.reception.addresses import AddressBook, shorten_address

HERE, MOVED, OTHER = "192.0.2.1", "192.0.2.7", "192.0.2.99"


class Names:
    """A name server; `asked` counts, `gone` means that it does not answer, `held` holds every answer back."""

    def __init__(self) -> None:
        self.addresses = [HERE]
        self.asked = 0
        self.gone = False
        self.answered = threading.Event()
        self.free = threading.Event()
        self.free.set()

    def __call__(self, _host: str) -> list[str]:
        self.free.wait(20)
        self.asked += 1
        self.answered.set()
        if self.gone:
            raise OSError("no answer")
        return list(self.addresses)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(names: Names, clock: Clock) -> AddressBook:
    return AddressBook(names, clock)


@pytest.mark.parametrize(
    ("address", "short"),
    [("::ffff:192.0.2.1", HERE), ("2001:DB8:0::1", "2001:db8::1"), (HERE, HERE), ("fe80::1%eth0", "fe80::1%eth0")],
)
def test_an_address_has_one_form(address, short):
    assert shorten_address(address) == short


@pytest.mark.parametrize("host", [HERE, "::ffff:192.0.2.1"])
def test_an_address_is_looked_up_nowhere(book, names, host):
    assert book.has(host, HERE)
    assert not book.has(host, OTHER)
    assert book.may_have(host, HERE)
    assert not book.may_have(host, OTHER)
    assert names.asked == 0


def test_a_name_is_asked_for_once_in_a_while(book, names, clock):
    for _ in range(3):
        assert book.has("ct", HERE)
        assert not book.has("ct", OTHER)
    assert names.asked == 1
    clock.now += 6
    assert not book.has("ct", OTHER)  # it may have moved
    assert names.asked == 2


def test_a_peer_that_moved_is_found(book, names, clock):
    assert book.has("ct", HERE)
    names.addresses = [MOVED]
    clock.now += 6
    assert book.has("ct", MOVED)
    assert not book.has("ct", HERE)


def test_a_known_peer_does_not_wait_for_the_name_server(book, names, clock):
    assert book.has("ct", HERE)
    clock.now += 100
    names.free.clear()
    names.answered.clear()
    assert book.has("ct", HERE)
    names.free.set()
    assert names.answered.wait(20)  # it is asked meanwhile


def test_the_last_addresses_stand_while_the_name_server_is_away(book, names, clock):
    assert book.has("ct", HERE)
    names.gone = True
    for _ in range(5):
        clock.now += 3600
        assert book.has("ct", HERE)
        assert not book.has("ct", OTHER)
        assert book.may_have("ct", OTHER)  # who knows


def test_a_stranger_is_certain_only_from_a_fresh_answer(book, names, clock):
    names.free.clear()
    assert book.may_have("ct", OTHER)
    names.free.set()
    assert book.has("ct", HERE)
    assert not book.may_have("ct", OTHER)
    assert book.may_have("ct", HERE)
    clock.now += 61
    names.free.clear()
    assert book.may_have("ct", OTHER)
    names.free.set()


def test_a_name_that_could_not_be_resolved_is_asked_for_again_soon(book, names, clock):
    names.gone = True
    assert not book.has("ct", HERE)
    names.gone = False
    assert not book.has("ct", HERE)
    clock.now += 6
    assert book.has("ct", HERE)
