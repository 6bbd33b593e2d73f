"""Only what is in the index, on the disk and unchanged is committed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.errors import Transient
from dicom.commitment import FailureReason, Reference
from dicom.part10 import encode_preface
from storage.commitments.proof import measure, prove
from storage.database.syncing import sync_commits
from storage.intake.instances import find_instance, register
from storage.objects.files import Files
from storage.objects.header import InstanceHeader

CT = "1.2.840.10008.5.1.4.1.1.2"
SR = "1.2.840.10008.5.1.4.1.1.88.33"
EXPLICIT = "1.2.840.10008.1.2.1"
UNKNOWN = Reference(CT, "1.2.99")


@pytest.fixture
def kept(node):
    node.series(3)
    return [Reference(CT, f"1.2.1.1.{number}") for number in (1, 2, 3)]


def run(node, *references, files=None, calling="CT1", supports=lambda _: True):
    return prove(node.db, files or node.files, references, calling, supports=supports)


def name_of(descriptor):
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def path_of(node, reference):
    return node.files.path(find_instance(node.db, reference.sop_instance_uid).path)


def test_what_was_received_is_committed_and_counted_by_series(node, kept):
    proof = run(node, *kept)
    assert proof.failed == ()
    assert proof.series == {"1.2.1.1": {item.sop_instance_uid for item in kept}}
    assert measure(node.db, kept) == sum(path_of(node, item).stat().st_size for item in kept)


def test_an_object_that_never_came_or_of_another_class(node, kept):
    proof = run(node, kept[0], UNKNOWN, Reference(SR, kept[1].sop_instance_uid))
    assert dict(proof.failed) == {
        UNKNOWN: FailureReason.NO_SUCH_INSTANCE,
        Reference(SR, kept[1].sop_instance_uid): FailureReason.CLASS_CONFLICT,
    }
    assert proof.series == {"1.2.1.1": {kept[0].sop_instance_uid}}


def test_an_object_of_a_class_that_is_not_kept(node):
    assert run(node, UNKNOWN, supports=lambda _: False).failed == ((UNKNOWN, FailureReason.CLASS_NOT_SUPPORTED),)


def test_one_bit_that_has_changed_on_the_disk(node, kept):
    path = path_of(node, kept[1])
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert run(node, *kept).failed == ((kept[1], FailureReason.PROCESSING_FAILURE),)


@pytest.mark.parametrize("length", [0, 100, 144, 300])
def test_a_file_that_is_cut_off(node, kept, length):
    os.truncate(path_of(node, kept[0]), length)
    assert run(node, kept[0]).failed == ((kept[0], FailureReason.PROCESSING_FAILURE),)


def test_a_file_that_is_away_is_no_verdict(node, kept):
    path_of(node, kept[2]).unlink()
    with pytest.raises(Transient):
        run(node, *kept)


def test_who_sent_another_form_is_not_told_that_it_is_kept(node, kept):
    other = node.ct(SOPInstanceUID=kept[0].sop_instance_uid, SliceThickness="9")
    assert node.store(other, calling_ae="CT2").outcome == "conflict"
    assert run(node, *kept, calling="CT2").failed == ((kept[0], FailureReason.PROCESSING_FAILURE),)
    assert run(node, *kept, calling="CT1").failed == ()


def test_a_document_of_the_node_whose_digest_is_that_of_the_whole_file(node):
    document = node.ct(SOPClassUID=SR, SOPInstanceUID="1.2.9.1", SeriesInstanceUID="1.2.9", Modality="SR")
    header = InstanceHeader.from_dataset(document, EXPLICIT)
    content = encode_preface(SR, "1.2.9.1", EXPLICIT) + b"content"
    stored = node.files.write(content, "instances/9.dcm", transfer_syntax_uid=EXPLICIT)
    register(node.db, node.files, header, stored, now=node.at(0), origin="made")
    proof = run(node, Reference(SR, "1.2.9.1"))
    assert (proof.failed, proof.series) == ((), {})


def test_more_objects_than_one_query_takes(node, kept):
    many = [Reference(CT, f"1.2.98.{number}") for number in range(1200)]
    proof = run(node, *many, *kept)
    assert {reference for reference, _ in proof.failed} == set(many)


def test_where_nothing_is_synchronised_on_receipt_it_is_now(node, kept, monkeypatch):
    synced = []
    monkeypatch.setattr(
        "storage.commitments.proof.sync_data",
        lambda descriptor: synced.append(name_of(descriptor)),
    )
    monkeypatch.setattr("storage.commitments.proof.sync_folder", lambda folder: synced.append(str(folder)))
    monkeypatch.setattr("storage.commitments.proof.sync_commits", synced.append)
    run(node, *kept)
    assert synced == []
    relaxed = Files(node.files.root, durable=False)
    run(node, *kept, files=relaxed)
    paths = [path_of(node, item) for item in kept]
    assert synced[:3] == [str(path) for path in paths]
    assert {str(paths[0].parent), str(paths[0].parent.parent), node.db} <= set(synced)


def test_the_commits_so_far_are_synchronised(node, kept, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(name_of(descriptor)))
    sync_commits(node.db)
    assert [name.endswith("-wal") for name in synced] == [True]
