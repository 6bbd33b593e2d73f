"""The shipped phantoms belong to the nets, weights and evidence that they are shipped with."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest

from config.errors import CoronodeError
from scoring.calibration import basis as bases
from scoring.calibration.basis import Basis, identify_evidence
from scoring.calibration.phantoms import FILE, check_basis, load_phantoms, read_phantoms, write_phantoms
from scoring.judgement import evidence, hypotheses
from tests.scoring.calibration.sites import invent_case

SHIPPED = (files("scoring.calibration") / FILE).read_bytes()


def test_those_that_are_shipped_belong_to_this_version():
    """When it fails: measure them again, `python -m training phantoms`."""
    check_basis(SHIPPED, Basis.of_shipped())
    phantoms = load_phantoms()
    assert len(phantoms) == 30
    assert {item.case.nets for item in phantoms} == {Basis.of_shipped().nets}
    # some of them have calcium, and the shipped weights find it
    assert all(item.case.sum_counted(item.case.judge()) > 0 for item in phantoms if item.truth.total > 100)


@pytest.mark.parametrize("name", ["nets", "weights", "evidence", "format"])
def test_those_of_another_version_are_refused(name):
    other = replace(Basis.of_shipped(), **{name: 0 if name == "format" else "other"})
    with pytest.raises(CoronodeError, match=rf"\({name}\), so that nothing can be fitted"):
        check_basis(SHIPPED, other)


def test_those_that_do_not_say_what_they_belong_to_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / FILE, "w") as archive:
        archive.writestr("100000-.npz", b"")
    with pytest.raises(CoronodeError, match="do not say of what version"):
        check_basis((tmp_path / FILE).read_bytes(), Basis.of_shipped())


def test_they_are_read_as_they_were_written(tmp_path):
    case, basis = invent_case(np.random.default_rng(0), "phantom 7", 3), Basis.of_shipped()
    write_phantoms(tmp_path / FILE, basis, [(7, case, (0, 2))])
    content = (tmp_path / FILE).read_bytes()
    check_basis(content, basis)
    (read,) = read_phantoms(content)
    assert (read.patient, read.truth.labels.tolist()) == ("phantom 7", [1.0, 0.0, 1.0])
    assert read.case.to_bytes() == case.to_bytes()


class TestEvidence:
    """The digest changes with everything that a measurement says, and with nothing else."""

    @pytest.fixture(autouse=True)
    def changed(self, monkeypatch):
        shipped = identify_evidence()
        yield monkeypatch  # which undoes the change only after the comparison
        assert identify_evidence() != shipped

    def test_a_steeper_limit(self, monkeypatch):
        rule = replace(hypotheses.LIMITS[0], width=hypotheses.LIMITS[0].width * 1.01)
        monkeypatch.setattr(hypotheses, "LIMITS", (rule, *hypotheses.LIMITS[1:]))

    def test_a_look_that_excludes_sooner(self, monkeypatch):
        monkeypatch.setattr(hypotheses, "THICK_MM", hypotheses.THICK_MM + 0.1)

    def test_surer_log_odds(self, monkeypatch):
        monkeypatch.setattr(evidence, "SURE_LOGIT", 6.0)

    def test_a_hypothesis_that_looks_at_less(self, monkeypatch):
        learnt = hypotheses.LEARNT | {"clip": {"coronary": -1}}
        monkeypatch.setattr(bases, "LEARNT", learnt)
