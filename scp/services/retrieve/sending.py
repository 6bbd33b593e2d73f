"""One C-STORE sub-operation: a stored object, as it is or uncompressed, on an association that takes it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from pydicom.uid import UID

from config.errors import CoronodeError, Permanent
from dicom import part10, status
from scp import metrics
from scp.network import requests
from scp.network.command import Command
from scp.network.exchange import Content, Reply
from scp.network.negotiation import AcceptedContext
from scp.network.requests import MakeRequest
from scp.services.retrieve.contexts import Routes
from scp.services.retrieve.progress import Outcome
from scp.services.retrieve.transcoding import Transcoder
from storage.objects.files import Files
from storage.query.retrieval import StoredObject

log = structlog.get_logger(__name__)

Request = Callable[[AcceptedContext, MakeRequest, Content], Reply]
"""Sends a request with its data set and waits for the response."""


class Store:
    """The objects that are sent: read from their files, and encoded anew where a peer does not take them as stored."""

    def __init__(self, files: Files, transcoder: Transcoder) -> None:
        self._files = files
        self._transcoder = transcoder

    @contextmanager
    def read(self, item: StoredObject, syntax: str) -> Iterator[Content]:
        """Make the data set of an object available in a transfer syntax for the length of a block.

        Raises Permanent when its file is missing or damaged, or cannot be encoded in that syntax; Transient when that
        takes too long, Rejected when there is no room for it.
        """
        path, offset = self._open(item)
        if syntax == item.transfer_syntax_uid:
            yield path, offset
        else:
            with self._files.incoming() as place:
                self._transcoder.encode(path, syntax, place.path)
                yield place.path, 0

    def _open(self, item: StoredObject) -> tuple[Path, int]:
        """Return the file of an object and the offset of its data set. Raises Permanent when it is not whole."""
        try:
            path = self._files.fetch(item.path, item.size)
            with path.open("rb", buffering=0) as file:
                start, found = file.read(part10.START_BYTES), os.fstat(file.fileno()).st_size
        except FileNotFoundError as error:
            raise Permanent("its file is missing") from error
        except OSError as error:
            raise Permanent(f"its file cannot be read: {error.strerror}") from error
        offset = part10.find_data_set(start or b"")
        if offset is None or found != item.size or offset >= item.size:
            raise Permanent("its file is damaged")
        return path, offset


class Sender:
    """Sends objects on one association; `originator` is the AE title and Message ID of the C-MOVE, None for a C-GET."""

    def __init__(
        self,
        store: Store,
        routes: Routes,
        request: Request,
        asked: Command,
        originator: tuple[str, int] | None = None,
    ) -> None:
        self._store = store
        self._routes = routes
        self._request = request
        self._priority = asked.priority
        self._originator = originator

    def send(self, item: StoredObject) -> Outcome:
        """Send an object and return how it ended. Raises AssociationEnded and Released."""
        context = self._routes.choose(item)
        if context is None:
            name, syntax = UID(item.sop_class_uid).name, UID(item.transfer_syntax_uid).name
            return Outcome("failed", f"not accepted: {name}, {syntax}")
        try:
            with self._store.read(item, context.transfer_syntax) as content:
                reply = self._request(context, lambda number: self._encode(number, item), content)
        except CoronodeError as error:
            return _fail(item, str(error))
        except OSError as error:
            return _fail(item, f"its file cannot be read: {error.strerror or error}")
        return _judge(reply.command)

    def _encode(self, message_id: int, item: StoredObject) -> bytes:
        return requests.encode_store(
            message_id, item.sop_class_uid, item.sop_instance_uid, self._originator, priority=self._priority
        )


def _fail(item: StoredObject, reason: str) -> Outcome:
    log.error("a stored object cannot be sent", sop_instance=item.sop_instance_uid, reason=reason)
    metrics.UNSENDABLE.inc()
    return Outcome("failed", reason)


def _judge(answer: Command) -> Outcome:
    """Judge a C-STORE-RSP: a warning, or a duplicate, means that the peer has the object (PS3.7 9.1.1.1.9)."""
    if answer.status is None:
        return Outcome("failed", "C-STORE answered without a status")
    if answer.status == status.SUCCESS:
        return Outcome("completed")
    if status.classify_outcome(answer.status) == "delivered":
        return Outcome("warning")
    comment = f" {answer.comment}" if answer.comment else ""
    return Outcome("failed", f"C-STORE: {status.format_status(answer.status)}{comment}")
