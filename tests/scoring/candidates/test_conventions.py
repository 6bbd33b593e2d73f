"""The table of the conventions side by side: made rightly, and the one that the documents show."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

from scoring.candidates import conventions
from scoring.images.volume import Volume
from scoring.result import ImageRef

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def bench():
    spec = spec_from_file_location("bench_conventions", ROOT / "bench" / "conventions.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def scan(hu) -> Volume:
    images = tuple(ImageRef(z, f"1.2.{z}") for z in range(len(hu)))
    return Volume(hu, (3.0, 0.5, 0.5), (-10.0, -20.0, 30.0), np.eye(3)[:, ::-1].copy(), images)


@pytest.mark.parametrize("middle", [(5, 20, 20), (0, 0, 39)])
def test_a_ball_has_its_radius_also_at_the_border(bench, middle) -> None:
    volume = scan(np.zeros((10, 40, 40), dtype=np.int16))
    inside = bench.ball(volume, volume.to_patient(np.array(middle)))
    away = np.linalg.norm((np.indices(volume.hu.shape).T - middle) * volume.spacing_mm, axis=-1).T
    assert np.array_equal(inside, away <= 7.0)


def test_conventions_side_by_side(bench) -> None:
    hu = np.full((4, 20, 40), 40, dtype=np.int16)
    hu[1, 2:4, 2:4] = 150  # 1 mm2: too small where more than that is asked for
    hu[1, 2:6, 22:26] = 250  # 4 mm2, weight 2
    left = np.arange(40) < 20
    masks = [np.broadcast_to(left, hu.shape), np.broadcast_to(~left, hu.shape)]
    rows = [line.strip("| ").split(" | ") for line in bench.table(scan(hu), masks, 120.0)]
    assert len({len(row) for row in rows}) == 1
    told = {row[0].strip("`"): row[1:] for row in rows[2:]}
    assert list(told) == list(conventions.PRESETS)
    assert told["standard"] == ["9.00", "none", "1.00", "none", "15.00", "none"]
    assert told["ge"] == ["8.00", "-11.11 %", "0.00", "-100.00 %", "12.00", "-20.00 %"]
    assert told["philips"] == told["standard"]


@pytest.mark.realdata
def test_documents_show_the_measured_table(ct, bench) -> None:
    folder = ct.reference / "qrm"
    if not folder.is_dir():
        pytest.skip(f"the QRM scan is not at {folder}")
    assert "\n".join(bench.table(*bench.inserts(folder))) in (ROOT / "docs" / "scoring.md").read_text("utf-8")
