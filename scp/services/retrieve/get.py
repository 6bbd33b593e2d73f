"""C-GET: the objects go back on the association of the request (PS3.4 C.4.3.3)."""

from __future__ import annotations

from collections.abc import Iterable

from scp.network.errors import Interrupted
from scp.services.retrieve.contexts import Routes
from scp.services.retrieve.dialogue import Dialogue
from scp.services.retrieve.progress import Outcome
from scp.services.retrieve.sending import Sender, Store
from storage.query.retrieval import StoredObject


def get(dialogue: Dialogue, items: Iterable[StoredObject], store: Store) -> None:
    """Send the objects in the contexts whose SCP the peer may be (PS3.7 D.3.3.4). Raises AssociationEnded, Released."""
    association = dialogue.association
    routes = Routes(context for context in association.contexts if context.as_scp)
    sender = Sender(store, routes, association.request, dialogue.message.command)

    def send(item: StoredObject) -> Outcome:
        try:
            return sender.send(item)
        except OSError as error:  # the peer waits for the rest, so that nothing else can be sent
            words = f"object {item.sop_instance_uid} cannot be read to its end: {error.strerror or 'it was cut'}"
            raise Interrupted(words) from error

    dialogue.carry_out(items, send)
