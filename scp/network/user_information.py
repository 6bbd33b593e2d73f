"""User Information of an association PDU (PS3.8 9.3.2.3 and annex D, PS3.7 annex D.3.3).

Unknown sub-items are skipped (PS3.8 D.2), and so is an optional one with inconsistent lengths: the default applies to
what it would have negotiated. Only the maximum length must be readable, because it limits what is sent.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from scp.network.errors import INVALID_PARAMETER, Violation
from scp.network.items import decode_uid, encode_item, encode_uid, read_items

_MAXIMUM_LENGTH: Final = 0x51
_IMPLEMENTATION_CLASS_UID: Final = 0x52
_ASYNCHRONOUS_OPERATIONS: Final = 0x53
_ROLE_SELECTION: Final = 0x54
_IMPLEMENTATION_VERSION_NAME: Final = 0x55
_EXTENDED_NEGOTIATION: Final = 0x56
_COMMON_EXTENDED_NEGOTIATION: Final = 0x57
_USER_IDENTITY: Final = 0x58
_USER_IDENTITY_RESPONSE: Final = 0x59
_LENGTH_BYTES: Final = 4
_CONFIRMED_EMPTY: Final = frozenset({1, 2, 5})


@dataclass(frozen=True, slots=True)
class RoleSelection:
    """SCP/SCU role selection of one SOP class (PS3.7 D.3.3.4): the roles of the requestor."""

    sop_class_uid: str
    scu: bool
    scp: bool


@dataclass(frozen=True, slots=True)
class OperationsWindow:
    """Asynchronous operations window (PS3.7 D.3.3.3); 0 is unlimited."""

    invoked: int
    performed: int


@dataclass(frozen=True, slots=True)
class ExtendedNegotiation:
    """SOP class extended negotiation (PS3.7 D.3.3.5); the meaning of `information` depends on the service."""

    sop_class_uid: str
    information: bytes


@dataclass(frozen=True, slots=True)
class CommonExtendedNegotiation:
    """SOP class common extended negotiation (PS3.7 D.3.3.6)."""

    sop_class_uid: str
    service_class_uid: str
    related_general: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UserIdentity:
    """User identity (PS3.7 D.3.3.7); `kind` is 1 name, 2 name and passcode, 3 Kerberos, 4 SAML, 5 JSON web token."""

    kind: int
    response_requested: bool
    primary: bytes
    secondary: bytes = b""

    def confirm(self) -> bytes | None:
        """Return the server response that was asked for; None without one (PS3.7 D.3.3.7.2).

        It is empty for a name, a passcode and a web token. The ticket that confirms a Kerberos identity and the SAML
        response come from servers that we do not have: the requestor decides what no confirmation means.
        """
        return b"" if self.response_requested and self.kind in _CONFIRMED_EMPTY else None


@dataclass(frozen=True, slots=True)
class UserInformation:
    """The known sub-items; `maximum_length` is in bytes, 0 for no limit (PS3.8 D.1)."""

    maximum_length: int = 0
    implementation_class_uid: str = ""
    implementation_version_name: str = ""
    operations_window: OperationsWindow | None = None
    roles: tuple[RoleSelection, ...] = ()
    extended: tuple[ExtendedNegotiation, ...] = ()
    common_extended: tuple[CommonExtendedNegotiation, ...] = ()
    identity: UserIdentity | None = None
    identity_response: bytes | None = None


def read_user_information(data: bytes) -> UserInformation:
    """Read the value of a User Information item. Raises Violation when a sub-item overruns the item."""
    values: dict[int, list[Any]] = {}
    for kind, value in read_items(data):
        read = _READERS.get(kind)
        if read is None:
            continue
        with suppress(struct.error, _Malformed):
            understood = read(value)
            values.setdefault(kind, []).append(understood)
    first = {kind: read_values[0] for kind, read_values in values.items()}
    return UserInformation(
        maximum_length=first.get(_MAXIMUM_LENGTH, 0),
        implementation_class_uid=first.get(_IMPLEMENTATION_CLASS_UID, ""),
        implementation_version_name=first.get(_IMPLEMENTATION_VERSION_NAME, ""),
        operations_window=first.get(_ASYNCHRONOUS_OPERATIONS),
        roles=tuple(values.get(_ROLE_SELECTION, ())),
        extended=tuple(values.get(_EXTENDED_NEGOTIATION, ())),
        common_extended=tuple(values.get(_COMMON_EXTENDED_NEGOTIATION, ())),
        identity=first.get(_USER_IDENTITY),
        identity_response=first.get(_USER_IDENTITY_RESPONSE),
    )


def encode_user_information(user: UserInformation) -> bytes:
    """Encode the value of a User Information item, sub-items in order of type."""
    items = [(_MAXIMUM_LENGTH, struct.pack(">I", user.maximum_length))]
    items.append((_IMPLEMENTATION_CLASS_UID, encode_uid(user.implementation_class_uid)))
    if user.operations_window is not None:
        window = user.operations_window
        items.append((_ASYNCHRONOUS_OPERATIONS, struct.pack(">HH", window.invoked, window.performed)))
    items += [
        (_ROLE_SELECTION, _encode_counted(encode_uid(role.sop_class_uid)) + bytes([role.scu, role.scp]))
        for role in user.roles
    ]
    if user.implementation_version_name:
        items.append((_IMPLEMENTATION_VERSION_NAME, user.implementation_version_name.encode("ascii", "replace")))
    items += [
        (_EXTENDED_NEGOTIATION, _encode_counted(encode_uid(extended.sop_class_uid)) + extended.information)
        for extended in user.extended
    ]
    for common in user.common_extended:
        related = b"".join(_encode_counted(encode_uid(uid)) for uid in common.related_general)
        uids = _encode_counted(encode_uid(common.sop_class_uid)) + _encode_counted(encode_uid(common.service_class_uid))
        items.append((_COMMON_EXTENDED_NEGOTIATION, uids + _encode_counted(related)))
    if user.identity is not None:
        identity = user.identity
        head = bytes([identity.kind, identity.response_requested])
        items.append((_USER_IDENTITY, head + _encode_counted(identity.primary) + _encode_counted(identity.secondary)))
    if user.identity_response is not None:
        items.append((_USER_IDENTITY_RESPONSE, _encode_counted(user.identity_response)))
    return b"".join(encode_item(kind, value) for kind, value in items)


class _Malformed(Exception):
    """An optional sub-item has inconsistent lengths."""


def _encode_counted(value: bytes) -> bytes:
    return struct.pack(">H", len(value)) + value


def _split_counted(value: bytes) -> tuple[bytes, bytes]:
    """Split off a field preceded by its two-byte length."""
    (length,) = struct.unpack_from(">H", value)
    if 2 + length > len(value):
        raise _Malformed
    return value[2 : 2 + length], value[2 + length :]


def _read_maximum_length(value: bytes) -> int:
    if len(value) != _LENGTH_BYTES:
        raise Violation(INVALID_PARAMETER, f"a maximum length of {len(value)} bytes")
    return int.from_bytes(value, "big")


def _read_window(value: bytes) -> OperationsWindow:
    return OperationsWindow(*struct.unpack(">HH", value))


def _read_role(value: bytes) -> RoleSelection:
    uid, rest = _split_counted(value)
    scu, scp = struct.unpack(">BB", rest)
    return RoleSelection(decode_uid(uid), scu == 1, scp == 1)


def _read_version_name(value: bytes) -> str:
    return value.decode("ascii", "replace").strip("\0 ")


def _read_extended(value: bytes) -> ExtendedNegotiation:
    uid, information = _split_counted(value)
    return ExtendedNegotiation(decode_uid(uid), information)


def _read_common_extended(value: bytes) -> CommonExtendedNegotiation:
    sop_class, rest = _split_counted(value)
    service_class, rest = _split_counted(rest)
    related, _ = _split_counted(rest)  # later versions of the sub-item may add fields (PS3.7 table D.3-12)
    uids = []
    while related:
        uid, related = _split_counted(related)
        uids.append(decode_uid(uid))
    return CommonExtendedNegotiation(decode_uid(sop_class), decode_uid(service_class), tuple(uids))


def _read_identity(value: bytes) -> UserIdentity:
    kind, response = struct.unpack_from(">BB", value)
    primary, rest = _split_counted(value[2:])
    secondary = _split_counted(rest)[0] if rest else b""  # some leave out the empty field
    return UserIdentity(kind, response == 1, primary, secondary)


def _read_identity_response(value: bytes) -> bytes:
    return _split_counted(value)[0]


_READERS: Final[Mapping[int, Callable[[bytes], Any]]] = {
    _MAXIMUM_LENGTH: _read_maximum_length,
    _IMPLEMENTATION_CLASS_UID: decode_uid,
    _ASYNCHRONOUS_OPERATIONS: _read_window,
    _ROLE_SELECTION: _read_role,
    _IMPLEMENTATION_VERSION_NAME: _read_version_name,
    _EXTENDED_NEGOTIATION: _read_extended,
    _COMMON_EXTENDED_NEGOTIATION: _read_common_extended,
    _USER_IDENTITY: _read_identity,
    _USER_IDENTITY_RESPONSE: _read_identity_response,
}
