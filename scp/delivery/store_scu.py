"""Sending objects to a peer by C-STORE, with the outcome of each (PS3.4 annex B, as SCU)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import UID

from config.errors import CoronodeError, Permanent, Transient, is_fault
from config.settings import NodeSettings, PeerSettings
from dicom import status
from dicom.sop_classes import UNCOMPRESSED, VERIFICATION
from scp.network.command import Command
from scp.network.errors import AssociationEnded
from scp.network.negotiation import PERMANENT, AcceptedContext, PresentationContext
from scp.network.opening import AssociationRejected, Opening
from scp.network.requestor import Requestor

_BEFORE_META: Final = 144  # preamble, prefix, and the group length element
_REASONS: Final = {
    (1, 1): "no reason given",
    (1, 2): "application context name not supported",
    (1, 3): "calling AE title not recognized",
    (1, 7): "called AE title not recognized",
    (2, 1): "no reason given (ACSE)",
    (2, 2): "protocol version not supported",
    (3, 1): "temporary congestion",
    (3, 2): "local limit exceeded",
}
"""Source and diagnostic of an A-ASSOCIATE-RJ (PS3.8 table 9-21)."""


@dataclass(frozen=True, slots=True)
class Sending:
    """An object in a file, with what its presentation context must name.

    `data_set_at` is the offset of its data set; None where the file does not say.
    """

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    data_set_at: int | None = None

    @classmethod
    def from_file(cls, path: Path) -> Sending:
        """Read the identifiers of a Part 10 file; those of the data set take precedence over the file meta information.

        Raises Permanent when the file is not DICOM or lacks an identifier, Transient when it cannot be read.
        """
        try:
            header = dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID", "SOPInstanceUID"])
            meta = header.file_meta
            return cls(
                path,
                str(header.SOPClassUID),
                str(header.SOPInstanceUID),
                str(meta.TransferSyntaxUID),
                _BEFORE_META + int(meta.FileMetaInformationGroupLength)
                if "FileMetaInformationGroupLength" in meta
                else None,
            )
        except OSError as error:
            raise _judge(path, error) from error
        except InvalidDicomError as error:
            raise Permanent(f"{path}: is not a DICOM file (PS3.10)") from error
        except (AttributeError, EOFError, ValueError) as error:
            raise Permanent(f"{path}: lacks an element needed for sending: {error}") from error


def propose_contexts(objects: Sequence[Sending]) -> list[PresentationContext]:
    """Propose one context for each SOP class and transfer syntax of the objects, in UID order.

    An uncompressed object may also be sent in the other uncompressed syntax.
    """
    kinds = sorted({(item.sop_class_uid, item.transfer_syntax_uid) for item in objects})
    return [PresentationContext(sop_class, _offer_syntaxes(syntax)) for sop_class, syntax in kinds]


@contextmanager
def open_association(node: NodeSettings, peer: PeerSettings, objects: Sequence[Sending]) -> Iterator[Requestor]:
    """Open an association with `peer` on which `objects` can be sent; release it at the end.

    Raises Transient when there is no connection, no answer or a transient rejection; Permanent when the
    peer rejects for good.
    """
    association = _open(node, peer, propose_contexts(objects))
    try:
        yield association
    finally:
        association.release()


def store(association: Requestor, item: Sending, peer: PeerSettings) -> int:
    """Send one object and return the status with which the peer stored it: Success or a warning.

    Raises Transient or Permanent with the peer's own status and comment.
    """
    name = f"{peer.ae_title} at {peer.host}:{peer.port}"
    if not association.is_established:
        raise Transient(f"{name}: association ended before the object was sent")
    context = _choose_context(association, item)
    if context is None:
        uid = UID(item.transfer_syntax_uid)
        raise Permanent(f"{name}: does not accept {UID(item.sop_class_uid).name} in {uid.name}")
    try:
        answer = association.store(context, item.sop_instance_uid, _read_data_set(item, context.transfer_syntax))
    except AssociationEnded as error:
        raise Transient(f"{name}: association ended while sending: {error}") from error
    except OSError as error:
        raise _judge(item.path, error) from error
    if answer.status is None:
        raise Transient(f"{name}: answered C-STORE without a status")
    outcome = status.classify_outcome(answer.status)
    if outcome == "delivered":
        return answer.status
    error_type: type[CoronodeError] = Transient if outcome == "transient" else Permanent
    raise error_type(f"{name}: answered C-STORE with {_describe_answer(answer)}")


def verify(node: NodeSettings, peer: PeerSettings) -> None:
    """Send a C-ECHO (PS3.4 annex A). Raises Transient or Permanent with the reason."""
    name = f"{peer.ae_title} at {peer.host}:{peer.port}"
    association = _open(node, peer, [PresentationContext(VERIFICATION, UNCOMPRESSED)])
    try:
        answer = association.echo(association.accepted_contexts[0])
        if answer.status != status.SUCCESS:
            raise Permanent(f"{name}: answered C-ECHO with {_describe_answer(answer)}")
    except AssociationEnded as error:
        raise Transient(f"{name}: association ended while sending: {error}") from error
    finally:
        association.release()


def _offer_syntaxes(syntax: str) -> tuple[str, ...]:
    return (syntax, *(uid for uid in UNCOMPRESSED if uid != syntax)) if syntax in UNCOMPRESSED else (syntax,)


def _open(node: NodeSettings, peer: PeerSettings, proposals: Sequence[PresentationContext]) -> Requestor:
    name = f"{peer.ae_title} at {peer.host}:{peer.port}"
    if peer.port is None:
        raise Permanent(f"{peer.ae_title} at {peer.host}: has no port in the configuration, so it cannot be called")
    opening = Opening(
        calling_ae=node.ae_title,
        called_ae=peer.ae_title,
        host=peer.host,
        port=peer.port,
        connection_timeout=node.acse_timeout,
        acse_timeout=node.acse_timeout,
        dimse_timeout=node.dimse_timeout,
        maximum_length=node.max_pdu,
    )
    try:
        association = Requestor(opening, proposals)
    except AssociationRejected as error:
        answer = error.rejection
        reason = _REASONS.get((answer.source, answer.diagnostic), f"diagnostic {answer.diagnostic}")
        if answer.result == PERMANENT:
            raise Permanent(f"{name}: rejected the association for good: {reason}") from error
        raise Transient(f"{name}: rejected the association for now: {reason}") from error
    except AssociationEnded as error:
        raise Transient(f"{name}: no association: {error}") from error
    except OSError as error:
        raise Transient(f"{name}: no connection: {error.strerror or error}") from error
    if not association.accepted_contexts:
        association.release()
        raise Permanent(f"{name}: accepts none of the proposed presentation contexts")
    return association


def _choose_context(association: Requestor, item: Sending) -> AcceptedContext | None:
    """Choose the accepted context for an object, in its own transfer syntax if possible."""
    fitting = [
        context
        for context in association.accepted_contexts
        if context.abstract_syntax == item.sop_class_uid
        and (
            context.transfer_syntax == item.transfer_syntax_uid
            or {context.transfer_syntax, item.transfer_syntax_uid} <= set(UNCOMPRESSED)
        )
    ]
    return min(fitting, key=lambda context: context.transfer_syntax != item.transfer_syntax_uid, default=None)


def _read_data_set(item: Sending, syntax: str) -> bytes | tuple[Path, int]:
    """Read the bytes to send: the file's own where the syntax fits, else the data set encoded again."""
    if syntax == item.transfer_syntax_uid and item.data_set_at is not None:
        return item.path, item.data_set_at
    try:
        dataset = dcmread(item.path)
        buffer = DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = True, UID(syntax).is_implicit_VR
        write_dataset(buffer, dataset)
    except OSError as error:
        raise _judge(item.path, error) from error
    except Exception as error:  # whatever the library raises for this file, it cannot be sent in this syntax
        raise Permanent(f"{item.path}: is damaged, so it cannot be sent in {UID(syntax).name}") from error
    return bytes(buffer.getvalue())


def _judge(path: Path, error: OSError) -> CoronodeError:
    """Return the verdict on a file that cannot be read: the document is still owed when its disk is away."""
    words = f"{path}: cannot be read: {error.strerror or error}"
    return Transient(words) if is_fault(error) else Permanent(words)


def _describe_answer(answer: Command) -> str:
    """Describe the status, with the peer's Error Comment (0000,0902) if any."""
    if answer.status is None:
        return "no status"
    words = status.format_status(answer.status)
    return f"{words}: {answer.comment}" if answer.comment else words
