"""Query service (PS3.4 annex C): C-FIND in the Patient Root and Study Root models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import structlog
from pydicom.dataset import Dataset
from pynetdicom import evt

from config.errors import CoronodeError, Rejected
from scp import contexts, status
from storage import query
from storage.database import Database

log = structlog.get_logger(__name__)


class Query:
    """The Query SCP: answers from the index, over what came in and what was made here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def on_find(self, event: evt.Event) -> Iterator[tuple[int | Dataset, Dataset | None]]:
        """Handle EVT_C_FIND: one pending response a match, then Success (PS3.4 C.4.1.3)."""
        model = event.request.AffectedSOPClassUID
        root: query.Root = "patient" if model == contexts.PATIENT_ROOT_FIND else "study"
        try:
            search = query.Search.parse(root, event.identifier)
            pending = status.PENDING_UNSUPPORTED if search.unsupported else status.PENDING
            with closing(search.run(self._database)) as matches:
                for match in matches:
                    if event.is_cancelled:
                        yield status.CANCELLED, None
                        return
                    yield pending, match
        except Rejected as rejection:
            log.warning("query refused", reason=rejection.reason, calling=event.assoc.requestor.ae_title.strip())
            yield status.response(rejection.status, rejection.reason), None
        except CoronodeError as error:
            log.error("query failed", reason=str(error))
            yield status.response(status.UNABLE_TO_PROCESS, str(error)), None
        except Exception:  # the service's edge: the peer gets a failure, the log the trace
            log.exception("query failed")
            yield status.response(status.UNABLE_TO_PROCESS, "internal error, see the node's log"), None
