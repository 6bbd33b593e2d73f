"""`coronode report` makes documents again, `coronode score --documents` makes them beside the result."""

from __future__ import annotations

import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pypdf import PdfReader

from config.settings import Settings
from scoring.result import Score
from scp.cli import cli
from storage.database.opening import open_database
from storage.intake.instances import find_instance
from storage.objects.opening import open_files


@pytest.fixture(scope="session")
def results(scan, tmp_path_factory):
    """A folder with the result of the scan, as `score --out` writes it."""
    folder = tmp_path_factory.mktemp("results")
    cli.main(["score", str(scan), "--out", str(folder)], standalone_mode=False)
    return folder


@pytest.fixture
def scored(results, tmp_path):
    """The result in a copy of that folder."""
    (result,) = shutil.copytree(results, tmp_path / "out").glob("*.json")
    return result


def names(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}


def words(path) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(path).pages).split())


def test_a_result_alone_has_no_documents_that_name_a_patient(scored):
    assert names(scored.parent) == {scored.name, "scores.csv"}


def test_every_kind_is_written_with_its_plain_form(coronode, scan, scored, tmp_path):
    score = Score.from_json(scored.read_bytes())
    ended = coronode("report", scored, "--out", "documents", "--images", scan, "--documents", "all")
    assert ended.code == 0, ended.err
    made = names(tmp_path / "documents")
    pages = {f"overlay-{number:02d}" for number in range(1, sum(name.endswith(".png") for name in made) + 1)}
    plain = {"sr.dcm", "seg.dcm", "report.dcm", "report.pdf", "letter.dcm", "letter.pdf"}
    assert made == plain | {f"{page}.{ending}" for page in pages for ending in ("dcm", "png")}
    assert len(pages) > 1
    assert {line.rpartition("/")[2] for line in ended.out.split()} == made
    folder = tmp_path / "documents"
    assert dcmread(folder / "sr.dcm").StudyInstanceUID == score.series.study_instance_uid
    inside = dcmread(folder / "report.dcm")
    assert inside.EncapsulatedDocument[: inside.EncapsulatedDocumentLength] == (folder / "report.pdf").read_bytes()
    assert f"Agatston score {score.agatston.total:.0f}" in words(folder / "report.pdf")
    assert f"Your calcium score {score.agatston.total:.0f}" in words(folder / "letter.pdf")
    picture = np.asarray(Image.open(folder / "overlay-01.png"))
    assert np.array_equal(picture, dcmread(folder / "overlay-01.dcm").pixel_array)


def test_a_second_call_makes_the_same_files_and_leaves_nothing_of_an_old_result(coronode, scan, scored, tmp_path):
    folder = tmp_path / "documents"
    call = ("report", scored, "--out", folder, "--images", scan, "--documents", "overlay,pdf")
    assert coronode(*call).code == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for stale in ("overlay-99.dcm", "overlay-99.png"):
        (folder / stale).write_bytes(b"of a score that had more slices")
    for other in ("notes.txt", "overlay.txt", "sr.dcm"):
        (folder / other).write_bytes(b"somebody's own")
    assert coronode(*call).code == 0
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() == {"notes.txt", "overlay.txt", "sr.dcm"}


def test_images_beside_the_result_are_found(coronode, scan, scored, tmp_path):
    shutil.copytree(scan / "dicom", scored.parent / "dicom")
    assert coronode("report", scored, "--out", "made", "--documents", "letter").code == 0
    assert names(tmp_path / "made") == {"letter.dcm", "letter.pdf"}


def test_without_images_nothing_is_made_and_the_way_out_is_told(coronode, scored, tmp_path):
    ended = coronode("report", scored, "--out", "made", "--documents", "pdf")
    assert ended.code == 1
    assert "are neither in" in ended.err
    assert "--images" in ended.err
    assert not (tmp_path / "made").exists()


