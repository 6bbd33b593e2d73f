"""The kinds of our events, and the audit message of DICOM that each becomes (PS3.15 A.5.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from storage.auditing import statements
from storage.auditing.statements import Queried, Refused, Retrieved, Statement

Action = Literal["C", "R", "U", "D", "E"]
Part = Literal["source", "destination", "receiver", "subject", "application", "person"]
"""Who the peer or person of an event is in its message; the node has the other part.

A receiver is a destination that has asked for what it gets, a subject whom an alert is about.
"""


@dataclass(frozen=True, slots=True)
class Code:
    """A code of DICOM (PS3.16 D)."""

    value: str
    meaning: str


ACTIVITY: Final = Code("110100", "Application Activity")
LOG_USED: Final = Code("110101", "Audit Log Used")
BEGUN: Final = Code("110102", "Begin Transferring DICOM Instances")
ACCESSED: Final = Code("110103", "DICOM Instances Accessed")
TRANSFERRED: Final = Code("110104", "DICOM Instances Transferred")
DELETED: Final = Code("110105", "DICOM Study Deleted")
QUERY: Final = Code("110112", "Query")
SECURITY: Final = Code("110113", "Security Alert")
AUTHENTICATION: Final = Code("110114", "User Authentication")

STARTED: Final = Code("110120", "Application Start")
STOPPED: Final = Code("110121", "Application Stop")
NODE_AUTHENTICATION: Final = Code("110126", "Node Authentication")
RESTRICTED_FUNCTION: Final = Code("110132", "Use of Restricted Function")
RECORDING_STOPPED: Final = Code("110133", "Audit Recording Stopped")
LOGIN: Final = Code("110122", "Login")
LOGOUT: Final = Code("110123", "Logout")
EMERGENCY: Final = Code("110127", "Emergency Override Started")
SOFTWARE_CONFIGURATION: Final = Code("110131", "Software Configuration")
USER_ATTRIBUTES: Final = Code("110137", "User Security Attributes Changed")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of event: its code, what was done, a narrower code, the peer's or person's part, whether it failed."""

    event: Code
    action: Action = "E"
    narrower: Code | None = None
    part: Part = "application"
    failed: bool = False


_USED: Final = Kind(ACCESSED, "U")
_ACCOUNT: Final = Kind(SECURITY, "E", USER_ATTRIBUTES, "person")

KINDS: Final = {
    "started": Kind(ACTIVITY, "E", STARTED),
    "stopped": Kind(ACTIVITY, "E", STOPPED),
    "audit-read": Kind(LOG_USED, "R", part="person"),
    "received": Kind(TRANSFERRED, "C", part="source"),
    "delivery-delivered": Kind(TRANSFERRED, "R", part="destination"),
    "delivery-dead": Kind(TRANSFERRED, "R", part="destination", failed=True),
    "quarantined": Kind(TRANSFERRED, "C", part="source", failed=True),
    "refused": Kind(TRANSFERRED, "C", part="source", failed=True),
    "viewed": Kind(ACCESSED, "R", part="person"),
    "listed": Kind(QUERY, "E", part="person"),
    "queried": Kind(QUERY, "E", part="source"),
    statements.QUERIED: Kind(QUERY, "E", part="source"),
    statements.PEER_RETRIEVING: Kind(BEGUN, "E", part="receiver"),
    statements.PEER_RETRIEVED: Kind(TRANSFERRED, "R", part="receiver"),
    statements.RETRIEVED: Kind(TRANSFERRED, "R", part="receiver"),
    statements.REFUSED: Kind(SECURITY, "E", NODE_AUTHENTICATION, "subject", failed=True),
    statements.LOST: Kind(SECURITY, "E", RECORDING_STOPPED, failed=True),
    "signed": Kind(ACCESSED, "U", part="person"),
    "quarantine-deleted": Kind(DELETED, "D", part="person"),
    "deleted": Kind(DELETED, "D", part="person"),
    "erased": Kind(DELETED, "D", part="person"),
    "signed_in": Kind(AUTHENTICATION, "E", LOGIN, "person"),
    "signed_out": Kind(AUTHENTICATION, "E", LOGOUT, "person"),
    "sign_in_failed": Kind(AUTHENTICATION, "E", LOGIN, "person", failed=True),
    "sign_in_paused": Kind(AUTHENTICATION, "E", LOGIN, "person", failed=True),
    "account_added": _ACCOUNT,
    "roles_changed": _ACCOUNT,
    "account_disabled": _ACCOUNT,
    "account_enabled": _ACCOUNT,
    "account_unlocked": _ACCOUNT,
    "password_reset": _ACCOUNT,
    "password_changed": _ACCOUNT,
    "token_added": _ACCOUNT,
    "token_revoked": _ACCOUNT,
    "break_glass": Kind(SECURITY, "E", EMERGENCY, "person"),
    "configured": Kind(SECURITY, "U", SOFTWARE_CONFIGURATION, "person"),
}
"""Events that are not listed change what the node makes of images: `DICOM Instances Accessed`, updated."""


def find_kind(name: str, statement: Statement | None = None) -> Kind:
    """Return the kind of an event by its name in the audit log, and by what it states."""
    kind = KINDS.get(name, _USED)
    if isinstance(statement, Refused) and statement.why in statements.LIMITS:
        return replace(kind, narrower=RESTRICTED_FUNCTION)
    if isinstance(statement, Queried):
        return replace(kind, failed=statement.failed)
    if isinstance(statement, Retrieved):
        return replace(kind, failed=not statement.is_whole)
    return kind
