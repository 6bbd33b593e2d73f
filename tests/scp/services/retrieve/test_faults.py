"""What breaks inside the node while it sends: the counts stay right, and everybody is told."""

import errno

import pytest

from config.errors import Transient
from dicom.sop_classes import STUDY_ROOT_GET, STUDY_ROOT_MOVE
from scp.network import outgoing, pdu
from storage.query.retrieval import Selection

STUDY = "1.2.826.0.1.1"
SLICE_BYTES = 2500


@pytest.fixture
def reading_fails(monkeypatch):
    """The index answers for two objects, and then with this error, or with nothing more."""
    read = Selection.read_objects

    def set_error(error):
        def read_two(self, database):
            objects = read(self, database)
            yield next(objects)
            yield next(objects)
            if error is not None:
                raise error

        monkeypatch.setattr(Selection, "read_objects", read_two)

    return set_error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Transient("the database is busy"), "the database is busy"),
        (KeyError("x"), "internal error, see the node's log"),
        (None, "deleted in the meantime"),
    ],
)
@pytest.mark.usefixtures("filled")
def test_objects_that_can_no_longer_be_read_have_failed(get, taken, reading_fails, error, words):
    reading_fails(error)
    ended = get(taken, STUDY_ROOT_GET, "STUDY", StudyInstanceUID=STUDY)
    assert (ended.final.Status, ended.counts) == (0xB000, (None, 2, 2, 0))
    assert ended.final.ErrorComment == words


@pytest.mark.usefixtures("filled")
def test_an_index_that_does_not_answer_at_all(get, taken, site, monkeypatch):
    def reading():
        raise Transient("the database did not answer")

    monkeypatch.setattr(site.database, "reading", reading)
    ended = get(taken, STUDY_ROOT_GET, "STUDY", StudyInstanceUID=STUDY)
    assert (ended.final.Status, ended.counts) == (0xC000, (None, None, None, None))


@pytest.fixture
def disk_fails(monkeypatch):
    """The second object cannot be read: at its beginning, or (in pieces of 400 bytes) in its middle."""

    def set_up(*, in_the_middle):
        fill, filled = outgoing._fill, []

        def fail(descriptor, slots, left):
            filled.append(descriptor)
            if len(filled) == (SLICE_BYTES // 400 + 3 if in_the_middle else 2):
                raise OSError(errno.EIO, "Input/output error")
            return fill(descriptor, slots, left)

        monkeypatch.setattr(outgoing, "_fill", fail)
        if in_the_middle:
            monkeypatch.setattr(outgoing, "_MOST_BYTES", 1)
            monkeypatch.setattr(pdu, "find_room", lambda _: 400)

    return set_up


@pytest.mark.parametrize("in_the_middle", [False, True])
@pytest.mark.usefixtures("filled")
def test_a_disk_that_fails_costs_a_move_one_object(archive, move, disk_fails, in_the_middle):
    disk_fails(in_the_middle=in_the_middle)
    archive.start()
    ended = move(STUDY_ROOT_MOVE, "STUDY", StudyInstanceUID=STUDY)
    assert (ended.final.Status, ended.counts) == (0xB000, (None, 3, 1, 0))
    assert "Input/output error"[:20] in ended.final.ErrorComment or in_the_middle
    assert archive.associations == 1 + in_the_middle


@pytest.mark.usefixtures("filled")
def test_a_disk_that_fails_before_anything_was_sent_costs_a_get_one_object(get, taken, disk_fails):
    disk_fails(in_the_middle=False)
    ended = get(taken, STUDY_ROOT_GET, "STUDY", StudyInstanceUID=STUDY)
    assert (ended.final.Status, ended.counts) == (0xB000, (None, 3, 1, 0))
    assert ended.final.ErrorComment == "its file cannot be read: Input/output error"


@pytest.mark.usefixtures("filled")
def test_a_disk_that_fails_in_the_middle_of_an_object_ends_a_get(get, taken, site, disk_fails, eventually):
    disk_fails(in_the_middle=True)
    with pytest.raises(AttributeError):  # no final response: the association was aborted
        assert get(taken, STUDY_ROOT_GET, "STUDY", StudyInstanceUID=STUDY).final.Status
    assert len(taken.data) == 1
    eventually("the node to forget the requestor", lambda: not site.server._listener.acceptors)
