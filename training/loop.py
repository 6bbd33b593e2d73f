"""The training loop, with checkpoints and a log."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from scoring.anatomy.network import Kind
from training import classes, view
from training.body import Body
from training.loss import IGNORED, loss
from training.model import Net

Batch = tuple[Tensor, Tensor, Tensor]

_RATE: Final = 3e-3
_WARM_UP: Final = 100
_LAST: Final = 0.02
_REPORT: Final = 50
_AVERAGE: Final = 0.998
_MULTIPLE: Final = 8
_LARGE: Final = 250_000
_RARE: Final = {"ascending": 2.0, "descending": 2.0, "pulmonary": 2.0, "airway": 2.0, "vein": 2.0, "oesophagus": 2.0}
_COMMON: Final = {"outside": 0.5, "lung": 0.7, "abdomen": 0.7, "wall": 0.6, "other": 0.5}


class Views(IterableDataset[Batch]):  # type: ignore[misc]
    """An endless stream of batches of random views of the bodies in a folder; small views come in pairs."""

    def __init__(self, folder: Path, kind: Kind, seed: int) -> None:
        self.folder, self.kind, self.seed = folder, kind, seed

    def __iter__(self) -> Iterator[Batch]:
        rng = np.random.default_rng([self.seed, 17])
        files: list[Path] = []
        for number in range(10**9):
            if number % 50 == 0:
                files = sorted(self.folder.glob(f"{self.kind}-*[0-9].npz"))
            views = [self._draw_view(files, rng)]
            if views[0].label.size < _LARGE:
                views.append(self._draw_view(files, rng))
            yield _stack(views)

    def _draw_view(self, files: list[Path], rng: np.random.Generator) -> view.View:
        return view.draw(Body.read(files[int(rng.integers(len(files)))]), self.kind, rng)


def _stack(views: list[view.View]) -> Batch:
    sides = np.max([v.hu.shape for v in views], axis=0)
    shape = tuple(int(-(-side // _MULTIPLE) * _MULTIPLE) for side in sides)
    hu = np.full((len(views), *shape), -1024, np.float32)
    label = np.full((len(views), *shape), IGNORED, np.int64)
    field = np.zeros((len(views), views[0].field.shape[0], *shape), np.float32)
    for number, v in enumerate(views):
        z, y, x = v.hu.shape
        hu[number, :z, :y, :x], label[number, :z, :y, :x], field[number, :, :z, :y, :x] = v.hu, v.label, v.field
    return torch.from_numpy(hu), torch.from_numpy(label), torch.from_numpy(field)


def train(kind: Kind, bodies: Path, out: Path, *, steps: int, seed: int, log: Path, threads: int = 1) -> None:
    """Train the net `kind` for a number of steps; continue from the checkpoint next to `out` if there is one."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    names = classes.NAMES[kind]
    weight = torch.tensor([_RARE.get(n, _COMMON.get(n, 1.0)) for n in names])
    net = Net(len(names), len(classes.FIELDS) if kind == "heart" else 0).to(memory_format=torch.channels_last_3d)
    optimiser = torch.optim.AdamW(net.parameters(), _RATE, weight_decay=1e-3)
    average = {k: v.clone() for k, v in net.state_dict().items()}
    checkpoint, first = out.with_suffix(".checkpoint.pt"), 0
    if checkpoint.exists():
        saved: dict[str, Any] = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(saved["net"])
        optimiser.load_state_dict(saved["optimiser"])
        average, first = saved["average"], int(saved["step"])
    batches = iter(DataLoader(Views(bodies, kind, seed + first), batch_size=None, num_workers=1, prefetch_factor=4))
    start, waited = time.monotonic(), 0.0
    recent: list[NDRow] = []
    for step in range(first, steps):
        for group in optimiser.param_groups:
            group["lr"] = _RATE * min(1, (step + 1) / _WARM_UP) * _cosine(step / steps)
        before = time.monotonic()
        hu, label, field = next(batches)
        waited += time.monotonic() - before
        with torch.autocast("cpu", torch.bfloat16):
            output = net(hu)
        total, dice, error = loss(output.float(), label, field, weight)
        optimiser.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimiser.step()
        keep = min(_AVERAGE, (step + 1) / (step + 21))
        for key, value in net.state_dict().items():
            average[key].lerp_(value, 1 - keep)
        recent.append([float(total.detach()), *dice.tolist(), *error.tolist()])
        if (step + 1) % _REPORT == 0 or step + 1 == steps:
            seconds = time.monotonic() - start
            _report(log, step + 1, recent, f"{seconds:.0f} s, waited {waited:.0f} s", names, kind)
            recent.clear()
            state = {"net": net.state_dict(), "optimiser": optimiser.state_dict(), "average": average, "step": step + 1}
            _save(checkpoint, state)
    _save(out, average)


NDRow = list[float]


def _cosine(share: float) -> float:
    return _LAST + (1 - _LAST) * 0.5 * (1 + math.cos(math.pi * share))


def _save(path: Path, state: object) -> None:
    partial = path.with_name(path.name + ".part")
    torch.save(state, partial)
    partial.replace(path)


def _report(log: Path, step: int, rows: list[NDRow], clock: str, names: tuple[str, ...], kind: Kind) -> None:
    with np.errstate(all="ignore"):
        mean = np.nanmean(np.array(rows), axis=0)
    dice = " ".join(f"{n} {v:.2f}" for n, v in zip(names, mean[1:], strict=False))
    rest = mean[1 + len(names) :]
    errors = " ".join(f"{n} {v:.4f}" for n, v in zip(classes.FIELDS, rest, strict=False)) if kind == "heart" else ""
    with log.open("a") as file:
        file.write(f"step {step} ({clock}) loss {mean[0]:.3f} Dice {dice} {errors}\n")
