"""A backup is whole or it is none; what is there is not copied again; deletions meanwhile are no loss."""

import stat
import threading

import pytest
from sqlalchemy import delete

from config.errors import Permanent
from storage.backup import checking, copying, taking
from storage.backup.manifest import MANIFEST, Manifest
from storage.backup.taking import About
from storage.database.models import InstanceRow


def test_index_and_objects_are_copied_and_closed_to_others(node, back_up, tmp_path):
    node.series(3)
    manifest = back_up()
    assert (manifest.objects, manifest.missing, manifest.copied) == (3, 0, 3)
    assert manifest.object_bytes == sum(path.stat().st_size for path in node.files.root.rglob("*.dcm"))
    assert checking.check_backup(tmp_path / "backup").damaged == 0
    for path in (tmp_path / "backup", *(tmp_path / "backup").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_only_what_is_new_is_copied_again(node, back_up, tmp_path):
    node.series(3)
    first = back_up()
    node.series(2, "1.2.1.2")
    second = back_up()
    assert (second.objects, second.copied) == (5, 2)
    left = {path.name for path in (tmp_path / "backup").iterdir()}
    assert left == {MANIFEST, "backup.lock", "coronode.toml", "objects", second.index, second.listing}
    assert first.index != second.index


def test_objects_that_are_deleted_go_out_of_the_backup(node, back_up, tmp_path):
    node.series(2)
    back_up()
    with node.db.session() as session:
        gone = delete(InstanceRow).where(InstanceRow.sop_instance_uid == "1.2.1.1.2").returning(InstanceRow.path)
        path = session.scalars(gone).one()
    node.files.remove(path)
    assert back_up().objects == 1
    assert not (tmp_path / "backup" / "objects" / path).exists()


def test_an_object_deleted_while_it_is_taken_is_no_loss(node, back_up, monkeypatch):
    node.series(3)
    copy = copying.ObjectCopier.copy
    gone = []

    def deleting(self, name, size, known):
        if not gone:
            with node.db.session() as session:
                session.execute(delete(InstanceRow).where(InstanceRow.path == name))
            node.files.remove(name)
            gone.append(name)
        return copy(self, name, size, known)

    monkeypatch.setattr(copying.ObjectCopier, "copy", deleting)
    manifest = back_up()
    assert (manifest.objects, manifest.missing) == (2, 0)


def test_an_object_that_is_lost_is_told(node, back_up):
    node.series(2)
    next(node.files.root.rglob("*.dcm")).unlink()
    manifest = back_up()
    assert (manifest.objects, manifest.missing) == (1, 1)


@pytest.mark.parametrize("at", ["object", "manifest"])
def test_one_that_is_broken_off_leaves_the_one_before(node, back_up, tmp_path, monkeypatch, at):
    node.series(2)
    before = back_up()
    node.series(2, "1.2.1.2")

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(*((copying.ObjectCopier, "settle") if at == "object" else (Manifest, "write")), fail)
        with pytest.raises(OSError, match="No space"):
            back_up()
    checked = checking.check_backup(tmp_path / "backup")
    assert (checked.manifest, checked.damaged) == (before, 0)
    assert back_up().objects == 4
    assert not list((tmp_path / "backup").rglob("*.part"))


def test_a_first_one_that_is_broken_off_is_none(node, back_up, tmp_path, monkeypatch):
    node.series(1)

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(copying.ObjectCopier, "settle", fail)
    with pytest.raises(KeyboardInterrupt):
        back_up()
    with pytest.raises(Permanent, match="no whole backup"):
        checking.check_backup(tmp_path / "backup")


def test_a_folder_of_something_else_is_refused(node, back_up, tmp_path):
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "letter.txt").write_text("dear")
    with pytest.raises(Permanent, match="neither empty nor a backup"):
        back_up()


def test_the_backup_of_another_node_is_not_overwritten(node, back_up):
    node.series(1)
    back_up()
    with pytest.raises(Permanent, match="another node"):
        back_up(about=About("9", "OTHER in /data", ""))


def test_two_at_once_are_refused(node, back_up, tmp_path):
    node.series(1)
    (tmp_path / "backup").mkdir()
    with taking._hold(tmp_path / "backup"), pytest.raises(Permanent, match="another backup"):
        back_up()


def test_every_state_that_is_taken_while_objects_come_is_whole(node, back_up, tmp_path):
    stop = threading.Event()

    def receive():
        for number in range(10_000):
            if stop.is_set():
                return
            node.series(1, f"1.2.1.{number + 1}")

    node.series(1, "1.2.1.99999")
    thread = threading.Thread(target=receive)
    thread.start()
    try:
        counts = [back_up() for _ in range(3)]
    finally:
        stop.set()
        thread.join(30)
    assert [item.missing for item in counts] == [0, 0, 0]
    assert checking.check_backup(tmp_path / "backup").damaged == 0
