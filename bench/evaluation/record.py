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
    """The sources were edited during a run, whose results must all come from one version of the code."""


@dataclass(frozen=True, slots=True)
class Record:
    """One phantom: its truth, its score without the voxels, and the scoring time.

    `nearest_mm` has one row per lesion of the score, with one distance per calcification of the truth (`matching`).
    """

    seed: int
    truth: Truth
    score: Score
    nearest_mm: tuple[tuple[float, ...], ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON types; truth and score in their own JSON form."""
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
        """Read the output of `to_dict`; raise ValueError or KeyError for anything else."""
        return cls(
            seed=values["seed"],
            truth=Truth.from_json(json.dumps(values["truth"])),
            score=Score.from_json(json.dumps(values["score"])),
            nearest_mm=tuple(tuple(row) for row in values["nearest_mm"]),
            seconds=values["seconds"],
        )


@dataclass(frozen=True, slots=True)
class Cache:
    """Records in a folder, of one matrix and one version of the code; those of other versions are kept but ignored."""

    folder: Path
    matrix: int | None
    code: str

    @property
    def path(self) -> Path:
        """The file: one JSON object per line."""
        return self.folder / "phantoms.jsonl"

    def read(self) -> dict[int, Record]:
        """Return the records by seed, ignoring incomplete lines and those of other code or another matrix."""
        records: dict[int, Record] = {}
        if not self.path.exists():
            return records
        for line in self.path.read_text("utf-8").splitlines():
            try:
                values = json.loads(line)
                ours = (values["code"], values["matrix"]) == (self.code, self.matrix)
                record = Record.from_dict(values["record"]) if ours else None
            except (KeyError, TypeError, ValueError):
                continue
            if record is not None:
                records[record.seed] = record
        return records

    def add(self, record: Record) -> None:
        """Append a record, on a new line even if a killed run left an incomplete one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"code": self.code, "matrix": self.matrix, "record": record.to_dict()}, allow_nan=False)
        with self.path.open("a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                line = line if file.read(1) == b"\n" else f"\n{line}"
            file.write(f"{line}\n".encode())


def code() -> str:
    """Return a digest of the sources that determine a result: all of `scoring` except the report, and `config`."""
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
"""The digest at the start of this process."""