def test_images_of_another_series_are_not_taken(coronode, scored, scan, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for path in sorted(scan.glob("dicom/*.dcm"))[:2]:
        image = dcmread(path)
        image.SeriesInstanceUID = "1.2.3.4"
        image.save_as(other / path.name)
    ended = coronode("report", scored, "--out", "made", "--images", other)
    assert ended.code == 1
    assert "no image of series" in ended.err


@pytest.mark.parametrize(
    ("content", "told"),
    [("{", "not.json"), ('{"schema": "another/1"}', "not a score: schema is 'another/1'"), ("[]", "not a score")],
)
def test_what_is_no_result_is_refused(coronode, tmp_path, content, told):
    (tmp_path / "not.json").write_text(content)
    ended = coronode("report", "not.json", "--out", "made")
    assert ended.code == 1
    assert told in ended.err
    assert len(ended.err.strip().splitlines()) == 1


def test_a_wrong_kind_names_those_there_are(coronode, scored):
    ended = coronode("report", scored, "--out", "made", "--documents", "sr,png")
    assert ended.code == 2
    assert "'png'; allowed: sr, overlay, seg, pdf, letter" in ended.err


def test_documents_and_words_follow_the_configuration(coronode, scan, scored, tmp_path):
    (tmp_path / "words.toml").write_text('[report]\ntitle = "Kalkbefund"\n')
    (tmp_path / "site.toml").write_text(
        '[results]\ndocuments = ["pdf"]\nlanguage = "de"\ninstitution = "Klinik Süd"\ntexts = "words.toml"\n'
    )
    assert coronode("report", scored, "--out", "made", "--images", scan, "--config", "site.toml").code == 0
    assert names(tmp_path / "made") == {"report.dcm", "report.pdf"}
    told = words(tmp_path / "made/report.pdf")
    assert told.startswith("Kalkbefund Klinik Süd NUR FÜR DIE FORSCHUNG")


@pytest.mark.parametrize("command", [("config", "check"), ("serve",), ("report",), ("score",)])
def test_words_that_cannot_be_used_are_refused_before_anything_is_done(coronode, scan, scored, tmp_path, command):
    (tmp_path / "words.toml").write_text('[report]\ntitel = "x"\n')
    (tmp_path / "site.toml").write_text('[results]\ntexts = "words.toml"\n')
    arguments = {"report": (scored, "--out", "made"), "score": (scan, "--out", "made", "--documents", "pdf")}
    ended = coronode(*command, *arguments.get(command[0], ()), "--config", "site.toml")
    assert ended.code == 2
    assert "words.toml: report.titel: unknown key; allowed: " in ended.err
    assert not (tmp_path / "made").exists()


def test_the_node_finds_the_images_of_its_own_results_and_makes_the_same_report(coronode, undelivered, tmp_path):
    folder, delivery = undelivered
    (tmp_path / "site.toml").write_text(f'[node]\ndata_dir = "{folder}"\n')
    shown = coronode("series", "show", delivery.series_instance_uid, "--json", "--config", "site.toml")
    (tmp_path / "result.json").write_text(shown.out)
    ended = coronode("report", "result.json", "--out", "made", "--documents", "sr,pdf", "--config", "site.toml")
    assert ended.code == 0, ended.err
    again = (tmp_path / "made/sr.dcm").read_bytes()
    settings = Settings(node={"data_dir": folder})
    database = open_database(settings)
    stored = find_instance(database, str(dcmread(io.BytesIO(again)).SOPInstanceUID))
    database.close()
    assert open_files(settings).path(stored.path).read_bytes() == again


def test_score_makes_documents_that_report_makes_again_byte_for_byte(coronode, scan, tmp_path):
    ended = coronode("score", scan, "--out", "out", "--documents", "sr,pdf")
    assert ended.code == 0, ended.err
    (result,) = (tmp_path / "out").glob("*.json")
    folder = tmp_path / "out" / result.stem
    assert names(folder) == {"sr.dcm", "report.dcm", "report.pdf"}
    assert coronode("report", result, "--out", "made", "--documents", "sr,pdf", "--images", scan).code == 0
    for name in names(folder):
        assert (folder / name).read_bytes() == (tmp_path / "made" / name).read_bytes(), name


def test_score_in_processes_makes_documents_of_each_series_that_has_a_score(coronode, scan, tmp_path):
    archive = tmp_path / "archive"
    shutil.copytree(scan, archive / "good")
    (archive / "few").mkdir()
    for path in sorted(scan.glob("dicom/*.dcm"))[:3]:
        image = dcmread(path)
        image.SeriesInstanceUID = "1.2.3.4"
        image.save_as(archive / "few" / path.name)
    ended = coronode("score", archive, "--out", "out", "--jobs", 2, "--documents", "letter")
    assert ended.code == 0, ended.err
    folders = [path for path in (tmp_path / "out").iterdir() if path.is_dir()]
    assert [names(folder) for folder in folders] == [{"letter.dcm", "letter.pdf"}]
    assert json.loads((tmp_path / "out" / f"{folders[0].name}.json").read_text())["status"] == "scored"


def test_documents_that_cannot_be_written_do_not_lose_the_score(coronode, scan, scored, tmp_path):
    out = tmp_path / "again"
    out.mkdir()
    (out / scored.stem).write_text("a file where the folder should be")
    ended = coronode("score", scan, "--out", out, "--documents", "pdf")
    assert ended.code == 1
    assert "no documents: " in ended.err
    assert "cannot be written" in ended.err
    assert Score.from_json((out / scored.name).read_bytes()).status == "scored"


def test_documents_of_score_need_a_folder(coronode, scan):
    ended = coronode("score", scan, "--documents", "pdf")
    assert ended.code == 2
    assert "--documents needs --out" in ended.err


def test_a_stored_result_tells_what_its_documents_lack_of_a_broken_header(coronode, scan, scored, tmp_path):
    images = shutil.copytree(scan, tmp_path / "images")
    for path in images.rglob("*.dcm"):
        image = dcmread(path)
        image.add(DataElement(0x00080050, "SH", "ACCESSION0123456789012345678901234", validation_mode=IGNORE))
        image.add(DataElement(0x00100040, "CS", "MALE", validation_mode=IGNORE))
        image.save_as(path)
    ended = coronode("report", scored, "--out", "documents", "--images", images, "--documents", "sr,pdf")
    assert ended.code == 0, ended.err
    report = dcmread(tmp_path / "documents" / "sr.dcm")
    assert (report.AccessionNumber, report.PatientSex) == ("", "M")
    assert "[identifiers_changed]" in report.to_json()
    printed = words(tmp_path / "documents" / "report.pdf")
    assert "Accession Number (0008,0050)" in printed
    assert "ACCESSION0123456789012345678901234" in printed
