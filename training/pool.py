"""Bodies from a folder that may still grow, held ready on the device that renders views of them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scoring.anatomy.network import Kind
from training.body import HELD_OUT, Body, seed_of

_LOOK_S: Final = 0.5
_USES: Final = 4
"""How often a body is used on average before it makes room for another, where not all of them fit."""


@dataclass(frozen=True, slots=True)
class Held:
    """A `Body` whose arrays lie on a device; its points stay with the processor."""

    hu: Tensor
    tissue: Tensor
    near: Tensor
    low: NDArray[np.float64]
    step: float
    deposits: NDArray[np.float32]
    landmarks: NDArray[np.float64]

    @classmethod
    def of(cls, body: Body, device: str) -> Self:
        """Move a body's arrays to a device."""
        hu, tissue, near = (torch.from_numpy(array).to(device) for array in (body.hu, body.tissue, body.near))
        return cls(hu, tissue, near, body.low, float(body.step), body.deposits, body.landmarks)

    @property
    def size(self) -> int:
        """Bytes on the device."""
        return sum(array.numel() * array.element_size() for array in (self.hu, self.tissue, self.near))


class Pool:
    """Up to `limit` bytes of the bodies of one kind in a folder; a thread fetches them, new ones too."""

    def __init__(self, folder: Path, kind: Kind, device: str, limit: float) -> None:
        self.folder, self.kind, self.device, self.limit = folder, kind, device, limit
        self._held: dict[Path, Held] = {}
        self._size, self._drawn = 0, 0
        self._ended = threading.Event()
        self._random = np.random.default_rng(0)
        self._thread = threading.Thread(target=self._fetch, daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._held)

    def wait(self, count: int) -> None:
        """Wait until there are `count` bodies, or all that there is room for."""
        while len(self) < count and self._thread.is_alive() and self._size < self.limit:
            time.sleep(0.05)
        if not self._held:
            raise FileNotFoundError(f"no bodies for {self.kind} in {self.folder}")

    def draw(self, rng: np.random.Generator, count: int) -> list[Held]:
        """Draw some bodies."""
        held = list(self._held.values())
        self._drawn += count
        return [held[number] for number in rng.integers(len(held), size=count)]

    def end(self) -> None:
        """Stop fetching."""
        self._ended.set()
        self._thread.join()

    def _fetch(self) -> None:
        while not self._ended.is_set():
            files = {path for path in self.folder.glob(f"{self.kind}-*[0-9].npz") if seed_of(path) < HELD_OUT}
            missing = sorted(files - self._held.keys())
            for path in missing:
                if self._size >= self.limit:
                    break
                self._add(path)
                if self._ended.is_set():
                    return
            else:
                self._ended.wait(_LOOK_S)
                continue
            self._replace(missing)

    def _add(self, path: Path) -> None:
        body = Held.of(Body.read(path), self.device)
        self._held = self._held | {path: body}
        self._size += body.size

    def _replace(self, missing: list[Path]) -> None:
        """Let bodies that were used make room for others, at random."""
        if self._drawn < _USES:
            self._ended.wait(0.01)
            return
        self._drawn -= _USES
        paths = sorted(self._held)
        gone = paths[int(self._random.integers(len(paths)))]
        held = dict(self._held)
        self._size -= held.pop(gone).size
        self._held = held
        self._add(missing[int(self._random.integers(len(missing)))])
