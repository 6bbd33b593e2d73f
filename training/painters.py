"""Processes that paint bodies while a training goes on."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from scoring.anatomy.network import Kind
from training import body

Task = tuple[Kind, int]

_FIRST: Final = 90


class Painters:
    """Paint tasks (kind, seed) into a folder with `jobs` processes, in order, until the tasks or the block end."""

    def __init__(self, folder: Path, tasks: list[Task], jobs: int) -> None:
        # Each process paints on one core: linear algebra threads would only wait for each other.
        os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        folder.mkdir(parents=True, exist_ok=True)
        context = multiprocessing.get_context("spawn")
        self._queue: Any = context.Queue()
        for task in tasks:
            self._queue.put(task)
        self._processes = [context.Process(target=_paint, args=(folder, self._queue), daemon=True) for _ in range(jobs)]

    def __enter__(self) -> Self:
        for process in self._processes:
            process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()
        self._queue.cancel_join_thread()

    def join(self) -> None:
        """Wait until all is painted."""
        for process in self._processes:
            process.join()


def interleave(held_out: int, bodies: int) -> list[Task]:
    """Return tasks in the order in which a training needs them: few first bodies, some held out, then the rest.

    The heart has two nets and its views are harder: it gets a body of every seed, the chest one of every second.
    """
    measured: list[Task] = [(kind, body.HELD_OUT + number) for number in range(held_out) for kind in ("heart", "chest")]
    training, first = _training(), min(_FIRST, bodies)
    return [*islice(training, first), *measured, *islice(training, bodies - first)]


def _training() -> Iterator[Task]:
    for seed in count():
        yield "heart", seed
        if seed % 2 == 0:
            yield "chest", seed


def _paint(folder: Path, queue: Any) -> None:
    os.nice(5)
    while True:
        try:
            kind, seed = queue.get(timeout=1)
        except Exception:  # noqa: BLE001 - of whatever class the queue's end is: nothing is left to paint
            return
        body.paint_if_missing(kind, folder, seed)
