"""A patient who was deleted is found in no file of the node, neither as text nor in what a database leaves behind."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydicom import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as StudyRootFind

from scp.cli import cli
from storage.database.remains import empty_log
from storage.reviews import drafts
from storage.reviews.drafts import Author, Basis
from storage.series import quarantine, states
from storage.series.states import State

pytestmark = pytest.mark.component

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
IDENTITY = {
    "PatientName": "Zzyzxson^Quillhilda",
    "PatientID": "PID-8237461",
    "IssuerOfPatientID": "ISSUER-55",
    "PatientBirthDate": "19371123",
    "AccessionNumber": "ACC-9918273",
    "StudyID": "SID-771",
    "StudyDescription": "Secret reason 4411",
    "ReferringPhysicianName": "Wolpertinger^Xaver",
    "InstitutionName": "Klinik Hinterwald",
}
WORDS = [part.lower() for value in IDENTITY.values() for part in value.split("^")]


def find_words(folder: Path) -> set[tuple[str, str]]:
    """The identifying words that stand in the raw bytes of files, in any spelling."""
    contents = {path: path.read_bytes().lower() for path in folder.rglob("*") if path.is_file()}
    return {(path.suffix, word) for path, content in contents.items() for word in WORDS if word.encode() in content}


@pytest.fixture
def known(patient):
    """A patient with an identity that stands nowhere else."""
    images = patient()
    for image in images:
        for keyword, value in IDENTITY.items():
            setattr(image, keyword, value)
    return images


def ask(port: int, patient_id: str) -> int:
    """How many studies of a patient the node finds, asked for with everything that identifies one."""
    caller = AE("SCANNER")
    caller.add_requested_context(StudyRootFind)
    association = caller.associate("127.0.0.1", port, ae_title="CORONODE")
    query = Dataset()
    query.QueryRetrieveLevel, query.PatientID = "STUDY", patient_id
    query.PatientName = query.PatientBirthDate = query.AccessionNumber = query.StudyDescription = ""
    found = [answer for _, answer in association.send_c_find(query, StudyRootFind)]
    association.release()
    return sum(answer is not None for answer in found)


def test_a_patient_who_is_deleted_on_request_stands_in_no_file(
    run_node, configured, pacs, known, patient, scanner_of, eventually, state_of, tmp_path
):
    """Received, contradicted, asked for, scored, delivered, reviewed; deleted while the node works."""
    uid, folder = known[0].SeriesInstanceUID, tmp_path / "data"
    (tmp_path / "coronode.toml").write_text(f'[node]\ndata_dir = "{folder}"\n')
    with run_node(configured({"PACS": pacs.port})) as node:
        assert set(scanner_of(node).send([*patient()[:3], *known])) == {0}
        other = deepcopy(known[3])
        other.ImageComments = "another object under the same UID"
        assert scanner_of(node).send([other]) == [0]
        eventually("its delivery", lambda: state_of(node, uid) == State.DELIVERED)
        assert len(quarantine.list_quarantined(node.database)) == 1
        assert ask(node.server.port, IDENTITY["PatientID"]) == 1
        version = states.get(node.database, uid).version
        edit = f'{{"note": "{IDENTITY["PatientName"]}"}}'
        drafts.add_edit(node.database, Basis(uid, version, version, 0), Author("ann", "Ann"), edit, "{}", NOW)
        assert {kind for kind, _ in find_words(folder)} == {".dcm", ".sqlite-wal"}
        assert empty_log(node.database)
        assert {kind for kind, _ in find_words(folder)} == {".dcm", ".sqlite"}
        arguments = ["--patient-id", IDENTITY["PatientID"], "--force", "--yes"]
        done = CliRunner().invoke(cli, ["series", "delete", *arguments, "--config", str(tmp_path / "coronode.toml")])
        assert (done.exit_code, done.stderr) == (0, "")
        assert ask(node.server.port, IDENTITY["PatientID"]) == 0
        assert find_words(folder) == set()
