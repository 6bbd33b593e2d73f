"""Sources become examples: each series is measured once, in processes of their own, and its numbers are kept."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from config.errors import CoronodeError, NotScorable
from config.settings import ScoringSettings, Settings
from scoring.calibration.case import FORMAT, Case
from scoring.calibration.truth import Example
from scp.calibrating.sources import Source
from scp.memory import limited_memory

log = structlog.get_logger(__name__)

FOLDER: Final = "calibration"
_KILLED: Final = "the process that measured it ended: too little memory, or killed from outside"
Told = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A source that nothing can be learnt from, and why in English."""

    series_instance_uid: str
    why: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """What became of the sources: examples in their order, and those left out."""

    examples: tuple[Example, ...]
    left_out: tuple[LeftOut, ...]


class Measurer:
    """Measures series by the node's settings, in `jobs` processes; `folder` keeps what was measured before.

    The numbers hold no pixel and no name; they are read again as long as files, settings and software are the same.
    """

    def __init__(self, settings: Settings, version: str, jobs: int = 1) -> None:
        self._settings = settings
        self._folder = settings.node.data_dir / FOLDER
        self._version = version
        self._jobs = jobs

    def gather(self, sources: Sequence[Source], told: Told) -> Gathered:
        """Measure every source; `told` is called with the number done and that of all."""
        found: dict[str, Case | str] = {}
        for uid, outcome in self._measure_all(sources):
            found[uid] = outcome
            told(len(found), len(sources))
        examples, left_out = [], []
        for source in sources:
            outcome = found[source.series_instance_uid]
            if isinstance(outcome, Case):
                try:
                    examples.append(Example(outcome, source.judge(outcome), source.patient))
                    continue
                except NotScorable as verdict:
                    outcome = _tell(verdict)
            left_out.append(LeftOut(source.series_instance_uid, outcome))
        return Gathered(tuple(examples), tuple(left_out))

    def _measure_all(self, sources: Sequence[Source]) -> Iterator[tuple[str, Case | str]]:
        waiting: list[Source] = []
        for source in sources:
            known = self._read(source)
            if known is None:
                waiting.append(source)
            else:
                yield source.series_instance_uid, known
        # a process that is killed takes all that are waiting with it: which one was to blame is seen alone
        broken: list[Source] = []
        for source, outcome in _run(waiting, self._settings, self._jobs):
            if outcome is None:
                broken.append(source)
            else:
                yield source.series_instance_uid, self._take(source, outcome)
        for source in broken:
            for _, outcome in _run([source], self._settings, 1):
                yield source.series_instance_uid, _KILLED if outcome is None else self._take(source, outcome)

    def _take(self, source: Source, outcome: bytes | str) -> Case | str:
        if isinstance(outcome, str):
            return outcome
        self._keep(source, outcome)
        return Case.from_bytes(outcome)

    def _find_path(self, source: Source) -> Path:
        states = [(path, path.stat()) for path in source.files]
        stats = [(str(path), status.st_size, status.st_mtime_ns) for path, status in states]
        scoring = self._settings.scoring.model_dump(mode="json"), self._settings.selection.model_dump(mode="json")
        known = json.dumps([FORMAT, self._version, sorted(stats), scoring], sort_keys=True)
        return self._folder / f"{hashlib.sha256(known.encode()).hexdigest()}.npz"

    def _read(self, source: Source) -> Case | None:
        try:
            return Case.from_bytes(self._find_path(source).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("measured anew", series=source.series_instance_uid, reason=str(error))
            return None

    def _keep(self, source: Source, content: bytes) -> None:
        try:
            path = self._find_path(source)
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial = path.with_suffix(".part")
            partial.write_bytes(content)
            partial.replace(path)
        except OSError as error:  # it is measured again next time
            log.warning("measurement not kept", series=source.series_instance_uid, reason=str(error))


def _run(sources: Sequence[Source], settings: Settings, jobs: int) -> Iterator[tuple[Source, bytes | str | None]]:
    """Measure in processes of their own; the outcome is None where the process was killed."""
    if not sources:
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        pending = {pool.submit(_observe, source.files, settings): source for source in sources}
        for future in as_completed(pending):
            try:
                yield pending[future], future.result()
            except BrokenProcessPool:
                yield pending[future], None


def _observe(files: Sequence[Path], settings: Settings) -> bytes | str:
    """Measure a series in this process: the case as bytes, or why there is none."""
    from dicom.process import configure_process  # noqa: PLC0415  # the heavy imports belong to these processes alone
    from scoring.calibration.observation import observe  # noqa: PLC0415

    configure_process()
    scoring: ScoringSettings = settings.scoring
    try:
        with limited_memory(scoring.memory_mb):
            return observe(files, scoring, settings.selection)[0].to_bytes()
    except NotScorable as verdict:
        return _tell(verdict)
    except MemoryError:
        return _tell(NotScorable("out_of_memory"))
    except (CoronodeError, OSError) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  # the process's edge: one series must not end the work on all others
        # not its words: they may repeat a value of the images
        return f"it could not be measured, which is a fault of the software ({type(error).__name__})"


def _tell(verdict: NotScorable) -> str:
    from scoring.report.common.catalogue import sentence  # noqa: PLC0415  # as above
    from scoring.report.common.texts import load_english  # noqa: PLC0415

    return sentence(verdict, load_english())
