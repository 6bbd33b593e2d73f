"""One net in training: its steps, its average over steps, its checkpoint."""

from __future__ import annotations

import copy
import math
import os
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from scoring.anatomy.network import Kind
from training.classes import LANDMARKS, NAMES
from training.loss import loss
from training.model import Net, outputs_of
from training.pool import Pool
from training.view import Views, draw

_RATE: Final = 3e-3
_AGAIN: Final = 0.7
_WARM_UP: Final = 100
_LAST: Final = 0.02
_AVERAGE: Final = 0.998
_MOST: Final = 2.0
_AHEAD: Final = 2
"""Batches that are drawn while the net is busy with others."""

_RARE: Final = {"ascending": 2.0, "descending": 2.0, "pulmonary": 2.0, "airway": 2.0, "vein": 2.0, "oesophagus": 2.0}
_COMMON: Final = {"outside": 0.5, "lung": 0.7, "abdomen": 0.7, "wall": 0.6, "other": 0.5}


def choose_device() -> str:
    """Return the device to train on: a GPU where there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def prepare(threads: int) -> None:
    """Set up PyTorch."""
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("high")


def fastest_layout(net: nn.Module, device: str, batch: int) -> torch.memory_format:
    """Return the order of the axes in memory in which a net trains fastest on a device."""
    layouts = (torch.channels_last_3d, torch.contiguous_format)
    if device == "cpu":
        return layouts[0]
    torch.backends.cudnn.benchmark = False
    hu = torch.zeros(batch, 64, 64, 64, device=device)
    seconds = []
    for layout in layouts:
        tried = copy.deepcopy(net).to(device, memory_format=layout)
        for number in range(6):
            if number == 2:
                torch.cuda.synchronize()
                begin = time.monotonic()
            with torch.autocast(device, torch.bfloat16):
                tried(hu).sum().backward()
        torch.cuda.synchronize()
        seconds.append(time.monotonic() - begin)
    # The fastest of a few algorithms for each shape: to try all of them takes as long as hundreds of steps.
    torch.backends.cudnn.benchmark, torch.backends.cudnn.benchmark_limit = True, 4
    return layouts[int(np.argmin(seconds))]


class Trainer:
    """Trains one net of a kind from a seed; `name` is that of its files, `average` its weights as they are shipped."""

    def __init__(
        self,
        kind: Kind,
        seed: int,
        name: str,
        *,
        device: str,
        batch: int,
        start: Path | None = None,
    ) -> None:
        """Begin with random weights, or with those of a file written by `save_average`."""
        torch.manual_seed(seed)
        self.kind, self.name, self.seed, self.device, self.batch = kind, name, seed, device, batch
        self.net = Net(outputs_of(kind))
        if start is not None:
            saved = torch.load(start, weights_only=True)
            self.net.load_state_dict({key: value.float() for key, value in saved.items()})
        self.layout = fastest_layout(self.net, device, batch)
        self.net.to(device, memory_format=self.layout)
        self.rate = _RATE if start is None else _AGAIN * _RATE
        fused = device == "cuda"
        self.optimiser = torch.optim.AdamW(self.net.parameters(), self.rate, weight_decay=1e-3, fused=fused)
        self.average = {key: value.detach().clone() for key, value in self.net.state_dict().items()}
        self.done = self._recent = self._taken = 0
        weights = [_RARE.get(name, _COMMON.get(name, 1.0)) for name in NAMES[kind]]
        self._weight = torch.tensor(weights, device=device)
        self._sum = self._count = torch.zeros((), device=device)
        self._artist = ThreadPoolExecutor(1)
        self._coming: deque[Future[Views]] = deque()

    def step(self, pool: Pool, share: float) -> None:
        """Take one step on views of bodies from a pool; `share`, 0 to 1, is how much of the training is done."""
        while len(self._coming) < _AHEAD:
            self._coming.append(self._artist.submit(self._draw, pool, self.done + len(self._coming)))
        views = self._coming.popleft().result()
        rate = self.rate * min(1, (self._recent + 1) / _WARM_UP) * _cosine(share)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        with torch.autocast(self.device, torch.bfloat16):
            output = self.net(views.hu)
        now = loss(output.float(), views, self._weight)
        self.optimiser.zero_grad()
        now.total.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), _MOST)
        self.optimiser.step()
        self.done += 1
        self._recent += 1
        self._taken += 1
        keep = min(_AVERAGE, self._recent / (self._recent + 20))
        torch._foreach_lerp_(list(self.average.values()), list(self.net.state_dict().values()), 1 - keep)
        self._note(torch.cat([now.total.detach()[None], now.place, now.landmarks, now.dice]))

    @property
    def views(self) -> int:
        """How many views this process has trained the net on."""
        return self._taken * self.batch

    def _draw(self, pool: Pool, number: int) -> Views:
        """Draw the views of a step."""
        rng = np.random.default_rng([self.seed, 17, number])
        return draw(pool.draw(rng, self.batch), self.kind, rng)

    def end(self) -> None:
        """Stop drawing views ahead."""
        self._artist.shutdown(cancel_futures=True)
        self._coming.clear()

    def _note(self, row: Tensor) -> None:
        there = ~row.isnan()
        self._sum = self._sum + torch.where(there, row, 0.0)
        self._count = self._count + there

    def report(self) -> str:
        """Return one line on the steps since the last one."""
        mean = (self._sum / self._count).flatten().tolist()
        self._sum = self._count = torch.zeros((), device=self.device)
        names = ["loss", *(["place", *LANDMARKS] if self.kind == "heart" else []), *NAMES[self.kind]]
        parts = " ".join(f"{name} {value:.3f}" for name, value in zip(names, mean, strict=False))
        return f"{self.name} step {self.done} ({self.done * self.batch} views) {parts}"

    def save_average(self, folder: Path) -> Path:
        """Write the averaged weights in half precision, as they are shipped."""
        path = folder / f"{self.name}.pt"
        _save(path, {key: value.half().cpu() for key, value in self.average.items()})
        return path

    def save(self, folder: Path) -> None:
        """Write a checkpoint."""
        state = {"net": self.net.state_dict(), "optimiser": self.optimiser.state_dict(), "average": self.average}
        _save(folder / f"{self.name}.checkpoint.pt", state | {"done": self.done, "recent": self._recent})

    def restore(self, folder: Path) -> bool:
        """Continue from a checkpoint if there is one."""
        path = folder / f"{self.name}.checkpoint.pt"
        if not path.exists():
            return False
        saved: dict[str, Any] = torch.load(path, weights_only=True, map_location=self.device)
        self.net.load_state_dict(saved["net"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.average, self.done, self._recent = saved["average"], int(saved["done"]), int(saved["recent"])
        return True


def _cosine(share: float) -> float:
    return _LAST + (1 - _LAST) * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))


def _save(path: Path, state: object) -> None:
    partial = path.with_name(path.name + ".part")
    torch.save(state, partial)
    os.replace(partial, path)  # noqa: PTH105
