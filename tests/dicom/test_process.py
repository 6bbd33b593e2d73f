"""One call when a process starts, seen alike by all its threads; no reading changes anything afterwards."""

from __future__ import annotations

import subprocess
import sys
import threading
import warnings
from pathlib import Path

from pydicom import config
from pydicom.dataset import Dataset

from scoring.images import series, slices

FRESH = """
import sys, warnings
from pydicom import config
from dicom.process import configure_process
before = len(warnings.filters)
for _ in range(3):
    configure_process()
print(config.settings.reading_validation_mode == config.IGNORE, len(warnings.filters) - before)
"""


def written(path: Path) -> Path:
    """A header whose every other value is invalid."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.StudyInstanceUID = "1.2.03", "x", "1.02.3"
    dataset.PatientBirthDate, dataset.KVP, dataset.Rows, dataset.Columns = "1960.31.12", "1", 4, 4
    dataset.save_as(path, implicit_vr=True, little_endian=True)
    return path


def test_a_second_call_changes_nothing():
    run = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "1"]


def test_overlapping_reads_leave_the_process_as_it_was(tmp_path):
    path = written(tmp_path / "odd.dcm")
    settings = config.settings
    before = (list(warnings.filters), settings.reading_validation_mode, settings.writing_validation_mode)
    seen = []
    both = threading.Barrier(2)

    def read() -> None:
        both.wait()
        seen.extend(
            (len(slices.read(path)), len(series.group([path])), settings.reading_validation_mode) for _ in range(20)
        )

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) == {(1, 1, config.IGNORE)}
    assert (list(warnings.filters), settings.reading_validation_mode, settings.writing_validation_mode) == before
