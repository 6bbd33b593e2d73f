"""A population of phantoms, each generated, scored and discarded."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from evaluation import matching, workers
from evaluation.record import CODE, Cache, Record, SourcesChanged
from scoring import engine
from scoring.images import slices
from scoring.phantom import draw, make_phantom, write_series


def measure(seed: int, matrix: int | None, code: str, *, hard: bool = False) -> Record:
    """Generate the phantom of a seed (`hard`: with more look-alikes), score its files, and delete them.

    Raises SourcesChanged if this process started with sources other than those of `code`.
    """
    if code != CODE:
        raise SourcesChanged
    phantom = make_phantom(draw(seed, matrix, hard=hard))
    with tempfile.TemporaryDirectory(prefix="accuracy-") as folder:
        paths = write_series(phantom, Path(folder))
        begun = time.perf_counter()
        score = engine.score([paths[0].parent])
        seconds = time.perf_counter() - begun
        planes = {item.sop_instance_uid: item.plane for path in paths for item in slices.read(path)}
    nearest = tuple(tuple(row) for row in matching.nearest_mm(score.lesions, phantom.truth, planes))
    return Record(seed=seed, truth=phantom.truth, score=score, nearest_mm=nearest, seconds=seconds)


def run(seeds: Sequence[int], cache: Cache, jobs: int, *, hard: bool = False) -> tuple[list[Record], dict[int, str]]:
    """Return the records of the seeds, from the cache if present, and the errors of those that failed.

    Raises SourcesChanged, and BrokenProcessPool like `workers.results`; finished records are in the cache by then.
    """
    records = cache.read()
    missing = [seed for seed in seeds if seed not in records]
    failed: dict[int, str] = {}
    work = partial(measure, matrix=cache.matrix, code=cache.code, hard=hard)
    for seed, result in workers.results(work, missing, jobs, "phantoms"):
        if isinstance(result, SourcesChanged):
            raise result
        if isinstance(result, BaseException):
            failed[seed] = f"{type(result).__name__}: {result}"
        else:
            cache.add(result)
            records[seed] = result
    return [records[seed] for seed in seeds if seed in records], failed
