"""Storage as SCU (PS3.4 annex B): sending objects to a peer by C-STORE, with the outcome of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
from dicom.sop_classes import UNCOMPRESSED
from scp.network.errors import AssociationEnded
from scp.network.exchange import Content
from scp.network.negotiation import AcceptedContext, PresentationContext
from scp.network.requestor import Requestor
from scp.scu.association import describe_answer, name_peer, open_association

_BEFORE_META: Final = 144  # preamble, prefix, and the group length element


class ClassRefused(Permanent):
    """The peer does not store objects of this SOP class, and said so only when one came; another form may do."""


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
def open_for(node: NodeSettings, peer: PeerSettings, objects: Sequence[Sending]) -> Iterator[Requestor]:
    """Open an association with `peer` on which `objects` can be sent; raises as `open_association` does."""
    with open_association(node, peer, propose_contexts(objects)) as association:
        yield association


def store(association: Requestor, item: Sending, peer: PeerSettings) -> int:
    """Send one object and return the status with which the peer stored it: Success or a warning.

    Raises Transient or Permanent with the peer's own status and comment.
    """
    name = name_peer(peer)
    if not association.is_established:
        raise Transient(f"{name}: association ended before the object was sent")
    context = choose_context(association.accepted_contexts, item)
    if context is None:
        uid = UID(item.transfer_syntax_uid)
        raise Permanent(f"{name}: does not accept {UID(item.sop_class_uid).name} in {uid.name}")
    try:
        answer = association.store(context, item.sop_instance_uid, read_data_set(item, context.transfer_syntax))
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
    raise error_type(f"{name}: answered C-STORE with {describe_answer(answer)}")


def _offer_syntaxes(syntax: str) -> tuple[str, ...]:
    return (syntax, *(uid for uid in UNCOMPRESSED if uid != syntax)) if syntax in UNCOMPRESSED else (syntax,)


def choose_context(contexts: Iterable[AcceptedContext], item: Sending) -> AcceptedContext | None:
    """Choose the accepted context for an object, in its own transfer syntax if possible; None when there is none."""
    fitting = [
        context
        for context in contexts
        if context.abstract_syntax == item.sop_class_uid
        and (
            context.transfer_syntax == item.transfer_syntax_uid
            or {context.transfer_syntax, item.transfer_syntax_uid} <= set(UNCOMPRESSED)
        )
    ]
    return min(fitting, key=lambda context: context.transfer_syntax != item.transfer_syntax_uid, default=None)


def read_data_set(item: Sending, syntax: str) -> Content:
    """Read the bytes to send: the file's own where the syntax fits, else the data set encoded again.

    Raises Permanent when the file is damaged, Transient when it cannot be read for now.
    """
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
