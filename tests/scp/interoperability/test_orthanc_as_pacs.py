"""Orthanc as the PACS of a hospital: it sends a study, gets the result, and fetches everything again."""

from __future__ import annotations

from contextlib import closing
from io import BytesIO

import pytest
from pydicom.filereader import read_dataset

from scp.scu import retrieve
from scp.scu.association import open_association
from storage.database.opening import open_database
from storage.outbox import deliveries
from storage.outbox.deliveries import DeliveryState
from tests.scp.interoperability.conftest import place_peer, running_site
from tests.scp.interoperability.processes import until

pytestmark = [pytest.mark.peer, pytest.mark.component]


def list_documents(site):
    """The SOP Instance UIDs of the documents in the outbox, and their states."""
    with closing(open_database(site.settings)) as database:
        return {item.sop_instance_uid: item.state for item in deliveries.list_deliveries(database, limit=None)}


@pytest.fixture(params=["ORTHANC", "ORTHANC-TLS"])
def hospital(request, tmp_path, peer_program):
    """A node that sends its results to Orthanc and asks it to commit to them, and that Orthanc."""
    (tmp_path / "node").mkdir()
    (tmp_path / "orthanc").mkdir()
    results = f'[results]\ndestinations = ["{request.param}"]\ndocuments = ["sr", "overlay"]\nretry_first_seconds = 1'
    with running_site(tmp_path / "node", "[completion]\nquiet_seconds = 2", results, commit="true") as site:
        orthanc = place_peer(request.param, site, tmp_path / "orthanc", peer_program)
        orthanc.start()
        yield site, request.param, orthanc
        orthanc.stop()


def test_send_commit_score_commit_find_move_and_get(hospital, new_study, small_series):
    site, name, orthanc = hospital
    study = new_study(len(small_series))
    orthanc.store(study.paths)
    orthanc.commit(study.images)

    until(
        "documents that are committed",
        lambda: (made := list_documents(site)) and set(made.values()) == {DeliveryState.COMMITTED},
        seconds=200,
    )
    documents = {uid: orthanc.read(uid) for uid in list_documents(site)}
    assert "SR" in {document.Modality for document in documents.values()}
    assert {document.StudyInstanceUID for document in documents.values()} == {study.study}
    everything = {str(image.SOPInstanceUID): image for image in study.images} | documents

    orthanc.forget(study.study)
    assert orthanc.find(study.study) == {str(item.SeriesInstanceUID) for item in everything.values()}
    orthanc.move(study.study)
    assert {uid: orthanc.read(uid) for uid in everything} == everything

    got = {}

    def receive(association, message):
        implicit = association.context(message).transfer_syntax == "1.2.840.10008.1.2"
        data = BytesIO(association.gather(1 << 26))
        got[message.command.sop_instance_uid] = read_dataset(data, implicit, is_little_endian=True)
        return 0

    kinds = {(item.SOPClassUID, item.file_meta.TransferSyntaxUID) for item in everything.values()}
    contexts = [retrieve.GET, *(context for kind, syntax in kinds for context in retrieve.receiving(kind, [syntax]))]
    with open_association(site.settings.node, site.peer(name), contexts) as association:
        answer = retrieve.get(association, "STUDY", {"StudyInstanceUID": study.study}, receive, subject=name)
    assert answer.status == 0
    assert got == everything
