"""The rules on PostgreSQL: the same tests with another database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database.engine import Database
from storage.objects.files import Files
from tests.storage.conftest import Node
from tests.storage.retention.test_deletion import (  # noqa: F401  # collected here once more
    test_a_crash_before_the_removal_leaves_files_that_are_still_noted,
    test_an_object_whose_file_is_removed_between_its_file_and_its_row_is_asked_for_again,
    test_documents_go_once_they_are_delivered,
    test_images_go_and_the_result_stays,
    test_results_take_everything_with_them,
    test_show_says_why_a_series_is_left_alone,
    test_the_quarantine_is_emptied_in_time,
)
from tests.storage.retention.test_erasing import test_a_patient_goes_whole_and_nobody_else  # noqa: F401


@pytest.fixture
def node(postgresql: str, tmp_path: Path) -> Iterator[Node]:
    database = Database.open(postgresql)
    database.migrate()
    yield Node(database, Files(tmp_path / "store"))
    database.close()
