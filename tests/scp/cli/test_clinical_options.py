"""What a person tells `coronode score` of the patient."""

import csv
import shutil

import click
import pytest
from pydicom import dcmread

from config.errors import ConfigurationError
from config.settings import Settings
from scoring.result import Score
from scp.cli import clinical

FILE = clinical.EPILOG.partition(":\n")[2].replace("  ", "")
NOTHING = {"age": None, "sex": None, "group": None, "clinical": None, "studies": 1}


@pytest.fixture
def patient_file(tmp_path):
    path = tmp_path / "patient.toml"
    path.write_text(FILE, "utf-8")
    return path


def test_risk_in_context_from_the_command_line(coronode, scan, patient_file, tmp_path):
    told = ("--age", 70, "--sex", "male", "--group", "hispanic", "--clinical", patient_file)
    ended = coronode("score", scan, "--json", "--out", tmp_path / "out", *told)
    assert ended.code == 0, ended.err
    score = Score.from_json(ended.out)
    patient = score.patient
    assert (patient.age_years, patient.sex, patient.group) == (70, "male", "hispanic")
    assert patient.group_origin == "command line"
    assert (score.percentile.p50, score.percentile.p75) == (56, 247)
    assert 8 < score.risk.ten_year_without_percent < 9
    with (tmp_path / "out" / "scores.csv").open() as table:
        (row,) = csv.DictReader(table)
    assert (row["age_years"], row["sex"], row["group"]) == ("70.0", "male", "hispanic")
    assert row["percentile_band"] == score.percentile.band
    assert float(row["arterial_age_years"]) == score.risk.arterial_age_years
    assert float(row["ten_year_percent"]) == score.risk.ten_year_percent
    words = f"percentile {score.percentile.band} (MESA: hispanic, male, 70 years)"
    assert words in coronode("score", scan, *told[:-2]).out


def test_the_file_of_the_help_is_read(patient_file):
    context = clinical.read_context(Settings(), **NOTHING | {"clinical": patient_file})
    found = context.clinical
    assert (found.total_cholesterol, found.hdl_cholesterol, found.systolic_pressure) == (190, 50, 130)
    assert (found.blood_pressure_medication, found.lipid_medication, found.smoker) == (True, False, False)
    assert clinical.read_context(Settings(), **NOTHING).clinical is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("= 190", "= 4.9", "total_cholesterol = 4.9: input should be greater than or equal to 50 (units are mg/dL"),
        ("smoker = false\n", "", "smoker: is missing; without every value there is no risk"),
        ("smoker = false", "smoker = 0", "smoker = 0: should be true or false"),
        ("smoker", "smokes", "smokes: unknown key; allowed: total_cholesterol, hdl_cholesterol"),
        ("= 130", "= ", "is not valid TOML"),
    ],
)
def test_a_wrong_file_says_what_is_allowed(patient_file, old, new, words):
    patient_file.write_text(FILE.replace(old, new), "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        clinical.read_context(Settings(), **NOTHING | {"clinical": patient_file})
    assert words in str(caught.value)
    assert str(patient_file) in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        clinical.read_context(Settings(), **NOTHING | {"clinical": tmp_path / "none.toml"})


def test_values_of_one_patient_do_not_fit_several_studies(coronode, scan, tmp_path):
    images = sorted(scan.glob("dicom/*.dcm"))[:2]
    for name, study in (("one", "1.2.3"), ("two", "1.2.4")):
        (tmp_path / name).mkdir()
        for path in images:
            image = dcmread(path)
            image.StudyInstanceUID, image.SeriesInstanceUID = study, f"{study}.1"
            image.save_as(tmp_path / name / path.name)
    ended = coronode("score", "one", "two", "--age", 60)
    assert ended.code == 2
    assert "2 studies were found" in ended.err
    assert clinical.read_context(Settings(), **NOTHING | {"group": "white", "studies": 2}).patient.group == "white"
    with pytest.raises(click.UsageError):
        clinical.read_context(Settings(), **NOTHING | {"sex": "male", "studies": 2})


def test_a_wrong_table_of_the_site_is_refused_at_start(coronode, scan, tmp_path):
    (tmp_path / "own.csv").write_text("race,sex,age,p_nonzero_pct,p25,p50,p75,p90\nwhite,male,x,1,0,0,0,0\n")
    (tmp_path / "coronode.toml").write_text(
        '[risk]\ntable = "own.csv"\ntable_name = "Own"\ntable_citation = "Ours"\n[node]\nport = 0\n'
    )
    for command in (("config", "check"), ("score", scan), ("serve",)):
        ended = coronode(*command)
        assert ended.code == 2, command
        assert "own.csv, line 2: age = 'x'; allowed: years, 0 to 120" in ended.err


def test_the_configured_group_reaches_every_series_of_many(coronode, scan, tmp_path):
    archive = tmp_path / "archive"
    few = archive / "few"
    few.mkdir(parents=True)
    for path in sorted(scan.glob("dicom/*.dcm"))[:3]:
        shutil.copy(path, few)
        image = dcmread(path)
        image.SeriesInstanceUID = "1.2.3.4"
        image.save_as(archive / path.name)
    (tmp_path / "coronode.toml").write_text('[risk]\ngroup = "black"\n')
    ended = coronode("score", archive, "--json", "--jobs", 1)
    found = [Score.from_json(line) for line in ended.out.splitlines()]
    assert [(score.patient.group, score.patient.group_origin) for score in found] == [("black", "configuration")] * 2
