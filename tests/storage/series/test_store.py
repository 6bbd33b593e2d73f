"""A folder of objects is made for a new index alone; one whose disk is away is not made anew."""

from __future__ import annotations

import pytest

from config.errors import ConfigurationError
from config.settings import Settings
from storage.series.store import open_store


def test_a_new_index_gets_its_folder(node, tmp_path):
    settings = Settings(node={"data_dir": tmp_path / "new"})
    assert open_store(settings, node.db).root == tmp_path / "new" / "objects"
    assert (tmp_path / "new" / "objects" / "instances").is_dir()


@pytest.mark.parametrize("is_mount_point", [True, False])
def test_a_disk_that_is_away_is_told_and_nothing_is_made_in_its_place(node, tmp_path, is_mount_point):
    node.series(3)
    settings = Settings(node={"data_dir": tmp_path / "away"})
    root = tmp_path / "away" / "objects"
    if is_mount_point:
        root.mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="the index names 3 objects"):
        open_store(settings, node.db)
    assert not root.exists() or not any(root.iterdir())


def test_who_has_lost_the_objects_can_go_on(node, tmp_path):
    node.series(1)
    (tmp_path / "lost" / "objects" / "instances").mkdir(parents=True)
    assert open_store(Settings(node={"data_dir": tmp_path / "lost"}), node.db).free_bytes() > 0
