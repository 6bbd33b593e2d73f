"""The node's own store, as the place that fetched objects go to."""

from __future__ import annotations

from dataclasses import dataclass

from scp.fetching.archive import NotNow
from scp.lock import DataLock
from scp.services.storage import StorageScp
from storage.database.engine import Database
from storage.series import holdings


@dataclass(frozen=True, slots=True)
class NodeStore:
    """Index and files of the node on this machine, whether or not it runs: `lock` tells."""

    database: Database
    storage: StorageScp
    lock: DataLock
    keeps_companions: bool = True

    def list_held(self, series_instance_uid: str) -> dict[str, int]:
        """List the objects of a series that are here, with their sizes in bytes. Raises Transient."""
        return holdings.list_held(self.database, series_instance_uid)

    def check_ready(self, method: str) -> None:
        """Raise NotNow where nothing can be stored: no node runs to receive a C-MOVE, or there is no room."""
        if method == "move" and not self.lock.is_held():
            raise NotNow("objects come by C-MOVE, and no node runs here to receive them: start coronode serve")
        if shortage := self.storage.find_shortage():
            raise NotNow(f"nothing can be stored: {shortage}")
