"""Verification as SCU (PS3.4 annex A): C-ECHO."""

from __future__ import annotations

from config.errors import Permanent, Transient
from config.settings import NodeSettings, PeerSettings
from dicom import status
from dicom.sop_classes import UNCOMPRESSED, VERIFICATION
from scp.network.errors import AssociationEnded
from scp.network.negotiation import PresentationContext
from scp.scu.association import describe_answer, name_peer, open_association


def verify(node: NodeSettings, peer: PeerSettings) -> None:
    """Send a C-ECHO. Raises Transient or Permanent with the reason."""
    with open_association(node, peer, [PresentationContext(VERIFICATION, UNCOMPRESSED)]) as association:
        try:
            answer = association.echo(association.accepted_contexts[0])
        except AssociationEnded as error:
            raise Transient(f"{name_peer(peer)}: association ended while sending: {error}") from error
        if answer.status != status.SUCCESS:
            raise Permanent(f"{name_peer(peer)}: answered C-ECHO with {describe_answer(answer)}")
