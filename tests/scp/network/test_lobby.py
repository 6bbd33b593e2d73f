"""Who has to leave when more connections wait than may."""

from __future__ import annotations

from dataclasses import dataclass

from scp.network.lobby import Lobby


@dataclass(eq=False)
class Guest:
    name: str
    opened: bool = False
    stopped: bool = False

    def is_open(self) -> bool:
        return self.opened

    def stop(self) -> None:
        self.stopped = True


def enter(lobby: Lobby, host: str, count: int = 1) -> list[Guest]:
    guests = [Guest(f"{host} {number}") for number in range(count)]
    for guest in guests:
        lobby.enter(guest, host)
    return guests


def stopped(*guests: Guest) -> list[int]:
    return [number for number, guest in enumerate(guests) if guest.stopped]


def test_the_oldest_of_a_host_makes_room():
    first = enter(Lobby(9, 3), "a", 5)
    assert stopped(*first) == [0, 1]


def test_the_largest_crowd_makes_room_for_another_host():
    lobby = Lobby(6, 4)
    few, crowd = enter(lobby, "b", 2), enter(lobby, "a", 4)
    assert lobby.enter(Guest("c"), "c") == ["a"]
    assert (stopped(*few), stopped(*crowd)) == ([], [0])


def test_an_association_is_not_counted_until_it_ends():
    lobby = Lobby(9, 2)
    guests = enter(lobby, "a", 1)
    guests[0].opened = True
    guests += enter(lobby, "a", 2)
    assert stopped(*guests) == []
    guests[0].opened = False  # released, and the peer does not close
    enter(lobby, "a")
    assert stopped(*guests) == [0, 1]


def test_who_has_left_makes_no_room_and_needs_none():
    lobby = Lobby(9, 2)
    guests = enter(lobby, "a", 2)
    lobby.leave(guests[0])
    lobby.leave(guests[0])
    enter(lobby, "a")
    assert stopped(*guests) == []
