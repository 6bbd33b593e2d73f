"""The state machine, cell by cell, against the Standard's table and against another implementation of it."""

from __future__ import annotations

import pytest
from pynetdicom import fsm

from scp.network import states
from scp.network.errors import UNEXPECTED_PDU, Violation
from scp.network.states import Action, Event, Machine, Role, State

# PS3.8 table 9-10, as it is printed: a row for each event, a column for each state from Sta1 to Sta13.
STANDARD = """
Evt1   AE-1 -    -    -    -    -    -    -    -    -     -    -    -
Evt2   -    -    -    AE-2 -    -    -    -    -    -     -    -    -
Evt3   -    AA-1 AA-8 -    AE-3 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6
Evt4   -    AA-1 AA-8 -    AE-4 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6
Evt5   AE-5 -    -    -    -    -    -    -    -    -     -    -    -
Evt6   -    AE-6 AA-8 -    AA-8 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-7
Evt7   -    -    AE-7 -    -    -    -    -    -    -     -    -    -
Evt8   -    -    AE-8 -    -    -    -    -    -    -     -    -    -
Evt9   -    -    -    -    -    DT-1 -    AR-7 -    -     -    -    -
Evt10  -    AA-1 AA-8 -    AA-8 DT-2 AR-6 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6
Evt11  -    -    -    -    -    AR-1 -    -    -    -     -    -    -
Evt12  -    AA-1 AA-8 -    AA-8 AR-2 AR-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6
Evt13  -    AA-1 AA-8 -    AA-8 AA-8 AR-3 AA-8 AA-8 AR-10 AR-3 AA-8 AA-6
Evt14  -    -    -    -    -    -    -    AR-4 AR-9 -     -    AR-4 -
Evt15  -    -    AA-1 AA-2 AA-1 AA-1 AA-1 AA-1 AA-1 AA-1  AA-1 AA-1 -
Evt16  -    AA-2 AA-3 -    AA-3 AA-3 AA-3 AA-3 AA-3 AA-3  AA-3 AA-3 AA-2
Evt17  -    AA-5 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4  AA-4 AA-4 AR-5
Evt18  -    AA-2 -    -    -    -    -    -    -    -     -    -    AA-2
Evt19  -    AA-1 AA-8 -    AA-8 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-7
"""
# The state that each action leads to (PS3.8 tables 9-6 to 9-9), AR-8 apart, which depends on the role.
AFTER = """
AE-1 4  AE-2 5  AE-3 6  AE-4 1  AE-5 2  AE-6 3  AE-7 6  AE-8 13
DT-1 6  DT-2 6
AR-1 7  AR-2 8  AR-3 1  AR-4 13 AR-5 1  AR-6 7  AR-7 8  AR-9 11 AR-10 12
AA-1 13 AA-2 1  AA-3 1  AA-4 1  AA-5 1  AA-6 13 AA-7 13 AA-8 13
"""
CELLS = {
    (column, int(row[0].removeprefix("Evt"))): row[column]
    for row in map(str.split, STANDARD.strip().splitlines())
    for column in range(1, 14)
}
NEXT = {name: int(number) for name, number in zip(*[iter(AFTER.split())] * 2, strict=True)}


def named(action: Action) -> str:
    return action.name.replace("_", "-")


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_a_cell_is_that_of_the_standard(role, state, event):
    machine = Machine(role, state)
    expected = CELLS[state.value, event.value]
    assert machine.allows(event) == (expected != "-")
    if expected == "-":
        with pytest.raises(Violation, match=rf"\(Evt{event.value}\) .*\(Sta{state.value}\)") as caught:
            machine.on(event)
        assert (caught.value.reason, machine.state) == (UNEXPECTED_PDU, state)
        return
    assert named(machine.on(event)) == expected
    after = (9 if role is Role.REQUESTOR else 10) if expected == "AR-8" else NEXT[expected]
    assert machine.state == after


def test_another_implementation_has_the_same_table():
    theirs = {(state, event): action for (event, state), action in fsm.TRANSITION_TABLE.items()}
    for role in Role:
        ours = {
            (f"Sta{state.value}", f"Evt{event.value}"): named(cell.action)
            for (state, event), cell in states.TABLE[role].items()
        }
        assert ours == theirs


def test_a_request_that_the_provider_rejects_goes_straight_to_the_end():
    machine = Machine(Role.ACCEPTOR, State.AWAITING_REQUEST)
    assert machine.on(Event.ASSOCIATE_RQ_RECEIVED, acceptable=False) is Action.AE_6
    assert machine.state == 13
    other = Machine(Role.ACCEPTOR, State.OPEN)
    other.on(Event.DATA_RECEIVED, acceptable=False)
    assert other.state == 6


@pytest.mark.parametrize(("kind", "number"), [(1, 6), (2, 3), (3, 4), (4, 10), (5, 12), (6, 13), (7, 16)])
def test_each_pdu_is_an_event(kind, number):
    assert states.classify_pdu(kind).value == number


@pytest.mark.parametrize("kind", [0, 8, 77, 255])
def test_an_unknown_pdu_is_an_invalid_one(kind):
    assert states.classify_pdu(kind).value == 19


def test_both_sides_may_ask_for_release_at_once():
    """PS3.8 7.2.2: the requestor answers first."""
    requestor, acceptor = (Machine(role, State.OPEN) for role in (Role.REQUESTOR, Role.ACCEPTOR))
    for machine in (requestor, acceptor):
        machine.on(Event.RELEASE_REQUEST)
        machine.on(Event.RELEASE_RQ_RECEIVED)
    assert requestor.on(Event.RELEASE_RESPONSE) is Action.AR_9
    assert acceptor.on(Event.RELEASE_RP_RECEIVED) is Action.AR_10
    assert acceptor.on(Event.RELEASE_RESPONSE) is Action.AR_4
    assert requestor.on(Event.RELEASE_RP_RECEIVED) is Action.AR_3
    assert (requestor.state, acceptor.state) == (1, 13)
