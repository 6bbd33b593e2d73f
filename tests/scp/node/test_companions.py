"""A study with its companions, sent whole by programs of others: the images are scored once."""

from __future__ import annotations

import subprocess

import pytest
from pydicom.uid import SecondaryCaptureImageStorage

from storage.series import states
from storage.series.states import State


@pytest.fixture
def study(patient, picture_of, tmp_path):
    """The paths of a patient's study, a picture first and another in the images' own series; and the images."""
    images = patient()
    first = picture_of(images[0], "1.2.826.1", number=1)
    inside = picture_of(images[0], images[0].SeriesInstanceUID, number=2)
    paths = []
    for number, item in enumerate([first, inside, *images]):
        item.file_meta.MediaStorageSOPInstanceUID = item.SOPInstanceUID
        paths.append(tmp_path / f"{number:03d}.dcm")
        item.save_as(paths[-1], enforce_file_format=True)
    return paths, images


@pytest.mark.parametrize("program", ["storescu", "dcmsend"])
def test_a_picture_first_does_not_end_the_transfer(
    program, peer_program, study, pacs, configured, run_node, eventually
):
    paths, images = study
    with run_node(configured({"PACS": pacs.port})) as node:
        command = [peer_program(program), "-aec", "CORONODE", "127.0.0.1", str(node.server.port), *map(str, paths)]
        subprocess.run(command, check=True, timeout=120, capture_output=True)
        uid = str(images[0].SeriesInstanceUID)
        eventually("a delivered report", lambda: states.get(node.database, uid).state == State.DELIVERED)
        scan = states.get(node.database, uid)
        assert (scan.version, scan.instance_count, scan.modality) == (1, len(images) + 1, "CT")
    assert len(pacs.received) == 1


def test_a_late_companion_makes_no_second_report(
    pacs, patient, picture_of, configured, run_node, scanner_of, eventually
):
    images = patient()
    uid = str(images[0].SeriesInstanceUID)
    with run_node(configured({"PACS": pacs.port})) as node:
        scanner = scanner_of(node)
        scanner.add(SecondaryCaptureImageStorage)
        scanner.send(images)
        eventually("a delivered report", lambda: states.get(node.database, uid).state == State.DELIVERED)
        assert scanner.send([picture_of(images[0], uid)]) == [0]
        scan = states.get(node.database, uid)
        assert (scan.state, scan.version, scan.instance_count) == (State.DELIVERED, 1, len(images) + 1)
