"""The node scores with the calibration that is adopted when a series is scored."""

from __future__ import annotations

import pytest

from config.errors import Transient
from scoring.judgement.calibration import Calibration
from scoring.judgement.hypotheses import load_weights
from scp.work.worker import _read_calibration


def test_the_scoring_process_reads_it():
    made = Calibration("site", load_weights())
    assert _read_calibration(made.to_json()) == made
    assert _read_calibration(None) is None


def test_one_that_cannot_be_read_lets_series_wait():
    with pytest.raises(Transient, match="calibration cannot be read"):
        _read_calibration("{}")
