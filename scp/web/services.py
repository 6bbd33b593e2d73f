"""What the pages work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request

from config.settings import Settings
from scp.installation import Installation
from scp.web.link import Link
from storage.database.engine import Database
from storage.objects.files import Files


@dataclass(frozen=True, slots=True)
class Services:
    """Settings, index, files and clock of the installation, and the way to the node in front of it."""

    settings: Settings
    database: Database
    files: Files
    clock: Callable[[], datetime]
    node: Link

    @property
    def installation(self) -> Installation:
        """The same as other rooms take it."""
        return Installation(self.settings, self.database, self.files, self.clock)


def find_services(request: Request) -> Services:
    """Return the services of the application that a request came to."""
    services: Services = request.app.state.services
    return services
