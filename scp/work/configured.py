"""Work on a series by the configuration that is in force when it begins."""

from __future__ import annotations

from collections.abc import Callable

from scp.installation import Installation
from scp.work.series_work import SeriesWork

MakeWork = Callable[[Installation], SeriesWork]


class ConfiguredWork:
    """Passes each piece of work on to one that `make` makes for the installation as it is then."""

    def __init__(self, installation: Installation, make: MakeWork) -> None:
        self._installation = installation
        self._make = make

    def run(self, series_instance_uid: str, version: int) -> None:
        """Process one version of a series; raises as `SeriesWork` does."""
        self._make(self._installation.still()).run(series_instance_uid, version)

    def postpone(self, series_instance_uid: str, version: int, reason: str) -> None:
        """Leave a version for later, for this reason."""
        self._make(self._installation.still()).postpone(series_instance_uid, version, reason)

    def abandon(self, series_instance_uid: str, version: int, reason: str) -> None:
        """Give up on a version, for this reason."""
        self._make(self._installation.still()).abandon(series_instance_uid, version, reason)
