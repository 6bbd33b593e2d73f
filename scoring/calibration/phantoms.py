"""The shipped phantoms whose scores must not suffer: measured once, kept as cases (`python -m training phantoms`)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from config.errors import CoronodeError
from scoring.calibration.basis import Basis
from scoring.calibration.case import Case
from scoring.calibration.truth import Example, Truth

FILE: Final = "phantoms.zip"
BASIS: Final = "basis.json"
_MOMENT: Final = (2026, 1, 1, 0, 0, 0)


@lru_cache(maxsize=1)
def load_phantoms() -> tuple[Example, ...]:
    """The phantoms with the truth of each candidate, in the order of their seeds.

    Raises CoronodeError when they were measured with other nets, weights or evidence than those of this version.
    """
    content = (files("scoring.calibration") / FILE).read_bytes()
    check_basis(content, Basis.of_shipped())
    return read_phantoms(content)


def check_basis(content: bytes, basis: Basis) -> None:
    """Raise CoronodeError, naming what differs, unless phantoms were measured with these nets, weights and evidence."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        try:
            different = basis.differ(Basis.from_json(archive.read(BASIS)))
        except (KeyError, ValueError):
            different = ["they do not say of what version they are"]
    if different:
        raise CoronodeError(
            f"the phantoms that check a calibration do not belong to this version of the software "
            f"({', '.join(different)}), so that nothing can be fitted: install one release as a whole, or, after a "
            f"change of nets, weights or evidence, measure them again (python -m training phantoms)"
        )


def read_phantoms(content: bytes) -> tuple[Example, ...]:
    """Read what `write_phantoms` wrote."""
    examples = []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in sorted(set(archive.namelist()) - {BASIS}):
            seed, _, marks = Path(name).stem.partition("-")
            case = Case.from_bytes(archive.read(name))
            labels = case.agatston * 0
            labels[[int(mark) for mark in marks.split("_") if mark]] = 1.0
            total = round(float(case.agatston[labels > 0].sum()), 4)
            examples.append(Example(case, Truth(total, {}, labels), f"phantom {int(seed)}"))
    return tuple(examples)


def write_phantoms(path: Path, basis: Basis, measured: Iterable[tuple[int, Case, Iterable[int]]]) -> None:
    """Write seeds with their cases and the candidates that are coronary calcium; equal cases give equal bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(BASIS, _MOMENT), basis.to_json())
        for seed, case, coronary in measured:
            marks = "_".join(str(index) for index in coronary)
            archive.writestr(zipfile.ZipInfo(f"{seed:06}-{marks}.npz", _MOMENT), case.to_bytes())
