"""`coronode retention` and `coronode series delete` where there is little to delete."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from config.settings import NodeSettings, Settings
from scp.cli import cli
from storage.database.opening import open_database
from storage.intake import instances
from storage.objects.header import InstanceHeader
from storage.series.store import open_store
from tests.storage.conftest import EXPLICIT, at, ct, encoded


@pytest.fixture
def config_file(tmp_path):
    """The configuration of an index with one series that is being received."""
    data = tmp_path / "data"
    settings = Settings(node=NodeSettings(data_dir=data))
    database = open_database(settings)
    files = open_store(settings, database)
    image = ct(PatientID="4711")
    header = InstanceHeader.from_dataset(image, EXPLICIT)
    with files.incoming(EXPLICIT) as file:
        file.write(encoded(image))
        stored = file.commit(header.file_name(file.sha256))
    instances.register(database, files, header, stored, now=at(0))
    database.close()
    path = tmp_path / "coronode.toml"
    path.write_text(f'[node]\ndata_dir = "{data}"\n[retention]\nimages_days = 30\n')
    return path


def run(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def test_show_says_why_nothing_is_due(config_file):
    shown = run("retention", "show", "--json", "--config", config_file)
    (entry,) = json.loads(shown.stdout)
    assert (entry["rule"], entry["left_because"]) == ("images", ["unfinished"])
    assert json.loads(run("retention", "show", "--due", "--json", "--config", config_file).stdout) == []
    assert "nothing is due" in run("retention", "run", "--yes", "--config", config_file).stdout


def test_a_series_in_hand_is_left_unless_forced(config_file):
    files = config_file.parent / "data" / "objects" / "instances"
    left = run("series", "delete", "--patient-id", "4711", "--yes", "--config", config_file)
    assert left.exit_code == 1
    assert "it is receiving" in left.stderr
    planned = run("series", "delete", "--patient-id", "4711", "--force", "--config", config_file)
    assert "1 series would be deleted; nothing was" in planned.stdout
    assert len(list(files.rglob("*.dcm"))) == 1
    done = run("series", "delete", "--patient-id", "4711", "--force", "--yes", "--config", config_file)
    assert (done.exit_code, "1 series deleted, 1 files" in done.stdout) == (0, True)
    assert not list(files.rglob("*.dcm"))
    assert run("series", "delete", "--patient-id", "4711", "--config", config_file).exit_code == 1
