"""The upper layer's state machine (PS3.8 9.2): states, events and actions of tables 9-1 to 9-9, transitions of 9-10.

The numbers of states and events are the Standard's (Sta6 is `State(6)`), and so are the names of the actions. Acceptor
and requestor ask the machine at every event and do what it returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from scp.network.errors import UNEXPECTED_PDU, Violation


class Role(Enum):
    """The role in the association; it matters when both sides ask for release at once."""

    REQUESTOR = "requestor"
    ACCEPTOR = "acceptor"


class State(IntEnum):
    """Sta1 to Sta13 (PS3.8 tables 9-1 to 9-5)."""

    IDLE = 1
    AWAITING_REQUEST = 2
    AWAITING_LOCAL_RESPONSE = 3
    AWAITING_CONNECTION = 4
    AWAITING_ANSWER = 5
    OPEN = 6
    AWAITING_RELEASE_RP = 7
    AWAITING_LOCAL_RELEASE = 8
    COLLISION_REQUESTOR_LOCAL = 9
    COLLISION_ACCEPTOR_REMOTE = 10
    COLLISION_REQUESTOR_REMOTE = 11
    COLLISION_ACCEPTOR_LOCAL = 12
    AWAITING_CLOSE = 13


class Event(IntEnum):
    """Evt1 to Evt19: primitives of the local user, PDUs received, the connection and the timer (PS3.8 table 9-10)."""

    ASSOCIATE_REQUEST = 1
    CONNECTED = 2
    ASSOCIATE_AC_RECEIVED = 3
    ASSOCIATE_RJ_RECEIVED = 4
    CONNECTION_INDICATED = 5
    ASSOCIATE_RQ_RECEIVED = 6
    ACCEPT_RESPONSE = 7
    REJECT_RESPONSE = 8
    DATA_REQUEST = 9
    DATA_RECEIVED = 10
    RELEASE_REQUEST = 11
    RELEASE_RQ_RECEIVED = 12
    RELEASE_RP_RECEIVED = 13
    RELEASE_RESPONSE = 14
    ABORT_REQUEST = 15
    ABORT_RECEIVED = 16
    CLOSED = 17
    ARTIM_EXPIRED = 18
    INVALID_PDU = 19


class Action(Enum):
    """Actions (PS3.8 tables 9-6 to 9-9)."""

    AE_1 = "open the connection"
    AE_2 = "send A-ASSOCIATE-RQ"
    AE_3 = "confirm the acceptance"
    AE_4 = "confirm the rejection and close"
    AE_5 = "start ARTIM"
    AE_6 = "indicate the request, or send A-ASSOCIATE-RJ and start ARTIM"
    AE_7 = "send A-ASSOCIATE-AC"
    AE_8 = "send A-ASSOCIATE-RJ and start ARTIM"
    DT_1 = "send P-DATA-TF"
    DT_2 = "indicate the data"
    AR_1 = "send A-RELEASE-RQ"
    AR_2 = "indicate the release"
    AR_3 = "confirm the release and close"
    AR_4 = "send A-RELEASE-RP and start ARTIM"
    AR_5 = "stop ARTIM"
    AR_6 = "indicate the data after our request for release"
    AR_7 = "send P-DATA-TF after the peer's request for release"
    AR_8 = "indicate the release: both sides asked at once"
    AR_9 = "send A-RELEASE-RP"
    AR_10 = "confirm the release"
    AA_1 = "send A-ABORT and start ARTIM"
    AA_2 = "stop ARTIM and close"
    AA_3 = "indicate the peer's abort and close"
    AA_4 = "indicate a provider's abort"
    AA_5 = "stop ARTIM: no request came"
    AA_6 = "ignore the PDU"
    AA_7 = "send A-ABORT"
    AA_8 = "send A-ABORT, indicate a provider's abort, start ARTIM"


class Transition(NamedTuple):
    """A cell of the table: the action and the state that follows.

    `otherwise` is the state that follows AE-6 when the request is not acceptable.
    """

    action: Action
    state: State
    otherwise: State | None = None


_CLOSING: Final = State.AWAITING_CLOSE
_NEXT: Final = {
    Action.AE_1: State.AWAITING_CONNECTION,
    Action.AE_2: State.AWAITING_ANSWER,
    Action.AE_3: State.OPEN,
    Action.AE_4: State.IDLE,
    Action.AE_5: State.AWAITING_REQUEST,
    Action.AE_6: State.AWAITING_LOCAL_RESPONSE,
    Action.AE_7: State.OPEN,
    Action.AE_8: _CLOSING,
    Action.DT_1: State.OPEN,
    Action.DT_2: State.OPEN,
    Action.AR_1: State.AWAITING_RELEASE_RP,
    Action.AR_2: State.AWAITING_LOCAL_RELEASE,
    Action.AR_3: State.IDLE,
    Action.AR_4: _CLOSING,
    Action.AR_5: State.IDLE,
    Action.AR_6: State.AWAITING_RELEASE_RP,
    Action.AR_7: State.AWAITING_LOCAL_RELEASE,
    Action.AR_9: State.COLLISION_REQUESTOR_REMOTE,
    Action.AR_10: State.COLLISION_ACCEPTOR_LOCAL,
    Action.AA_1: _CLOSING,
    Action.AA_2: State.IDLE,
    Action.AA_3: State.IDLE,
    Action.AA_4: State.IDLE,
    Action.AA_5: State.IDLE,
    Action.AA_6: _CLOSING,
    Action.AA_7: _CLOSING,
    Action.AA_8: _CLOSING,
}
_AFTER_COLLISION: Final = {
    Role.REQUESTOR: State.COLLISION_REQUESTOR_LOCAL,
    Role.ACCEPTOR: State.COLLISION_ACCEPTOR_REMOTE,
}
# The rows of table 9-10: for each event the action and the numbers of the states in which it applies.
_OPEN_OR_ENDING: Final = (6, 7, 8, 9, 10, 11, 12)
_UNEXPECTED: Final = {Action.AA_1: (2,), Action.AA_6: (13,)}
_ROWS: Final[Mapping[Event, Mapping[Action, tuple[int, ...]]]] = {
    Event.ASSOCIATE_REQUEST: {Action.AE_1: (1,)},
    Event.CONNECTED: {Action.AE_2: (4,)},
    Event.ASSOCIATE_AC_RECEIVED: {**_UNEXPECTED, Action.AE_3: (5,), Action.AA_8: (3, *_OPEN_OR_ENDING)},
    Event.ASSOCIATE_RJ_RECEIVED: {**_UNEXPECTED, Action.AE_4: (5,), Action.AA_8: (3, *_OPEN_OR_ENDING)},
    Event.CONNECTION_INDICATED: {Action.AE_5: (1,)},
    Event.ASSOCIATE_RQ_RECEIVED: {Action.AE_6: (2,), Action.AA_8: (3, 5, *_OPEN_OR_ENDING), Action.AA_7: (13,)},
    Event.ACCEPT_RESPONSE: {Action.AE_7: (3,)},
    Event.REJECT_RESPONSE: {Action.AE_8: (3,)},
    Event.DATA_REQUEST: {Action.DT_1: (6,), Action.AR_7: (8,)},
    Event.DATA_RECEIVED: {
        **_UNEXPECTED,
        Action.DT_2: (6,),
        Action.AR_6: (7,),
        Action.AA_8: (3, 5, 8, 9, 10, 11, 12),
    },
    Event.RELEASE_REQUEST: {Action.AR_1: (6,)},
    Event.RELEASE_RQ_RECEIVED: {
        **_UNEXPECTED,
        Action.AR_2: (6,),
        Action.AR_8: (7,),
        Action.AA_8: (3, 5, 8, 9, 10, 11, 12),
    },
    Event.RELEASE_RP_RECEIVED: {
        **_UNEXPECTED,
        Action.AR_3: (7, 11),
        Action.AR_10: (10,),
        Action.AA_8: (3, 5, 6, 8, 9, 12),
    },
    Event.RELEASE_RESPONSE: {Action.AR_4: (8, 12), Action.AR_9: (9,)},
    Event.ABORT_REQUEST: {Action.AA_1: (3, 5, *_OPEN_OR_ENDING), Action.AA_2: (4,)},
    Event.ABORT_RECEIVED: {Action.AA_2: (2, 13), Action.AA_3: (3, 5, *_OPEN_OR_ENDING)},
    Event.CLOSED: {Action.AA_5: (2,), Action.AA_4: (3, 4, 5, *_OPEN_OR_ENDING), Action.AR_5: (13,)},
    Event.ARTIM_EXPIRED: {Action.AA_2: (2, 13)},
    Event.INVALID_PDU: {Action.AA_1: (2,), Action.AA_8: (3, 5, *_OPEN_OR_ENDING), Action.AA_7: (13,)},
}


def _transition(action: Action, role: Role) -> Transition:
    if action is Action.AR_8:
        return Transition(action, _AFTER_COLLISION[role])
    return Transition(action, _NEXT[action], _CLOSING if action is Action.AE_6 else None)


TABLE: Final[Mapping[Role, Mapping[tuple[State, Event], Transition]]] = MappingProxyType(
    {
        role: MappingProxyType(
            {
                (State(number), event): _transition(action, role)
                for event, row in _ROWS.items()
                for action, numbers in row.items()
                for number in numbers
            }
        )
        for role in Role
    }
)
"""PS3.8 table 9-10 for each role; a pair that is missing cannot happen, or is a violation of the protocol."""

_RECEIVED: Final = {
    1: Event.ASSOCIATE_RQ_RECEIVED,
    2: Event.ASSOCIATE_AC_RECEIVED,
    3: Event.ASSOCIATE_RJ_RECEIVED,
    4: Event.DATA_RECEIVED,
    5: Event.RELEASE_RQ_RECEIVED,
    6: Event.RELEASE_RP_RECEIVED,
    7: Event.ABORT_RECEIVED,
}


def classify_pdu(kind: int) -> Event:
    """Return the event of a received PDU type; Evt19 for a type that the Standard does not define (PS3.8 9.3)."""
    return _RECEIVED.get(kind, Event.INVALID_PDU)


def _in_words(member: Event | State) -> str:
    return member.name.lower().replace("_", " ")


class Machine:
    """The state of one association."""

    def __init__(self, role: Role, state: State = State.IDLE) -> None:
        self.state = state
        self._table = TABLE[role]

    def on(self, event: Event, *, acceptable: bool = True) -> Action:
        """Move to the state that follows `event`, and return the action.

        `acceptable` is false for an A-ASSOCIATE-RQ that the provider itself rejects (AE-6). Raises Violation for a
        pair that is not in the table, and keeps the state.
        """
        cell = self._table.get((self.state, event))
        if cell is None:
            what, when = _in_words(event), _in_words(self.state)
            raise Violation(UNEXPECTED_PDU, f"{what} (Evt{event}) is not allowed in the state {when} (Sta{self.state})")
        self.state = cell.state if acceptable or cell.otherwise is None else cell.otherwise
        return cell.action

    def allows(self, event: Event) -> bool:
        """Return whether the table has an action for `event` in the current state."""
        return (self.state, event) in self._table
