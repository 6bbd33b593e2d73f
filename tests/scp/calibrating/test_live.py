"""Readers sign beside the running node, a calibration is fitted to what they signed, and the node scores with it."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient
from pydicom.uid import EncapsulatedPDFStorage
from pypdf import PdfReader

from scoring import engine
from scoring.calibration import refit
from scoring.judgement.calibration import Calibration
from scoring.result import Score
from scp.cli import main
from scp.installation import utc_now
from scp.web.accounts import cookies
from scp.web.accounts.secrets import derive
from scp.web.app import create_app
from scp.web.services import Services
from storage.calibrations.calibrations import find_adopted
from storage.database.opening import open_database
from storage.series import results, slices, states
from storage.series.states import State
from storage.series.store import open_store

pytestmark = pytest.mark.component

BY = ("--name", "Dr. A. Reader", "--reason", "tried")


@pytest.fixture
def calibrate(tmp_path, monkeypatch, capsys):
    """`calibrate("fit", ...)` runs the command beside the node, and returns its output; 2 patients are enough."""
    monkeypatch.setattr(refit, "FEWEST_PATIENTS", 2)
    monkeypatch.setattr(refit, "FEWEST_WITH_CALCIUM", 2)
    file = tmp_path / "coronode.toml"
    file.write_text(f'[node]\ndata_dir = "{tmp_path / "data"}"\nreserve_mb = 0\n')

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["coronode", "calibrate", *arguments, "--config", str(file)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        assert not ended.value.code, captured.err
        return captured.out

    return run


@pytest.fixture
def reader():
    """`reader(settings, database)`: a browser at the machine, over a connection to the index of its own."""

    def open_browser(settings, database):
        files = open_store(settings, database)
        services = Services(settings, database, files, utc_now, SimpleNamespace(ask=lambda _: True))
        client = TestClient(create_app(services), base_url="http://127.0.0.1:8080", client=("127.0.0.1", 50000))
        client.cookies.set(cookies.BROWSER, "the secret of a browser")
        client.headers["X-CSRF-Token"] = derive("the secret of a browser", "forms")
        return client

    return open_browser


def sign(browser, uid):
    """Reject the first lesion and sign, as the page's script does."""

    def post(action, **values):
        answer = browser.post(f"/api/reviews/{uid}/{action}", json=values)
        assert answer.status_code == 200, answer.text
        return answer.json()

    state = browser.get(f"/api/reviews/{uid}").json()
    state = post("edits", revision=state["revision"], edit={"kind": "reject", "lesion": "1"})
    assert post("sign", revision=state["revision"], reader="Dr. A. Reader") == {"version": 2}


def tell_whole(document) -> str:
    """Every word of a document that the PACS received, without spaces, as lines may break anywhere."""
    if document.SOPClassUID == EncapsulatedPDFStorage:
        pages = PdfReader(io.BytesIO(document.EncapsulatedDocument)).pages
        return "".join("".join(page.extract_text() for page in pages).split())
    return "".join(document.to_json().split())


def test_signed_reviews_become_the_calibration_that_scores_until_it_is_reverted(
    patient, new_pacs, configured, run_node, scanner_of, state_of, eventually, calibrate, reader
):
    pacs = new_pacs()
    pacs.classes.append(EncapsulatedPDFStorage)
    pacs.start()
    settings = configured({"PACS": pacs.port}, results={"documents": ("sr", "pdf")})
    with run_node(settings) as node, closing(open_database(settings)) as database:
        scanner, browser = scanner_of(node), reader(settings, database)

        def receive(name: str) -> tuple[Score, list[str]]:
            images = patient()
            for image in images:
                image.PatientID = name
            uid, before = images[0].SeriesInstanceUID, len(pacs.received)
            assert set(scanner.send(images)) == {0}
            eventually(f"the documents of {name}", lambda: state_of(node, uid) == State.DELIVERED)
            documents = [tell_whole(item) for item in pacs.received[before:]]
            assert len(documents) == 2
            return Score.from_json(results.get(database, uid).score_json), documents

        for name in ("ONE", "TWO"):
            shipped, _ = receive(name)
            sign(browser, shipped.series.series_instance_uid)
            eventually("the signed result", lambda uid=shipped.series.series_instance_uid: _is_sent(database, uid))

        told = calibrate("fit", "--name", "site-a", "--jobs", "1")
        assert "calibration 1: site-a (sha256 " in told
        assert find_adopted(database) is None
        calibrate("adopt", "1", *BY, "--anyway")
        own = Calibration.from_json(find_adopted(database).fitted.calibration_json)

        scored, documents = receive("THREE")
        assert scored.provenance.calibration == own.label
        label = "".join(own.label.split())
        assert [label in text for text in documents] == [True, True]
        # by the weights themselves, and not in name alone
        paths = slices.list_files(database, open_store(settings, database), scored.series.series_instance_uid)
        again = engine.score([Path(path) for path in paths], calibration=own)
        assert (again.agatston, _list_sure(again)) == (scored.agatston, _list_sure(scored))
        assert _list_sure(scored) != _list_sure(shipped)

        calibrate("revert", *BY)
        scored, documents = receive("FOUR")
        assert scored.provenance.calibration is None
        assert not any("site-a" in text for text in documents)
        assert (scored.agatston, _list_sure(scored)) == (shipped.agatston, _list_sure(shipped))


def _list_sure(score: Score) -> list[float | None]:
    return [item.confidence for item in score.lesions]


def _is_sent(database, uid: str) -> bool:
    series = states.get(database, uid)
    return (series.version, series.state) == (2, State.DELIVERED)
