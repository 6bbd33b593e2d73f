"""`coronode outbox pause` and `resume`: nothing is sent to a destination, and every list says so."""

from __future__ import annotations

import pytest

from config.settings import Settings
from storage.database.opening import open_database

CONFIGURATION = """
[peers.PACS]
ae_title = "PACS"
host = "127.0.0.1"
port = 1
"""


@pytest.fixture
def configured(coronode, tmp_path):
    (tmp_path / "coronode.toml").write_text(CONFIGURATION)
    open_database(Settings(node={"data_dir": tmp_path / "coronode-data"})).close()
    return coronode


def test_a_destination_is_paused_and_resumed(configured):
    assert configured("outbox", "pause", "PACS").out.startswith("PACS is paused")
    assert configured("outbox", "pause", "PACS").out.startswith("PACS is already paused")
    assert "PACS is paused since" in configured("outbox", "list").out
    assert "paused: PACS since" in configured("doctor").out
    assert configured("outbox", "resume", "PACS").out == "PACS is resumed\n"
    assert configured("outbox", "resume", "PACS").out == "PACS was not paused\n"
    assert "paused" not in configured("outbox", "list").out


def test_what_is_no_peer_is_told_with_those_that_are(configured):
    ended = configured("outbox", "pause", "PACKS")
    assert ended.code == 2
    assert "'PACKS'; allowed: PACS" in ended.err
