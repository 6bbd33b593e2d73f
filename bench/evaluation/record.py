"""The result of one phantom, and the file that keeps it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import config
import scoring
from scoring.phantom import Truth
from scoring.result import Score


class SourcesChanged(Exception):
    """The sources were edited while results were made: those of a run must be of one code."""


@dataclass(frozen=True, slots=True)
class Record:
    """One phantom: its truth, its score without the voxels, and how long scoring took.

    `nearest_mm` has one row a lesion of the score, with one distance a calcification of the truth (`matching`).
    """

    seed: int
    truth: Truth
    score: Score
    nearest_mm: tuple[tuple[float, ...], ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold; truth and score as they write themselves."""
        lesions = tuple(dataclasses.replace(item, runs=(), images=()) for item in self.score.lesions)
        return {
            "seed": self.seed,
            "seconds": round(self.seconds, 3),
            "nearest_mm": self.nearest_mm,
            "truth": json.loads(self.truth.to_json()),
            "score": dataclasses.replace(self.score, lesions=lesions).to_dict(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read what `to_dict` gave; raises ValueError or KeyError for anything else."""
        return cls(
            seed=values["seed"],
            truth=Truth.from_json(json.dumps(values["truth"])),
            score=Score.from_json(json.dumps(values["score"])),
            nearest_mm=tuple(tuple(row) for row in values["nearest_mm"]),
            seconds=values["seconds"],
        )


@dataclass(frozen=True, slots=True)
class Cache:
    """Records in a folder, of one matrix and of this very code; those of other code stay there and are not read."""

    folder: Path
    matrix: int | None
    code: str

    @property
    def path(self) -> Path:
        """The file: one JSON object a line."""
        return self.folder / "phantoms.jsonl"

    def read(self) -> dict[int, Record]:
        """The records by seed, without lines that are torn or belong to other code or another matrix."""
        known: dict[int, Record] = {}
        if not self.path.exists():
            return known
        for line in self.path.read_text("utf-8").splitlines():
            try:
                values = json.loads(line)
                ours = (values["code"], values["matrix"]) == (self.code, self.matrix)
                record = Record.from_dict(values["record"]) if ours else None
            except (KeyError, TypeError, ValueError):
                continue
            if record is not None:
                known[record.seed] = record
        return known

    def add(self, record: Record) -> None:
        """Append a record, on a line of its own also where a killed run left half a line."""
        self.folder.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"code": self.code, "matrix": self.matrix, "record": record.to_dict()}, allow_nan=False)
        with self.path.open("a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                line = line if file.read(1) == b"\n" else f"\n{line}"
            file.write(f"{line}\n".encode())


def code() -> str:
    """A digest of the sources that decide a result: all of `scoring` but the report, and `config`."""
    digest = hashlib.sha256()
    for package in (scoring, config):
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if not name.startswith("report/"):
                digest.update(f"{root.name}/{name}\n".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


CODE: Final = code()
"""The digest of this process, of when it began."""
