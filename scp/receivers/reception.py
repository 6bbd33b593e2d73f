"""The services for peers, and the server that offers them: the same in the node and in its receiver processes."""

from __future__ import annotations

from collections.abc import Callable

from config.settings import Settings
from dicom.uids import random_uid
from scp.delivery.commitment import CommitmentAsker
from scp.delivery.retry import ConfiguredRetry
from scp.installation import Installation
from scp.network.tls.credentials import watch_credentials
from scp.peer_events import PeerEvents, ignore
from scp.reception.admission import Admission
from scp.reception.provided import ProvidedService
from scp.reception.seats import Seats
from scp.reception.server import Ports, Server
from scp.reception.watch import Holder
from scp.services import verification
from scp.services.commitment import CommitmentScp
from scp.services.commitment_reports import CommitmentReports
from scp.services.mpps import MppsScp
from scp.services.query import QueryScp
from scp.services.rejection_notes import RejectionNotes
from scp.services.retrieve.service import RetrieveScp
from scp.services.retrieve.slots import Slots
from scp.services.storage import StorageScp
from scp.services.storage_rules import StorageRules


class Reception:
    """What a process offers to peers.

    `received` is told of each series of which an object came, with its association, `announced` of each series of which
    something was announced. Several processes may share `seats`, `slots` and `ports`. Raises ConfigurationError when a
    file that the configuration names cannot be used.
    """

    def __init__(
        self,
        installation: Installation,
        *,
        received: Callable[[str, Holder | None], None],
        announced: Callable[[str], None],
        seats: Seats | None = None,
        slots: Slots | None = None,
        ports: Ports | None = None,
    ) -> None:
        self._installation = installation
        self._announced = announced
        database, files, settings = installation.database, installation.files, installation.settings
        rules = self._make_rules(settings)
        self.storage = StorageScp(database, files, clock=installation.clock, received=received, rules=rules)
        retry = ConfiguredRetry(installation)
        self.reports = CommitmentReports(installation, pause=retry.pause, announced=announced)
        self.asker = CommitmentAsker(installation, retry=retry, make_uid=random_uid)
        self._events = PeerEvents(database, installation.clock)
        self._audit = self._events.note if settings.audit.peers else ignore
        enter = self._events.enter if settings.audit.peers else ignore
        self._retrieve = RetrieveScp(
            database, files, settings.node, settings.callers, audit=self._audit, enter=enter, slots=slots
        )
        self.server = Server(
            settings.node,
            Admission.from_settings(settings),
            self._list_services(settings),
            find_shortage=self.storage.find_shortage,
            seats=seats,
            ports=ports,
            audit=self._audit,
        )

    def close(self) -> None:
        """Enter in the audit log what still waits for it, once nobody is served any more."""
        self._retrieve.close()
        self._events.stop()

    def adopt(self, settings: Settings) -> None:
        """Go on by another configuration; associations and objects on their way go on by the one of their beginning.

        It becomes that of the installation. Raises ConfigurationError when a file cannot be used; nothing is changed
        then.
        """
        admission, rules = Admission.from_settings(settings), self._make_rules(settings)
        if settings.node.tls.is_configured:
            watch_credentials(settings.node.tls).get()  # changed ones are read here, not by the next association
        self.storage.adopt(rules)
        self.server.adopt(settings.node, admission, self._list_services(settings))
        self._installation.settings = settings
        self._retrieve.adopt(settings.node, settings.callers)

    def _make_rules(self, settings: Settings) -> StorageRules:
        """Make the rules on objects that are sent here."""
        notes = RejectionNotes(
            self._installation.database,
            self._installation.files,
            reasons=settings.selection.rejection_notes,
            peers=tuple(settings.callers.values()),
            clock=self._installation.clock,
            touched=self._announced,
        )
        return StorageRules.from_settings(settings.node, notes)

    def _make_query(self, settings: Settings) -> QueryScp:
        return QueryScp(
            self._installation.database,
            self._installation.files,
            settings.node.ae_title,
            audit=self._audit,
            patient_ids=settings.audit.patient_ids,
        )

    def _list_services(self, settings: Settings) -> tuple[ProvidedService, ...]:
        """List the services for peers."""
        here = self._installation
        mpps = MppsScp(here.database, clock=here.clock, make_uid=random_uid, announced=self._announced)
        return (
            verification.provide(),
            self.storage.provide(),
            self._make_query(settings).provide(),
            self._retrieve.provide(),
            CommitmentScp(self.reports, self.asker.take).provide(),
            mpps.provide(),
        )
