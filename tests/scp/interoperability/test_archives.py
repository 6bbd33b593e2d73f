"""The node uses the services of each peer."""

from __future__ import annotations

from io import BytesIO

import pytest
from pydicom.filereader import read_dataset

from scp.scu import query, retrieve
from scp.scu.association import open_association
from scp.scu.storage import Sending, open_for, store
from scp.scu.verification import verify
from storage.series import states
from tests.scp.interoperability.peers import list_missing


@pytest.fixture
def sent_study(peer, site, new_study):
    """A study that the node has sent to the peer."""
    study = new_study()
    objects = [Sending.from_file(path) for path in study.paths]
    with open_for(site.settings.node, site.peer(peer.name), objects) as association:
        assert {store(association, item, site.peer(peer.name)) for item in objects} == {0}
    return study


def test_the_node_verifies_it(peer, site):
    verify(site.settings.node, site.peer(peer.name))


def test_the_node_stores_to_it(peer, sent_study):
    assert list_missing(peer, sent_study.images) == []


def test_the_node_finds_there(peer, site, sent_study):
    with open_association(site.settings.node, site.peer(peer.name), [query.QUERY]) as association:
        keys = {"StudyInstanceUID": sent_study.study, "SeriesInstanceUID": ""}
        found = list(query.find(association, "SERIES", keys, subject=peer.name))
    assert {match.SeriesInstanceUID for match in found} == {sent_study.series}  # qrscp tells it for each image


def test_the_node_gets_from_it(peer, site, sent_study):
    came = {}

    def receive(association, message):
        implicit = association.context(message).transfer_syntax == "1.2.840.10008.1.2"
        data = BytesIO(association.gather(1 << 24))
        came[message.command.sop_instance_uid] = read_dataset(data, implicit, is_little_endian=True)
        return 0

    kind = sent_study.images[0]
    contexts = [retrieve.GET, *retrieve.receiving(kind.SOPClassUID, [kind.file_meta.TransferSyntaxUID])]
    with open_association(site.settings.node, site.peer(peer.name), contexts) as association:
        keys = {"StudyInstanceUID": sent_study.study}
        answer = retrieve.get(association, "STUDY", keys, receive, subject=peer.name)
    assert answer.status == 0
    assert came == {image.SOPInstanceUID: image for image in sent_study.images}


def test_the_node_has_it_send_by_move(peer, site, sent_study):
    with open_association(site.settings.node, site.peer(peer.name), [retrieve.MOVE]) as association:
        keys = {"StudyInstanceUID": sent_study.study}
        answer = retrieve.move(association, "STUDY", keys, "CORONODE", subject=peer.name)
    assert answer.status == 0
    assert states.get(site.node.database, sent_study.series).instance_count == len(sent_study.paths)
