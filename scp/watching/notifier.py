"""Tells a webhook of incidents, from the tables: what was not taken is told again, after a restart too."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import structlog

from config.errors import ConfigurationError, CoronodeError, Rejected
from config.settings import MIB
from dicom.implementation import VERSION
from scp.expiry import list_named
from scp.group.duties import Duties, EveryDuty
from scp.installation import Installation
from scp.rounds import Rounds
from scp.watching.incidents import Sight, find_incidents
from scp.watching.webhook import call_webhook
from storage.outbox import alerts
from storage.outbox.alerts import Alert
from storage.overview.stages import read_stages

log = structlog.get_logger(__name__)

SCHEMA: Final = "coronode.alert/1"
_LOOK_SECONDS: Final = 30.0


class Notifier:
    """Looks every half minute from `start` to `stop`, in one process of a group; not at all without a webhook."""

    def __init__(self, installation: Installation, duties: Duties | None = None) -> None:
        self._installation = installation
        self._duties = duties or EveryDuty()
        failed, again = "looking for incidents failed; will retry", "incidents are looked for again"
        self._rounds = Rounds("alerts", self.look, _LOOK_SECONDS, failed=failed, again=again, at_once=False)

    def start(self) -> None:
        """Begin."""
        self._rounds.start()

    def stop(self) -> None:
        """End."""
        self._rounds.stop()

    def look(self) -> None:
        """Look once, and tell what is due. Raises Transient when the database does not answer."""
        installation = self._installation
        if installation.settings.alerts.webhook is None or not self._duties.holds("alerts"):
            return
        now = installation.clock()
        alerts.observe(installation.database, find_incidents(self._see(now), installation.settings.alerts, now), now)
        for alert in alerts.list_due(installation.database, now):
            if not self._tell(alert, now):
                return  # the others wait for the next look: nobody takes them now

    def _see(self, now: datetime) -> Sight:
        installation = self._installation
        reserve = installation.settings.node.reserve_mb * MIB
        try:
            free = installation.files.free_bytes()
        except Rejected:  # a disk that does not answer has no room, either
            free = 0
        try:
            named = list(list_named(installation.settings, now))
        except ConfigurationError:  # whoever uses the file has logged it
            named = []
        ends = {str(one.path): one.first_to_end.not_after for one in named}
        return Sight(read_stages(installation.database), free, reserve, ends)

    def _tell(self, alert: Alert, now: datetime) -> bool:
        """Call the webhook, and record whether it took the alert."""
        settings = self._installation.settings
        database = self._installation.database
        try:
            call_webhook(settings, describe(alert, settings.node.ae_title))
        except CoronodeError as error:
            log.warning("nobody took an alert", alert=alert.incident.key, reason=str(error))
            alerts.note_failed(database, alert, now)
            return False
        log.info("alert told", alert=alert.incident.key, status=_find_status(alert))
        alerts.note_told(database, alert, now)
        return True


def describe(alert: Alert, ae_title: str) -> dict[str, Any]:
    """Return the body that a webhook gets."""
    incident = alert.incident
    return {
        "schema": SCHEMA,
        "node": ae_title,
        "version": VERSION,
        "event": incident.event,
        "status": _find_status(alert),
        "key": incident.key,
        "since": alert.opened_at.isoformat(),
        "until": None if alert.closed_at is None else alert.closed_at.isoformat(),
        "details": dict(incident.details),
    }


def _find_status(alert: Alert) -> str:
    if alert.closed_at is not None:
        return "over"
    return "begun" if alert.told_at is None else "lasting"
