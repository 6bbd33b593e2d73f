"""C-MOVE: the objects go to a configured peer on associations of their own (PS3.4 C.4.2.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from config.errors import Rejected
from config.settings import NodeSettings, PeerSettings
from dicom import status
from scp.network.requestor import Requestor
from scp.scu.association import associate, find_by_title
from scp.services.retrieve.contexts import Routes, plan_associations
from scp.services.retrieve.destination import Destination, Reconnects
from scp.services.retrieve.dialogue import Dialogue
from scp.services.retrieve.progress import Outcome
from scp.services.retrieve.sending import Sender, Store
from scp.services.retrieve.slots import Busy, Slots
from storage.database.engine import Database
from storage.query.retrieval import Selection

_SLOT_SECONDS: Final = 600.0


class Mover:
    """Sends objects to move destinations, to a limited number at the same time: several processes may share `slots`."""

    def __init__(
        self,
        database: Database,
        store: Store,
        node: NodeSettings,
        peers: Mapping[str, PeerSettings],
        slots: Slots | None = None,
    ) -> None:
        self._database = database
        self._store = store
        self._node = node
        self._peers = peers
        self._slots = slots or Slots(node.max_moves, node.max_moves_per_destination)

    def adopt(self, node: NodeSettings, peers: Mapping[str, PeerSettings]) -> None:
        """Move to other peers from now on."""
        self._node, self._peers = node, peers

    def find_destination(self, ae_title: str) -> PeerSettings:
        """Find the peer that a Move Destination (0000,0600) names, never an address that nobody configured.

        Raises Rejected (0xA801) with what to do.
        """
        found = find_by_title(self._peers, ae_title)
        if found is None and ae_title.strip() == self._node.ae_title:
            raise Rejected(status.MOVE_DESTINATION_UNKNOWN, "this node is the source: it has these objects already")
        if found is None:
            raise Rejected(status.MOVE_DESTINATION_UNKNOWN, f"no peer is configured as {ae_title[:16]!r}")
        name, peer = found
        if peer.port is None:
            raise Rejected(status.MOVE_DESTINATION_UNKNOWN, f"peer {name} has no port in the configuration")
        return peer

    def move(self, dialogue: Dialogue, selection: Selection, peer: PeerSettings, begin: Callable[[], None]) -> None:
        """Send the objects to a peer; `begin` is called before the first one.

        Raises AssociationEnded when the requestor is gone, Transient, and what `begin` raises.
        """
        try:
            with self._slots.taken(peer.ae_title, dialogue.go_on, seconds=_SLOT_SECONDS) as is_free:
                if is_free:
                    begin()
                    self._send(dialogue, selection, peer)
        except Busy as error:
            refused = Outcome("failed", str(error))
            dialogue.carry_out(selection.read_objects(self._database), lambda _: refused)

    def _send(self, dialogue: Dialogue, selection: Selection, peer: PeerSettings) -> None:
        """Send the objects, on several associations in turn where they are of too many kinds for one."""
        asked = dialogue.message.command
        originator = dialogue.association.calling_ae, asked.message_id

        def make_sender(association: Requestor) -> Sender:
            return Sender(self._store, Routes(association.accepted_contexts), association.request, asked, originator)

        reconnects = Reconnects()
        for classes, proposals in plan_associations(selection.kinds):
            destination = Destination(partial(associate, self._node, peer, proposals), make_sender, reconnects)
            objects = selection.read_objects(self._database)
            try:
                dialogue.carry_out((item for item in objects if item.sop_class_uid in classes), destination.send)
            finally:
                destination.release()
            if dialogue.progress.is_cancelled:
                return
