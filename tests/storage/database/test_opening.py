import subprocess
import sys

import pytest

from config.errors import ConfigurationError, Transient
from config.settings import Settings
from storage.database.engine import make_engine
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


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql+psycopg://node@127.0.0.1:1/x", "connection"),
        ("postgresql+psycopg://node:s3cret@127.0.0.1:1/x", "database_password_file: the password stands in"),
        ("postgresql+psycopg://127.0.0.1:1/x?password=s3cret", "database_password_file: the password stands in"),
    ],
)
def test_the_password_of_the_database_comes_from_one_place(tmp_path, url, expected):
    (tmp_path / "password").write_text("hunter2\n")
    storage = {"database_url": url, "database_password_file": tmp_path / "password"}
    with pytest.raises((ConfigurationError, Transient), match=expected) as caught:
        open_database(Settings(storage=storage))
    assert not {"hunter2", "s3cret"} & set(str(caught.value).split())


def test_the_password_reaches_the_driver():
    engine = make_engine("postgresql+psycopg://node@db/x", password="p@ss:word")
    assert engine.url.password == "p@ss:word"
    assert "p@ss" not in repr(engine)


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
