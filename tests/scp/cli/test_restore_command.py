"""`coronode series` tells of rejected objects, and takes them back on an operator's word."""

from __future__ import annotations

from contextlib import closing

import pytest

from config.settings import Settings
from scp.installation import Installation
from storage.database.opening import open_database
from storage.objects.opening import open_files
from storage.series import rejecting, rejections, slices
from storage.series.priors import Person
from storage.series.rejections import Reference, RejectionNote

SERIES = "1.2.1.1"


@pytest.fixture
def database(tmp_path, clock, receive):
    settings = Settings(node={"data_dir": tmp_path / "coronode-data"})
    with closing(open_database(settings)) as opened:
        receive(Installation(settings, opened, open_files(settings), clock), 3)
        references = tuple(Reference("1.2.1", SERIES, f"{SERIES}.{number}") for number in (1, 2))
        note = RejectionNote("1.2.9", "1.2.1", "safety", Person(""), references, "PACS")
        rejecting.obey(opened, note, clock.now, withdraw=lambda *_: None)
        yield opened


@pytest.mark.usefixtures("database")
def test_a_series_tells_who_rejected_what_and_why(coronode):
    lines = coronode("series", "show", SERIES).out.splitlines()
    why = "Rejected for Patient Safety Reasons (113037, DCM)"
    assert f"rejected:    2 objects of this series by PACS, note 1.2.9: {why}" in lines
    assert any(line.endswith("rejected 2 objects, safety, note 1.2.9") for line in lines)


def test_rejected_objects_are_taken_back(coronode, database):
    ended = coronode("series", "restore", SERIES)
    assert (ended.code, ended.out) == (0, f"series {SERIES}: 2 objects restored\n")
    assert rejections.list_rejected(database, SERIES) == []
    assert len(slices.list_slices(database, SERIES)) == 3
    again = coronode("series", "restore", SERIES, "9.9")
    assert again.code == 1
    assert "none of its objects is rejected" in again.err
    assert "there is no series 9.9" in again.err
