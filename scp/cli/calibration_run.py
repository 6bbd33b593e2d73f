"""One run of `coronode calibrate fit`: sources, measurements, the refit, and keeping it."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from config.errors import CoronodeError
from config.load import load
from scp.cli.index import open_store
from scp.cli.terminal.output import say
from scp.installation import utc_now
from storage.calibrations.calibrations import Fitted, Kept, find_free_name, keep

if TYPE_CHECKING:
    from scoring.result import Score
    from scp.calibrating.sources import Source, Totals
    from storage.database.engine import Database
    from storage.objects.files import Files

_PACKAGE = "coronode"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: tables and folders of answers, where the images are, the name, and the file to write."""

    readings: Path | None
    results: Path | None
    images: tuple[Path, ...]
    name: str | None
    out: Path | None


@dataclass(frozen=True, slots=True)
class CalibrationRun:
    """Settings, request, and how many series are measured at a time."""

    config_file: Path | None
    request: Request
    jobs: int

    def run(self) -> Kept:
        """Fit, and keep it in the node's index unless the images are elsewhere. Raises CoronodeError."""
        request, now = self.request, utc_now()
        wanted = request.name or f"site-{now:%Y-%m}"
        if request.images:
            from scp.calibrating.sources import find_on_disk
            from scp.privacy import create_closed

            create_closed()
            made = Kept(0, self._fit(find_on_disk(request.images, self._read_answers()), wanted), now)
        else:
            with open_store(self.config_file) as (database, files):
                sources = self._list_sources(database, files)
                name = wanted if request.name else find_free_name(database, wanted)
                made = keep(database, self._fit(sources, name), now)
        if request.out is not None:
            request.out.write_text(made.fitted.calibration_json, "utf-8")
        return made

    def _list_sources(self, database: Database, files: Files) -> list[Source]:
        """The node's signed reviews and readings, and what is given besides; totals replace no review.

        A table that is given replaces what was recorded of the same series.
        """
        from scp.calibrating import sources

        found = {item.series_instance_uid: item for item in sources.list_reviews(database, files)}
        given = sources.list_readings(database) | self._read_answers()
        here = sources.find_here(database, files, given)
        if len(here) < len(given):
            say(f"{len(given) - len(here)} of {len(given)} series that were read are not here", err=True)
        for item in here:
            if item.series_instance_uid not in found or not isinstance(item.answer, sources.Totals):
                found[item.series_instance_uid] = item
        return list(found.values())

    def _read_answers(self) -> dict[str, Score | Totals]:
        from scp.calibrating import sources

        answers: dict[str, Score | Totals] = {}
        if self.request.readings is not None:
            answers |= sources.read_totals(self.request.readings)
        if self.request.results is not None:
            answers |= sources.read_results(self.request.results)
        return answers

    def _fit(self, sources: list[Source], name: str) -> Fitted:
        from scoring.calibration.phantoms import load_phantoms
        from scoring.calibration.refit import TooFew, refit
        from scp.calibrating.measuring import Measurer
        from scp.calibrating.record import build_record

        version = importlib.metadata.version(_PACKAGE)
        phantoms = load_phantoms()  # before the hour that measuring may take
        with _show_progress("measuring", len(sources)) as told:
            gathered = Measurer(load(self.config_file), version, self.jobs).gather(sources, told)
        try:
            with _show_progress("fitting", None) as told:
                proposal = refit(gathered.examples, phantoms, name, told)
        except TooFew as error:
            why = "".join(f"\n{item.series_instance_uid}: {item.why}" for item in gathered.left_out)
            raise CoronodeError(f"too few cases: {error}{why}") from error
        except ValueError as error:
            raise CoronodeError(str(error)) from error
        return build_record(proposal, sources, gathered.left_out, version)


@contextmanager
def _show_progress(what: str, total: int | None) -> Iterator[Callable[[int, int], object]]:
    """A progress bar on standard error where it is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done, of: progress.update(task, completed=done, total=of)
