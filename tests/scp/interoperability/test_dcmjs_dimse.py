"""dcmjs-dimse, an implementation of DIMSE in JavaScript, as user and as provider of each service."""

from __future__ import annotations

import pytest
from pydicom import dcmread

from scp.scu import query, retrieve
from scp.scu.association import open_association
from scp.scu.storage import Sending, open_for, store
from scp.scu.verification import verify

pytestmark = pytest.mark.peer


def test_it_verifies_the_node(dcmjs):
    asked = dcmjs("echo")
    assert (asked.code, asked.statuses) == (0, [0])


def test_it_stores(dcmjs, new_study):
    study = new_study()
    asked = dcmjs("store", paths=[str(path) for path in study.paths])
    assert (asked.code, asked.statuses) == (0, [0] * len(study.paths))
    again = dcmjs("find", keys={"StudyInstanceUID": study.study, "NumberOfSeriesRelatedInstances": ""})
    assert again.all("response")[0]["elements"]["NumberOfSeriesRelatedInstances"] == len(study.paths)


def test_it_finds(dcmjs, held_study):
    asked = dcmjs("find", keys={"StudyInstanceUID": held_study.study, "SeriesInstanceUID": "", "Modality": ""})
    assert asked.statuses == [0xFF00, 0]
    found = asked.all("response")[0]["elements"]
    assert (found["SeriesInstanceUID"], found["Modality"]) == (held_study.series, "CT")


def test_the_node_verifies_it(site, dcmjs_pacs):
    verify(site.settings.node, site.peer("DCMJS"))
    assert dcmjs_pacs.expect("association") == [{"what": "association", "calling": "CORONODE"}]


def send(site, name, study):
    objects = [Sending.from_file(path) for path in study.paths]
    with open_for(site.settings.node, site.peer(name), objects) as association:
        return [store(association, item, site.peer(name)) for item in objects]


def test_the_node_stores_to_it(site, dcmjs_pacs, new_study, tmp_path):
    study = new_study()
    assert send(site, "DCMJS", study) == [0] * len(study.paths)
    assert {line["instance"] for line in dcmjs_pacs.expect("stored", len(study.paths))} == study.instances
    for image in study.images:
        assert dcmread(tmp_path / "pacs" / f"{image.SOPInstanceUID}.dcm").PixelData == image.PixelData


def test_the_node_finds_there(site, dcmjs_pacs, new_study):
    study = new_study()
    send(site, "DCMJS", study)
    with open_association(site.settings.node, site.peer("DCMJS"), [query.QUERY]) as association:
        keys = {"StudyInstanceUID": study.study, "SeriesInstanceUID": "", "NumberOfSeriesRelatedInstances": ""}
        (found,) = query.find(association, "SERIES", keys, subject="DCMJS")
    assert (found.SeriesInstanceUID, found.NumberOfSeriesRelatedInstances) == (study.series, len(study.paths))


def test_the_node_gets_from_it(site, dcmjs_pacs, new_study):
    study = new_study()
    send(site, "DCMJS", study)
    came = []

    def receive(association, message):
        association.gather(1 << 24)
        came.append(message.command.sop_instance_uid)
        return 0

    kind = study.images[0]
    contexts = [retrieve.GET, *retrieve.receiving(kind.SOPClassUID, [kind.file_meta.TransferSyntaxUID])]
    with open_association(site.settings.node, site.peer("DCMJS"), contexts) as association:
        answer = retrieve.get(association, "STUDY", {"StudyInstanceUID": study.study}, receive, subject="DCMJS")
    assert (answer.status, set(came)) == (0, study.instances)


def test_the_node_has_it_send_by_move(site, dcmjs_pacs, new_study):
    study = new_study()
    send(site, "DCMJS", study)
    with open_association(site.settings.node, site.peer("DCMJS"), [retrieve.MOVE]) as association:
        keys = {"StudyInstanceUID": study.study}
        answer = retrieve.move(association, "STUDY", keys, "CORONODE", subject="DCMJS")
    assert answer.status == 0
    assert answer.sub_operations.completed == len(study.paths)
