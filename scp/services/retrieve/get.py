"""C-GET: the objects go back on the association of the request (PS3.4 C.4.3.3)."""

from __future__ import annotations

from collections.abc import Iterable

from scp.services.retrieve.contexts import Routes
from scp.services.retrieve.dialogue import Dialogue
from scp.services.retrieve.sending import Sender, Store
from storage.query.retrieval import StoredObject


def get(dialogue: Dialogue, items: Iterable[StoredObject], store: Store) -> None:
    """Send the objects in the contexts whose SCP the peer may be (PS3.7 D.3.3.4). Raises AssociationEnded, Released."""
    association = dialogue.association
    routes = Routes(context for context in association.contexts if context.as_scp)
    sender = Sender(store, routes, association.request, dialogue.message.command)
    dialogue.carry_out(items, sender.send)
