"""A whole training in a given time: paint, train, export, measure."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from scoring.anatomy.network import Ensemble, Kind, Network
from training import export, metrics
from training.body import HELD_OUT, Body, path_of
from training.loop import Trainer, choose_device, prepare
from training.model import SLOPE, WINDOWS
from training.painters import Painters, interleave
from training.pool import Pool

_REPORT_S: Final = 30.0
_SAVE_S: Final = 60.0
_FIRST: Final = 24
_END_S: Final = 45.0
"""Time kept for export and measurement."""

_LATE_S: Final = 20.0
_GPU_SHARE: Final = 0.3
_CPU_BYTES: Final = 1.5e9


@dataclass(frozen=True, slots=True)
class Plan:
    """A training: where bodies and checkpoints lie, where results go, how long it may take, seeds of the heart nets."""

    folder: Path
    out: Path
    minutes: float
    seeds: tuple[int, ...]
    jobs: int
    bodies: int
    held_out: int
    start: Path | None = None
    batch: int | None = None
    steps: int | None = None


class Log:
    """Lines with the seconds since the beginning, on the console and in a file."""

    def __init__(self, path: Path) -> None:
        self.begin = time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path

    def __call__(self, text: str) -> None:
        """Write a line."""
        line = f"{time.monotonic() - self.begin:7.1f} s  {text}"
        print(line, flush=True)  # noqa: T201 - what a command says
        with self._path.open("a") as file:
            file.write(line + "\n")


def run(plan: Plan) -> None:
    """Train the chest net and a heart net for each seed; what is there at the end is exported and measured."""
    say = Log(plan.out / "training.log")
    device = choose_device()
    prepare(device, 4 if device == "cuda" else 1)
    end = say.begin + 60 * plan.minutes
    with _guard(end + _LATE_S, say):
        with Painters(plan.folder, interleave(plan.held_out, plan.bodies), plan.jobs):
            say(f"training on {torch.cuda.get_device_name() if device == 'cuda' else 'CPU'}, {plan.jobs} painters")
            trainers, pools = _trainers(plan, device), _pools(plan, device)
            try:
                _train(trainers, pools, end - min(_END_S, 12 * plan.minutes), plan, say)
            finally:
                for trainer in trainers:
                    trainer.end()
                    trainer.save_average(plan.out)
                for pool in pools.values():
                    pool.end()
        _finish(trainers, plan, say)


def _trainers(plan: Plan, device: str) -> list[Trainer]:
    batch = plan.batch or (8 if device == "cuda" else 2)

    def make(kind: Kind, seed: int, name: str) -> Trainer:
        start = plan.start / f"{name}.pt" if plan.start else None
        trainer = Trainer(
            kind, seed, name, device=device, batch=batch, start=start if start and start.exists() else None
        )
        trainer.restore(plan.folder)
        return trainer

    hearts = [make("heart", seed, f"heart-{number}") for number, seed in enumerate(plan.seeds, 1)]
    return [*hearts, make("chest", plan.seeds[0], "chest")]


def _pools(plan: Plan, device: str) -> dict[Kind, Pool]:
    limit = _GPU_SHARE * torch.cuda.mem_get_info()[1] if device == "cuda" else _CPU_BYTES
    kinds: tuple[Kind, ...] = ("heart", "chest")
    return {kind: Pool(plan.folder, kind, device, limit) for kind in kinds}


def _train(trainers: list[Trainer], pools: dict[Kind, Pool], end: float, plan: Plan, say: Log) -> None:
    """Take steps in turn, the heart nets twice as many as the chest net, until the time is over."""
    for pool in pools.values():
        pool.wait(min(_FIRST, plan.bodies // 3))
    start = reported = saved = time.monotonic()
    say(f"first step with {', '.join(f'{len(pool)} bodies of the {kind}' for kind, pool in pools.items())}")
    number = 0
    while (now := time.monotonic()) < end and (plan.steps is None or trainers[0].done < plan.steps):
        share = max((now - start) / (end - start), trainers[0].done / plan.steps if plan.steps else 0)
        for trainer in trainers:
            if trainer.kind == "heart" or number % 2 == 0:
                trainer.step(pools[trainer.kind], share)
        number += 1
        if now - reported > _REPORT_S or number in (1, 10):
            reported = now
            _report(trainers, pools, now - start, say)
        if now - saved > _SAVE_S:
            saved = now
            for trainer in trainers:
                trainer.save_average(plan.out)
                trainer.save(plan.folder)
    for trainer in trainers:
        trainer.save(plan.folder)
    _report(trainers, pools, time.monotonic() - start, say)


def _report(trainers: list[Trainer], pools: dict[Kind, Pool], seconds: float, say: Log) -> None:
    views = sum(trainer.views for trainer in trainers)
    bodies = ", ".join(f"{kind} {len(pool)}" for kind, pool in pools.items())
    memory = torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else 0.0
    say(f"{views / max(seconds, 1e-3):.1f} views/s, bodies: {bodies}, {memory:.1f} GB")
    for trainer in trainers:
        say(trainer.report())


def _finish(trainers: list[Trainer], plan: Plan, say: Log) -> None:
    """Export every net, and measure them on the bodies that were held out."""
    nets: dict[Kind, list[Network]] = {"heart": [], "chest": []}
    for trainer in trainers:
        path = plan.out / f"{trainer.name}.onnx"
        weights = {key: value.half().float().cpu().numpy() for key, value in trainer.average.items()}
        digest = export.write(trainer.kind, weights, path, windows=WINDOWS, slope=SLOPE)
        nets[trainer.kind].append(Network(path.read_bytes()))
        say(f"{path.name}: {digest}")
    tables = []
    for kind, several in nets.items():
        seeds = range(HELD_OUT, HELD_OUT + plan.held_out)
        bodies = [
            Body.read(path_of(plan.folder, kind, seed)) for seed in seeds if path_of(plan.folder, kind, seed).exists()
        ]
        say(f"measuring {kind} on {len(bodies)} bodies")
        with ThreadPoolExecutor(plan.jobs) as workers:
            measured = metrics.measure(Ensemble(tuple(several)), kind, bodies, mapper=workers.map)
        tables.append(metrics.table(measured, kind))
    (plan.out / "measures.md").write_text("\n".join(tables))
    for line in "\n".join(tables).splitlines():
        say(line)


@contextmanager
def _guard(end: float, say: Log) -> Iterator[None]:
    """End the process when its time is over, whatever it hangs in: the averages of the last minute are there."""

    def leave() -> None:
        say("out of time")
        os._exit(3)

    timer = threading.Timer(max(0.0, end - time.monotonic()), leave)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
