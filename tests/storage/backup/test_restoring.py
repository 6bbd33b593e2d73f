"""A restore goes into empty places alone, after every digest was checked, and half of one is never worked with."""

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.errors import ConfigurationError, Permanent
from storage.backup import restoring
from storage.backup.manifest import MANIFEST, Manifest
from storage.backup.restoring import restore_backup
from storage.backup.verifying import verify
from storage.database.opening import open_database
from storage.database.restoring import MARK
from storage.objects.digest import digest_whole
from storage.objects.opening import open_files
from storage.series import states


def list_findings(configured):
    with closing(open_database(configured)) as database:
        return [item.words for item in verify(database, open_files(configured))]


def test_a_fresh_machine_holds_what_the_node_held(node, back_up, tmp_path, elsewhere):
    node.series(3)
    back_up()
    restored = restore_backup(tmp_path / "backup", elsewhere)
    assert restored.manifest.objects == 3
    assert list_findings(elsewhere) == []
    with closing(open_database(elsewhere)) as database:
        (series,) = states.list_series(database)
        assert (series.series_instance_uid, series.instance_count) == ("1.2.1.1", 3)
    for path in node.files.root.rglob("*.dcm"):
        there = Path(restored.place) / path.relative_to(node.files.root)
        assert there.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("used", ["coronode.sqlite", "letter.txt", "objects"])
def test_places_in_use_are_refused(node, back_up, tmp_path, elsewhere, used):
    node.series(1)
    back_up()
    (tmp_path / "elsewhere" / used).mkdir(parents=True)
    with pytest.raises(Permanent, match="not empty"):
        restore_backup(tmp_path / "backup", elsewhere)
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == [used]


@pytest.fixture
def backup(node, back_up, tmp_path):
    node.series(2)
    back_up()
    return tmp_path / "backup"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_or_truncated_file_is_found_before_anything_is_written(backup, tmp_path, elsewhere, data):
    hurt = tmp_path / "hurt"
    shutil.rmtree(hurt, ignore_errors=True)
    shutil.copytree(backup, hurt)
    files = sorted(path for path in hurt.rglob("*") if path.is_file() and path.name != "backup.lock")
    path = data.draw(st.sampled_from(files), label="file")
    content = path.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1), label="place")
    if data.draw(st.booleans(), label="truncate"):
        changed = content[:place]
    else:
        changed = content[:place] + bytes([content[place] ^ data.draw(st.integers(1, 255))]) + content[place + 1 :]
    if path.name == MANIFEST and changed.rstrip() == content.rstrip():
        return  # the line end behind the manifest says nothing
    path.write_bytes(changed)
    with pytest.raises(Permanent):
        restore_backup(hurt, elsewhere)
    assert not (tmp_path / "elsewhere").exists()


def reseal(folder, **changes):
    manifest = Manifest.read(folder)
    body = json.loads((folder / MANIFEST).read_text())
    Manifest(**{**{name: body[name] for name in Manifest.__slots__}, **changes}).write(folder)
    return manifest


def test_a_newer_version_is_refused(backup, elsewhere):
    reseal(backup, revision="9999", version="99.0")
    with pytest.raises(Permanent, match=r"99\.0.*newer"):
        restore_backup(backup, elsewhere)


def test_another_kind_of_database_is_refused(backup, elsewhere):
    reseal(backup, database="postgresql")
    with pytest.raises(Permanent, match="postgresql"):
        restore_backup(backup, elsewhere)


def test_a_list_that_leads_out_of_the_backup_is_refused(backup, elsewhere, tmp_path):
    manifest = Manifest.read(backup)
    (backup / manifest.listing).write_text(f"{'0' * 64}\t1\t../../outside.dcm\n")
    reseal(backup, listing_sha256=digest_whole(backup / manifest.listing))
    with pytest.raises(Permanent, match="outside of it"):
        restore_backup(backup, elsewhere)
    assert not (tmp_path / "outside.dcm").exists()


@pytest.mark.parametrize("step", ["_copy", "_settle", "_put_index"])
def test_one_that_is_broken_off_keeps_the_node_away_and_goes_on(backup, elsewhere, monkeypatch, step):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(restoring, step, stop)
        with pytest.raises(KeyboardInterrupt):
            restore_backup(backup, elsewhere)
    assert (elsewhere.node.data_dir / MARK).exists()
    with pytest.raises(ConfigurationError, match="has not finished"):
        open_database(elsewhere)
    restore_backup(backup, elsewhere)
    assert list_findings(elsewhere) == []


def test_another_backup_does_not_go_on_with_it(backup, elsewhere, back_up, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(restoring, "_put_index", stop)
        with pytest.raises(KeyboardInterrupt):
            restore_backup(backup, elsewhere)
    back_up()
    with pytest.raises(Permanent, match="another backup was being restored"):
        restore_backup(backup, elsewhere)
