import subprocess
import sys

import pytest

from config.errors import ConfigurationError
from config.settings import Settings
from storage.database.opening import database_file, open_database
from storage.objects.opening import open_files

HEAVY = ("dbos", "pynetdicom", "typst", "pydicom.sr", "highdicom", "scoring", "scp")


def test_the_index_lies_in_the_data_folder(tmp_path):
    settings = Settings(node={"data_dir": tmp_path})
    open_database(settings).close()
    assert database_file(settings) == tmp_path / "coronode.sqlite"
    assert (tmp_path / "coronode.sqlite").exists()


def test_another_database_has_no_file_of_ours(tmp_path):
    settings = Settings(node={"data_dir": tmp_path}, storage={"database_url": f"sqlite:///{tmp_path}/other.db"})
    open_database(settings).close()
    assert database_file(settings) is None
    assert [path.name for path in tmp_path.glob("*.db")] == ["other.db"]


def test_objects_lie_in_the_data_folder_or_at_the_url(tmp_path):
    assert open_files(Settings(node={"data_dir": tmp_path})).root == tmp_path / "objects"
    elsewhere = Settings(node={"data_dir": tmp_path}, storage={"blobs_url": f"file://{tmp_path}/an%20archive"})
    assert open_files(elsewhere).root == tmp_path / "an archive"


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "objects").write_text("a file stands in the way")
    with pytest.raises(ConfigurationError, match=r"node\.data_dir: cannot write in .*objects"):
        open_files(Settings(node={"data_dir": tmp_path}))


def test_opening_loads_neither_the_engine_nor_the_network_nor_the_documents():
    """What a short command needs of storage; each of these costs tenths of a second and tens of megabytes."""
    program = (
        "import sys; import storage.database.opening, storage.series.lifecycle, storage.outbox.outgoing; "
        f"print([m for m in sys.modules if any(m == x or m.startswith(x + '.') for x in {HEAVY!r})])"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
