"""A whole training in a given time: paint, train, export, measure."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
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
_FIRST: Final = 16
_END_S: Final = 45.0
"""Time kept for export and measurement."""

_LATE_S: Final = 20.0
_GPU_SHARE: Final = 0.25
_GPU_BATCH: Final = 16
_CPU_BYTES: Final = 1.5e9

Named = tuple[Kind, int, str]
"""A net: its kind, the seed of its training, the name of its files."""


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

    def __init__(self, path: Path, begin: float) -> None:
        self.begin = begin
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
    say = Log(plan.out / "training.log", time.monotonic())
    device = choose_device()
    end = say.begin + 60 * plan.minutes
    named = _names(plan)
    # Each net has a process of its own: one interpreter could not keep a GPU busy with all of them.
    context = multiprocessing.get_context("spawn")
    work = [(plan, *net, say.begin, end - min(_END_S, 12 * plan.minutes)) for net in named]
    processes = [context.Process(target=_train, args=arguments, daemon=True) for arguments in work]
    with _guard(end + _LATE_S, say, processes):
        with Painters(plan.folder, interleave(plan.held_out, plan.bodies), plan.jobs):
            say(f"training on {torch.cuda.get_device_name() if device == 'cuda' else 'CPU'}, {plan.jobs} painters")
            for process in processes:
                process.start()
            for process in processes:
                process.join()
        failed = [name for (_, _, name), process in zip(named, processes, strict=True) if process.exitcode]
        _finish(plan, [net for net in named if (plan.out / f"{net[2]}.pt").exists()], say)
        if failed:
            raise RuntimeError(f"the training of {', '.join(failed)} failed: see above")


def _names(plan: Plan) -> list[Named]:
    hearts: list[Named] = [("heart", seed, f"heart-{number}") for number, seed in enumerate(plan.seeds, 1)]
    return [*hearts, ("chest", plan.seeds[0], "chest")]


def _train(plan: Plan, kind: Kind, seed: int, name: str, begin: float, end: float) -> None:
    """Train one net until the time is over, or as many steps as planned."""
    say, device = Log(plan.out / "training.log", begin), choose_device()
    prepare(2 if device == "cuda" else 1)
    start = plan.start / f"{name}.pt" if plan.start else None
    batch = plan.batch or (_GPU_BATCH if device == "cuda" else 2)
    trainer = Trainer(kind, seed, name, device=device, batch=batch, start=start if start and start.exists() else None)
    trainer.restore(plan.folder)
    limit = _GPU_SHARE * torch.cuda.mem_get_info()[1] if device == "cuda" else _CPU_BYTES
    pool = Pool(plan.folder, kind, device, limit)
    try:
        _take_steps(trainer, pool, end, plan, say)
    finally:
        trainer.end()
        trainer.save_average(plan.out)
        pool.end()


def _take_steps(trainer: Trainer, pool: Pool, end: float, plan: Plan, say: Log) -> None:
    pool.wait(min(_FIRST, plan.bodies // 3))
    start = reported = saved = time.monotonic()
    first = trainer.done
    say(f"{trainer.name}: first step with {len(pool)} bodies, {trainer.layout}")
    while (now := time.monotonic()) < end and (plan.steps is None or trainer.done < plan.steps):
        # A training of so many steps may take several sittings; without a number, this one ends it.
        trainer.step(pool, trainer.done / plan.steps if plan.steps else (now - start) / (end - start))
        if now - reported > _REPORT_S or trainer.done == first + 1:
            reported = now
            _report(trainer, pool, now - start, say)
        if now - saved > _SAVE_S:
            saved = now
            trainer.save_average(plan.out)
            trainer.save(plan.folder)
    trainer.save(plan.folder)
    _report(trainer, pool, time.monotonic() - start, say)


def _report(trainer: Trainer, pool: Pool, seconds: float, say: Log) -> None:
    memory = torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else 0.0
    say(f"{trainer.report()} | {trainer.views / max(seconds, 1e-3):.1f} views/s, {len(pool)} bodies, {memory:.1f} GB")


def _finish(plan: Plan, named: list[Named], say: Log) -> None:
    """Export every net, and measure them on the bodies that were held out."""
    nets: dict[Kind, list[Network]] = {"heart": [], "chest": []}
    for kind, _, name in named:
        path = plan.out / f"{name}.onnx"
        average = torch.load(plan.out / f"{name}.pt", weights_only=True)
        weights = {key: value.float().numpy() for key, value in average.items()}
        digest = export.write(kind, weights, path, windows=WINDOWS, slope=SLOPE)
        nets[kind].append(Network(path.read_bytes()))
        say(f"{path.name}: {digest}")
    tables = []
    for kind, several in ((kind, several) for kind, several in nets.items() if several):
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
def _guard(end: float, say: Log, processes: Sequence[SpawnProcess]) -> Iterator[None]:
    """End the process when its time is over, whatever it hangs in: the averages of the last minute are there."""

    def leave() -> None:
        say("out of time")
        for process in processes:
            process.kill()
        os._exit(3)

    timer = threading.Timer(max(0.0, end - time.monotonic()), leave)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
