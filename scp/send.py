"""Send objects to a peer by C-STORE and say what became of each (PS3.4 annex B, as SCU)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID
from pynetdicom import AE, _config, build_context
from pynetdicom.association import Association

from config.errors import CoronodeError, Permanent, Transient
from config.settings import NodeSettings, PeerSettings
from scp import contexts, status, transport

transport.mend()
_config.STORE_SEND_CHUNKED_DATASET = True  # files go out as they are, without being decoded

_ENDING_SECONDS: Final = 5.0
_REJECTED_PERMANENT: Final = 1
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
    """An object in a file: what a presentation context must name."""

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    meta_agrees: bool = True

    @classmethod
    def of(cls, path: Path) -> Sending:
        """Read the identifiers of a Part 10 file. The data set's own identifiers win over the file meta's.

        Raises Permanent when the file is not DICOM or lacks an identifier.
        """
        try:
            header = dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID", "SOPInstanceUID"])
            meta = header.file_meta
            return cls(
                path,
                str(header.SOPClassUID),
                str(header.SOPInstanceUID),
                str(meta.TransferSyntaxUID),
                meta.get("MediaStorageSOPInstanceUID") == header.SOPInstanceUID
                and meta.get("MediaStorageSOPClassUID") == header.SOPClassUID,
            )
        except OSError as error:
            raise Permanent(f"{path}: cannot be read: {error.strerror or error}") from error
        except InvalidDicomError as error:
            raise Permanent(f"{path}: is not a DICOM file (PS3.10)") from error
        except (AttributeError, EOFError, ValueError) as error:
            raise Permanent(f"{path}: lacks what sending needs: {error}") from error


@contextmanager
def associated(node: NodeSettings, peer: PeerSettings, objects: Sequence[Sending]) -> Iterator[Association]:
    """An association to `peer` on which `objects` can be sent; released at the end.

    Raises Transient when there is no connection, no answer or a transient rejection; Permanent when the
    peer rejects for good.
    """
    proposals = contexts.proposed({(item.sop_class_uid, item.transfer_syntax_uid) for item in objects})
    for proposal in proposals:
        syntaxes = proposal.transfer_syntax or []
        if syntaxes[0] in contexts.UNCOMPRESSED:
            proposal.transfer_syntax = [*syntaxes, *(uid for uid in contexts.UNCOMPRESSED if uid not in syntaxes)]
    association = _open(node, peer, proposals)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def store(association: Association, item: Sending, peer: PeerSettings) -> int:
    """Send one object and return the status with which the peer stored it: Success or a warning.

    Raises Transient or Permanent with the peer's own status and comment.
    """
    name = f"{peer.ae_title} at {peer.host}:{peer.port}"
    if not association.is_established:
        raise Transient(f"{name}: association ended before the object was sent")
    syntax = _accepted_syntax(association, item)
    if syntax is None:
        uid = UID(item.transfer_syntax_uid)
        raise Permanent(f"{name}: accepts no {UID(item.sop_class_uid).name} in {uid.name}")
    data: Path | Dataset = item.path
    if syntax != item.transfer_syntax_uid or not item.meta_agrees:
        data = dcmread(item.path)
    try:
        answer = association.send_c_store(data)
    except (ValueError, AttributeError, RuntimeError) as error:
        if not association.is_established:
            raise Transient(f"{name}: association ended while sending: {error}") from error
        raise Permanent(f"{item.path}: cannot be sent: {error}") from error
    if "Status" not in answer:
        raise Transient(f"{name}: {_silence(association)}")
    words = _words(answer)
    outcome = status.outcome(int(answer.Status))
    if outcome == "delivered":
        return int(answer.Status)
    error_type: type[CoronodeError] = Transient if outcome == "transient" else Permanent
    raise error_type(f"{name}: answered C-STORE with {words}")


def verify(node: NodeSettings, peer: PeerSettings) -> None:
    """Send a C-ECHO (PS3.4 annex A). Raises Transient or Permanent with what is wrong."""
    association = _open(node, peer, [build_context(contexts.VERIFICATION, list(contexts.UNCOMPRESSED))])
    try:
        answer = association.send_c_echo()
        if "Status" not in answer:
            raise Transient(f"{peer.ae_title} at {peer.host}:{peer.port}: {_silence(association)}")
        if int(answer.Status) != status.SUCCESS:
            raise Permanent(f"{peer.ae_title} at {peer.host}:{peer.port}: answered C-ECHO with {_words(answer)}")
    finally:
        if association.is_established:
            association.release()


def _open(node: NodeSettings, peer: PeerSettings, proposals: list[Any]) -> Association:
    name = f"{peer.ae_title} at {peer.host}:{peer.port}"
    if peer.port is None:
        raise Permanent(f"{peer.ae_title} at {peer.host}: has no port in the configuration, so it cannot be called")
    ae = AE(ae_title=node.ae_title)
    ae.acse_timeout = ae.connection_timeout = node.acse_timeout
    ae.dimse_timeout = node.dimse_timeout
    ae.network_timeout = node.network_timeout
    association = ae.associate(peer.host, peer.port, contexts=proposals, ae_title=peer.ae_title, max_pdu=node.max_pdu)
    if association.is_established:
        return association
    answer = association.acceptor.primitive
    if association.is_rejected and answer is not None:
        reason = _REASONS.get((answer.result_source or 0, answer.diagnostic or 0), f"diagnostic {answer.diagnostic}")
        if answer.result == _REJECTED_PERMANENT:
            raise Permanent(f"{name}: rejected the association for good: {reason}")
        raise Transient(f"{name}: rejected the association for now: {reason}")
    if answer is not None and not association.accepted_contexts:
        raise Permanent(f"{name}: accepts none of the proposed presentation contexts")
    if association.is_aborted:
        raise Transient(f"{name}: no association (no connection, or aborted)")
    raise Transient(f"{name}: no association")


def _accepted_syntax(association: Association, item: Sending) -> str | None:
    """The accepted transfer syntax that the object can travel in, its own if possible."""
    fitting = [
        str(context.transfer_syntax[0])
        for context in association.accepted_contexts
        if context.abstract_syntax == item.sop_class_uid
        and (
            context.transfer_syntax[0] == item.transfer_syntax_uid
            or {context.transfer_syntax[0], item.transfer_syntax_uid} <= set(contexts.UNCOMPRESSED)
        )
    ]
    return min(fitting, key=lambda uid: uid != item.transfer_syntax_uid, default=None)


def _silence(association: Association) -> str:
    """Who ended it: without an answer the association ends, and its thread then knows of a peer's abort."""
    association.join(_ENDING_SECONDS)
    return "aborted the association" if association.is_aborted else "gave no valid answer in time"


def _words(answer: Dataset) -> str:
    """Status, and the peer's Error Comment (0000,0902) when it gave one."""
    comment = str(answer.get("ErrorComment", "") or "").strip()
    words = status.name(int(answer.Status))
    return f"{words}: {comment}" if comment else words
