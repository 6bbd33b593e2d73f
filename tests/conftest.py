"""What every test may use: peer programs, and the rule that where peers are required nothing skips for want of one."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dicom.process import configure_process

configure_process()  # as every program of ours does before it reads

PACKAGES = {"dciodvfy": "dicom3tools", "Orthanc": "orthanc", "node": "nodejs npm"}
"""Debian packages of the programs that do not come with dcmtk."""


@pytest.fixture(scope="session")
def peer_program() -> Callable[[str], str]:
    """Path of a DICOM program, or a skip that says which package brings it."""

    ours = Path(sys.prefix) / "bin"  # where pynetdicom installs programs of the same names
    places = [place for place in os.environ.get("PATH", "").split(os.pathsep) if Path(place) != ours]

    def find(name: str) -> str:
        path = shutil.which(name, path=os.pathsep.join(places))
        if path is None:
            pytest.skip(f"{name} is not installed (Debian: apt-get install {PACKAGES.get(name, 'dcmtk')})")
        return path

    return find


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Fail instead of skipping where REQUIRE_PEERS is set; only reference scans may be absent there."""
    report = yield
    if report.skipped and os.environ.get("REQUIRE_PEERS") and not item.get_closest_marker("realdata"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may skip: {call.excinfo.value}"
    return report
