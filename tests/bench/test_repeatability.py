"""Two scans of a patient in a table, and calcium by itself."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from scoring.phantom.spec import Calcification, PhantomSpec

from .conftest import BENCH


@pytest.fixture(scope="module")
def bench():
    """Import a module of bench."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCH))
        yield importlib.import_module


def cells(text: str, row: int) -> list[str]:
    return [cell.strip() for cell in text.splitlines()[row + 2].strip("|").split("|")]


def test_the_table_by_hand(bench) -> None:
    room = bench("repeatability")
    # means of 20 and 200; differences of 10 in 20, then of 20 and 0 in 200
    pairs = [
        room.Pair((25.0, 15.0), (3.0, 1.0), (2.0, 2.0)),
        room.Pair((190.0, 210.0), (9.0, 11.0), (1.0, 1.0)),
        room.Pair((200.0, 200.0), (1.0, 1.0), (1.0, 1.0)),
    ]
    text = room.markdown(pairs, 5.0)
    small, large = cells(text, 0), cells(text, 1)
    # variance / score: 10^2 / 2 / 20 = 2.5
    assert small == ["1-30", "1", "50.0 %", "61 %", "100.0 %", "0.0 %", "1.58", "1.67", "1 of 1"]
    # (20^2 / 2 / 200 + 0) / 2 = 0.5
    assert large == ["101-400", "2", "5.0 %", "16 %", "10.0 %", "0.0 %", "0.71", "1.67", "2 of 2"]
    assert len(text.splitlines()) == 4


def test_a_patient_lies_elsewhere_each_time_and_loses_no_calcium(bench) -> None:
    piece = Calcification("LAD", 0.3, 3.0, 800.0, 8.0)
    patient = bench("evaluation.deposits").Patient.of(PhantomSpec(seed=3, calcifications=(piece,)))
    rng = np.random.default_rng(0)
    scans = [bench("repeatability").position(patient, 3.0, 0.0, rng) for _ in range(2)]
    assert scans[0].pose != scans[1].pose
    assert scans[0].z[0] != scans[1].z[0]
    (deposit,) = patient.deposits
    for scan in scans:
        _, added = patient.render(scan)
        amount = float(added.sum(dtype=np.float64) * np.prod(scan.spacing_mm))
        assert amount == pytest.approx(deposit.volume_mm3 * deposit.hu, rel=0.03)
