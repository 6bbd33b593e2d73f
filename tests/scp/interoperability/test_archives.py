"""The node uses the services of each peer."""

from __future__ import annotations

from io import BytesIO

import pytest
from pydicom.filereader import read_dataset
from pydicom.uid import generate_uid

from dicom.commitment import CommitmentRequest, CommitmentResult, Reference
from scp.scu import commitment, query, retrieve
from scp.scu.association import open_association
from scp.scu.storage import Sending, open_for, store
from scp.scu.verification import verify
from tests.scp.interoperability.peers import list_missing


@pytest.fixture
def sent_study(peer, peer_name, site, new_study):
    """A study that the node has sent to the peer."""
    study = new_study()
    objects = [Sending.from_file(path) for path in study.paths]
    with open_for(site.settings.node, site.peer(peer_name), objects) as association:
        assert {store(association, item, site.peer(peer_name)) for item in objects} == {0}
    return study


def test_the_node_verifies_it(peer, peer_name, site):
    verify(site.settings.node, site.peer(peer_name))


def test_the_node_stores_to_it(peer, sent_study):
    assert list_missing(peer, sent_study.images) == []


ARCHIVES = ["DCMTK", "ORTHANC", "DCMJS", "PYNETDICOM", "ORTHANC-TLS", "DCMJS-TLS"]
"""storescp, which stands for DCMTK where TLS is spoken, only receives."""


@pytest.mark.parametrize("peer_name", ARCHIVES, indirect=True)
def test_the_node_finds_there(peer, peer_name, site, sent_study):
    with open_association(site.settings.node, site.peer(peer_name), [query.QUERY]) as association:
        keys = {"StudyInstanceUID": sent_study.study, "SeriesInstanceUID": ""}
        found = list(query.find(association, "SERIES", keys, subject=peer_name))
    assert {match.SeriesInstanceUID for match in found} == {sent_study.series}  # qrscp tells it for each image


@pytest.mark.parametrize("peer_name", ARCHIVES, indirect=True)
def test_the_node_gets_from_it(peer, peer_name, site, sent_study):
    came = {}

    def receive(association, message):
        implicit = association.context(message).transfer_syntax == "1.2.840.10008.1.2"
        data = BytesIO(association.gather(1 << 24))
        came[message.command.sop_instance_uid] = read_dataset(data, implicit, is_little_endian=True)
        return 0

    kind = sent_study.images[0]
    contexts = [retrieve.GET, *retrieve.receiving(kind.SOPClassUID, [kind.file_meta.TransferSyntaxUID])]
    with open_association(site.settings.node, site.peer(peer_name), contexts) as association:
        keys = {"StudyInstanceUID": sent_study.study}
        answer = retrieve.get(association, "STUDY", keys, receive, subject=peer_name)
    assert answer.status == 0
    assert came == {image.SOPInstanceUID: image for image in sent_study.images}


@pytest.mark.parametrize("peer_name", ARCHIVES, indirect=True)
def test_the_node_has_it_send_by_move(peer, peer_name, site, sent_study):
    with open_association(site.settings.node, site.peer(peer_name), [retrieve.MOVE]) as association:
        keys = {"StudyInstanceUID": sent_study.study}
        answer = retrieve.move(association, "STUDY", keys, "CORONODE", subject=peer_name)
    assert answer.status == 0
    assert site.count(sent_study.series) == len(sent_study.paths)


@pytest.mark.parametrize("peer_name", ["DCMJS", "DCMJS-TLS"], indirect=True)
def test_the_node_asks_for_commitment(peer, peer_name, site, sent_study):
    told = []

    def take(result):
        told.append(result)
        return 0

    references = tuple(Reference(image.SOPClassUID, image.SOPInstanceUID) for image in sent_study.images)
    unknown = Reference(references[0].sop_class_uid, "1.2.3.4")
    request = CommitmentRequest(generate_uid(), (*references, unknown))
    commitment.ask(site.settings.node, site.peer(peer_name), request, take)
    (result,) = told
    assert result == CommitmentResult(request.transaction_uid, references, ((unknown, 0x0112),))
