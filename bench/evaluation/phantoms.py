"""A population of phantoms, each made, scored and thrown away."""

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


def measure(seed: int, matrix: int | None, code: str) -> Record:
    """Make the phantom of a seed, score its files, and delete them.

    Raises SourcesChanged where this process began with other sources than those of `code`.
    """
    if code != CODE:
        raise SourcesChanged
    made = make_phantom(draw(seed, matrix))
    with tempfile.TemporaryDirectory(prefix="accuracy-") as folder:
        paths = write_series(made, Path(folder))
        begun = time.perf_counter()
        score = engine.score([paths[0].parent])
        seconds = time.perf_counter() - begun
        planes = {item.sop_instance_uid: item.plane for path in paths for item in slices.read(path)}
    nearest = tuple(tuple(row) for row in matching.nearest_mm(score.lesions, made.truth, planes))
    return Record(seed=seed, truth=made.truth, score=score, nearest_mm=nearest, seconds=seconds)


def run(seeds: Sequence[int], cache: Cache, jobs: int) -> tuple[list[Record], dict[int, str]]:
    """The records of the seeds, from the cache where they are there, and the errors of those that failed.

    Raises SourcesChanged, and BrokenProcessPool as `workers.results` does; what was made until then is in the cache.
    """
    known = cache.read()
    missing = [seed for seed in seeds if seed not in known]
    failed: dict[int, str] = {}
    work = partial(measure, matrix=cache.matrix, code=cache.code)
    for seed, result in workers.results(work, missing, jobs, "phantoms"):
        if isinstance(result, SourcesChanged):
            raise result
        if isinstance(result, BaseException):
            failed[seed] = f"{type(result).__name__}: {result}"
        else:
            cache.add(result)
            known[seed] = result
    return [known[seed] for seed in seeds if seed in known], failed
