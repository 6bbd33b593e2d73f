"""Completion of a series: it has been quiet long enough, no association holds it open, and no slice is missing.

    instance --> quiet timer --> held by an open association? --> slices regular? --> complete
                    ^   |                                             | gap
                    |   +-- restarted by each instance                +--> wait until the deadline, then
                    +------------------------------------------------      complete, with a flag

`Watch` keeps the timers in memory, on a given clock; `judge` checks the geometry.
Neither performs input or output. `Completion` connects them to the index and runs in its own thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
import structlog

from config.errors import Permanent
from config.settings import CompletionSettings
from scoring.images import membership
from scoring.images.header.meaning import Meaning
from scoring.images.header.purpose import find_purpose
from scoring.images.traits import Traits
from storage.series.slices import SliceGeometry

log = structlog.get_logger(__name__)

TICK_SECONDS: Final = 0.25
_FEWEST: Final = 3  # slices needed to establish a usual step
_GAP: Final = 1.5  # a larger multiple of the usual step means that a slice is missing


class Holder(Protocol):
    """Something that keeps a series open as long as it is alive: an association."""

    def is_alive(self) -> bool:
        """Return whether it is still alive."""
        ...


@dataclass(slots=True)
class _Timer:
    last: float
    holders: list[Holder] = field(default_factory=list)
    ripe_at: float | None = None


class Watch:
    """Quiet timers of the series being received. Times are seconds of one monotonic clock."""

    def __init__(self, settings: CompletionSettings) -> None:
        self._settings = settings
        self._timers: dict[str, _Timer] = {}
        self._lock = threading.Lock()

    def note_instance(self, series_instance_uid: str, now: float, holder: Holder | None = None) -> None:
        """Restart the timer of a series, which `holder` keeps open while alive."""
        with self._lock:
            timer = self._timers.setdefault(series_instance_uid, _Timer(now))
            timer.last = now
            timer.ripe_at = None
            if holder is not None and holder not in timer.holders:
                timer.holders.append(holder)

    def adopt(self, series_instance_uid: str, now: float) -> None:
        """Start the timer of a series that is not watched yet."""
        with self._lock:
            self._timers.setdefault(series_instance_uid, _Timer(now))

    def list_due(self, now: float) -> list[str]:
        """List series that have been quiet long enough, are not held open, and are not postponed."""
        with self._lock:
            return [uid for uid, timer in self._timers.items() if self._is_due(timer, now)]

    def measure_silence(self, series_instance_uid: str, now: float) -> float:
        """Return the seconds since the last instance; infinite for a series that is not watched."""
        with self._lock:
            timer = self._timers.get(series_instance_uid)
            return float("inf") if timer is None else now - timer.last

    def put_off(self, series_instance_uid: str, until: float) -> None:
        """Postpone a series until `until`, or until the next instance."""
        with self._lock:
            if series_instance_uid in self._timers:
                self._timers[series_instance_uid].ripe_at = until

    def forget(self, series_instance_uid: str, last: float) -> None:
        """Stop watching, unless an instance arrived after `last`."""
        with self._lock:
            timer = self._timers.get(series_instance_uid)
            if timer is not None and timer.last < last:
                del self._timers[series_instance_uid]

    def _is_due(self, timer: _Timer, now: float) -> bool:
        if timer.ripe_at is not None:
            return now >= timer.ripe_at
        timer.holders = [holder for holder in timer.holders if holder.is_alive()]
        quiet = now - timer.last
        needed = self._settings.quiet_seconds
        return quiet >= (max(needed, self._settings.hold_seconds) if timer.holders else needed)


@dataclass(frozen=True, slots=True)
class Regular:
    """No slice seems to be missing."""


@dataclass(frozen=True, slots=True)
class Gap:
    """About `missing` slices are missing inside the series."""

    missing: int

    @property
    def reason(self) -> str:
        """A sentence for the operator."""
        return f"{self.missing} slice{'s' if self.missing > 1 else ''} missing inside the series"


def judge(slices: Sequence[SliceGeometry]) -> Regular | Gap:
    """Look for missing slices: unique positions along the common normal must lie a uniform step apart.

    Positions and orientations are those of the Image Plane Module (PS3.3 C.7.6.2). The images that belong to the
    series are found as for scoring: a localizer, a screen save or monitoring slices neither make a gap nor fill one.
    Multi-frame objects contain their complete geometry and have no gap.
    """
    images = [_describe(item) for item in slices]
    members = membership.find_largest(images).members
    along = membership.list_positions(images, [index for index in members if images[index].has_geometry])
    if len(along) < _FEWEST:
        return Regular()
    steps = np.diff(along)
    usual = float(np.median(steps))
    missing = int(np.sum(np.round(steps[steps > _GAP * usual] / usual) - 1))
    return Gap(missing) if missing else Regular()


def _describe(item: SliceGeometry) -> Traits:
    """What the index knows of an image; the tube voltage is not in it."""
    directions = (item.row_direction, item.column_direction)
    purpose = find_purpose(Meaning(tuple(value.strip().upper() for value in item.image_type)))
    return Traits(
        rows=item.rows or 0,
        columns=item.columns or 0,
        pixel_spacing=item.pixel_spacing,
        orientation=None if None in directions else (*(directions[0] or ()), *(directions[1] or ())),
        position=item.position,
        thickness_mm=item.slice_thickness,
        kernel=item.convolution_kernel,
        frame_of_reference_uid=item.frame_of_reference_uid,
        acquisition_number=item.acquisition_number,
        role="" if purpose is None else purpose.kind,
    )


def _describe_gap(verdict: Regular | Gap) -> list[str]:
    return [verdict.reason] if isinstance(verdict, Gap) else []


def _describe_refused(count: int) -> list[str]:
    """Say that images were refused: at an edge of the scan they leave no gap."""
    return [f"{count} image{'s' if count > 1 else ''} refused at receipt and not stored since"] if count else []


class Completion:
    """Watches the series being received and passes on each complete one.

    `slices` reads the geometry of every object of a series. `complete` takes a series, the number of objects that
    were checked, and its imperfections; it leaves the series alone when more objects have arrived
    meanwhile, since those restart the timer. `refused` counts its images that were refused at receipt and are missing:
    they hold it as a gap does. `wait` records why a series still waits. `clock` is monotonic seconds.
    """

    def __init__(
        self,
        settings: CompletionSettings,
        *,
        clock: Callable[[], float],
        slices: Callable[[str], Sequence[SliceGeometry]],
        refused: Callable[[str], int],
        complete: Callable[[str, int, Sequence[str]], None],
        wait: Callable[[str, float, str], None],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._slices = slices
        self._refused = refused
        self._complete = complete
        self._wait = wait
        self._watch = Watch(settings)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="completion", daemon=True)

    def note_instance(self, series_instance_uid: str, holder: Holder | None = None) -> None:
        """Record that an instance of a series arrived on the association `holder`."""
        self._watch.note_instance(series_instance_uid, self._clock(), holder)

    def watch(self, series_instance_uid: str) -> None:
        """Watch a series that is being received although no instance arrived: after a start, or a rescore."""
        self._watch.adopt(series_instance_uid, self._clock())

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; incomplete series stay in receiving."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def tick(self) -> None:
        """Check every series that is due, once."""
        now = self._clock()
        for series_instance_uid in self._watch.list_due(now):
            try:
                self._look(series_instance_uid, now)
            except Permanent as error:
                log.info("series no longer watched", series=series_instance_uid, reason=str(error))
                self._watch.forget(series_instance_uid, now)
            except Exception:  # one series must not hold up the others
                log.exception("completion check failed; will retry", series=series_instance_uid)

    def _look(self, series_instance_uid: str, now: float) -> None:
        slices = self._slices(series_instance_uid)
        imperfections = [*_describe_gap(judge(slices)), *_describe_refused(self._refused(series_instance_uid))]
        if imperfections:
            left = self._settings.gap_deadline_seconds - self._watch.measure_silence(series_instance_uid, now)
            if left > 0:
                reason = "; ".join(imperfections)
                log.info("series waits for slices", series=series_instance_uid, reason=reason, seconds=round(left))
                self._wait(series_instance_uid, left, reason)
                self._watch.put_off(series_instance_uid, now + left)
                return
        self._complete(series_instance_uid, len(slices), imperfections)
        self._watch.forget(series_instance_uid, now)

    def _run(self) -> None:
        while not self._stop.wait(TICK_SECONDS):
            try:
                self.tick()
            except Exception:  # the edge of the thread: one failure must not end the watch
                log.exception("completion check failed; will retry")
