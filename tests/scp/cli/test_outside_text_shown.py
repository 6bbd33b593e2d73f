"""Commands show what comes from outside in legible characters, a line for a line."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from config.settings import Settings
from scp.cli.terminal.listing import print_json, print_table
from storage.database.opening import open_database
from storage.intake.instances import register
from storage.objects.header import InstanceHeader
from storage.objects.opening import open_files

HOSTILE = "[red]CT1[/red]\x1b[2J\nstate:       scored\N{RIGHT-TO-LEFT OVERRIDE}"
SHOWN = "[red]CT1[/red]\\x1b[2J\\nstate:       scored\\u202e"


def test_a_table_shows_markup_and_control_sequences(capsys):
    print_table(("name",), [(HOSTILE,)])
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == ["name", SHOWN]


def test_json_for_a_script_keeps_the_value_and_is_legible(capsys):
    print_json([{"name": HOSTILE, "who": "Jörg"}])
    out = capsys.readouterr().out
    assert json.loads(out) == [{"name": HOSTILE, "who": "Jörg"}]
    assert all(line.isprintable() for line in out.split("\n"))
    assert "Jörg" in out


@pytest.fixture
def index(tmp_path):
    """A data folder with one series whose sender and description are hostile."""
    settings = Settings(node={"data_dir": tmp_path})
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, "1.2.1.1.1"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Modality = "1.2.1", "1.2.1.1", "CT"
    dataset.SpecificCharacterSet, dataset.SeriesDescription = "ISO_IR 192", "Ca \N{RIGHT-TO-LEFT OVERRIDE}erocs"
    database, files = open_database(settings), open_files(settings)
    header = InstanceHeader.from_dataset(dataset, ExplicitVRLittleEndian)
    stored = files.write(b"x", header.file_name("0" * 64))
    register(database, files, header, stored, now=datetime(2026, 1, 2, tzinfo=UTC), calling_ae="CT1\x1b[2J\nfound: x")
    database.close()
    (tmp_path / "coronode.toml").write_text(f'[node]\ndata_dir = "{tmp_path}"\n')


def test_a_series_is_shown_in_legible_characters(coronode, index):
    shown = coronode("series", "show", "1.2.1.1").out
    assert "sent by:     CT1\\x1b[2J\\nfound: x\n" in shown
    assert "description: Ca \\u202eerocs\n" in shown
    for out in (shown, coronode("series", "list").out, coronode("series", "list", "--json").out):
        assert all(line.isprintable() for line in out.split("\n"))


def test_an_error_is_one_line(coronode, tmp_path):
    folder = tmp_path / "scan\x1b[2J\nfailed"
    folder.mkdir()
    ended = coronode("score", folder)
    assert ended.code == 1
    assert ended.err.count("\n") == 1
    assert "scan\\x1b[2J\\nfailed" in ended.err
