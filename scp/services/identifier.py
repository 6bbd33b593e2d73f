"""The identifier of a C-FIND, C-MOVE or C-GET request (PS3.4 C.4.1.1.3, C.4.2.1.4, C.4.3.1.3)."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Final, TypeVar

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID

from config.errors import Rejected
from dicom import status
from scp.network.conversation import Conversation
from scp.network.message import Message

_LONGEST: Final = 1024 * 1024
_Parsed = TypeVar("_Parsed")


def read_identifier(association: Conversation) -> bytes:
    """Read the identifier of the last request as it was encoded.

    Raises Rejected when it is too long; AssociationEnded and Released.
    """
    gathered = association.messages.gather(_LONGEST)
    if gathered is None:
        raise Rejected(status.DOES_NOT_MATCH, f"an identifier of more than {_LONGEST} bytes")
    return gathered


def parse_identifier(
    association: Conversation, message: Message, identifier: bytes, parse: Callable[[Dataset], _Parsed]
) -> _Parsed:
    """Let `parse` make of an identifier what it means.

    Raises Rejected when it cannot be read, or is not what `parse` expects.
    """
    implicit = UID(association.context(message).transfer_syntax).is_implicit_VR
    try:
        return parse(read_dataset(BytesIO(identifier), is_implicit_VR=implicit, is_little_endian=True))
    except Rejected:
        raise
    except Exception as error:  # whatever the parser raises, the identifier is invalid
        words = "identifier cannot be read in the negotiated transfer syntax"
        raise Rejected(status.DOES_NOT_MATCH, words) from error
