"""A node with objects, and a place for its backup."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from storage.backup.manifest import Manifest
from storage.backup.taking import About, take_backup

ABOUT = About("9.9.9", "CORONODE in /data", "[node]\n")


@pytest.fixture
def back_up(node: Any, tmp_path: Path) -> Callable[..., Manifest]:
    """Take a backup of the node into the folder `backup`."""

    def take(**options: Any) -> Manifest:
        about = options.pop("about", ABOUT)
        return take_backup(node.db, node.files, tmp_path / "backup", about, now=lambda: node.at(0), **options)

    return take


@pytest.fixture
def elsewhere(tmp_path: Path) -> Settings:
    """Another machine: an empty data folder."""
    return Settings(node={"data_dir": tmp_path / "elsewhere"})
