"""What of validation needs a person, for the page of all such matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scoring.report.agreement.words import describe_alarm
from scoring.report.common.texts import Texts
from scp.validating.standing import find_standing
from scp.web.services import Services
from scp.web.validation.watching import find_drift


@dataclass(frozen=True, slots=True)
class Notice:
    """A matter: its urgency, title, and what to do about it."""

    urgency: Literal["bad", "info"]
    title: str
    advice: str
    link: str = "/validation"


def list_notices(services: Services, texts: Texts) -> list[Notice]:
    """List signs of drift, and that results are held back. Raises Transient when the database does not answer."""
    months = services.settings.validation.drift_months
    notices = [
        Notice("bad", describe_alarm(alarm, months, texts), texts("validation.alarm_advice"))
        for alarm in find_drift(services).alarms
    ]
    standing = find_standing(services.installation)
    if standing.held:
        advice = texts("validation.held_banner") if standing.holds_back else texts("validation.decision_note")
        notices.append(Notice("info", texts("validation.held_count", count=standing.held), advice))
    return notices
