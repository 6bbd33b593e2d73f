"""Work in several processes, with a progress bar."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Item = TypeVar("Item")
Result = TypeVar("Result")


def results(
    work: Callable[[Item], Result], items: Sequence[Item], jobs: int, title: str
) -> Iterator[tuple[Item, Result | BaseException]]:
    """Yield each item with the result of `work` or with its error, as they complete.

    Raises BrokenProcessPool if a process died, for instance because it ran out of memory.
    """
    if not items:
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    # Spawned, so that no process inherits locks or open files.
    pool = ProcessPoolExecutor(min(jobs, len(items)), multiprocessing.get_context("spawn"))
    try:
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task(title, total=len(items))
            futures = {pool.submit(work, item): item for item in items}
            for future in as_completed(futures):
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    raise error
                progress.advance(task)
                yield futures[future], future.result() if error is None else error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
