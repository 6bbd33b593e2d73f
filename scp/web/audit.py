"""Who looked at what, and who changed it, in the audit log."""

from __future__ import annotations

from typing import Final

from fastapi import Request

from scp.web.identity import find_person
from scp.web.services import find_services
from storage.database import audit

NOBODY: Final = "local"
"""Whoever sits at the machine of a node without accounts."""


def note(request: Request, kind: str, text: str = "", *, series_instance_uid: str = "") -> None:
    """Record that the person who asks did something; `text` never holds a patient's name or ID."""
    services = find_services(request)
    person = find_person(request)
    name = "" if person is None else person.account or NOBODY
    audit.record(services.database, services.clock(), kind, text, series_instance_uid=series_instance_uid, person=name)


def note_view(request: Request, series_instance_uid: str) -> None:
    """Record that the person who asks was shown data of a patient: the page or the images of a series."""
    note(request, "viewed", request.url.path.split("/")[1], series_instance_uid=series_instance_uid)
