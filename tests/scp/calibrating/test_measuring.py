"""A series is measured once, as long as nothing that counts has changed; what cannot be measured is told."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from scoring.calibration import observation
from scoring.calibration.case import Case
from scp.calibrating import measuring, sources
from scp.calibrating.measuring import LeftOut, Measurer
from scp.calibrating.sources import Totals
from tests.scoring.calibration.sites import invent_case


@pytest.fixture
def source(site):
    (found,) = sources.find_here(site.database, site.files, {site.series: site.score})
    return found


@pytest.fixture
def pool(monkeypatch):
    """Measures in this process; `pool` lists the files of each measurement, `pool.outcome` replaces it."""

    class Pool(list):
        outcome = None

    asked, observe = Pool(), measuring._observe

    def measure(files, settings):
        asked.append(files)
        if isinstance(asked.outcome, Exception):
            raise asked.outcome
        return asked.outcome or observe(files, settings)

    monkeypatch.setattr(measuring, "_observe", measure)
    monkeypatch.setattr(measuring, "ProcessPoolExecutor", lambda jobs, **_: ThreadPoolExecutor(jobs))
    return asked


@pytest.fixture
def gather(site):
    def gather(*given, version="1.0", settings=site.installation.settings):
        return Measurer(settings, version).gather(given, lambda *_: None)

    return gather


def test_what_the_engine_scored_and_the_reader_counted_are_the_same_candidates(source, gather, pool, site):
    rejected = replace(
        site.score,
        lesions=site.score.lesions[1:],
        agatston=replace(site.score.agatston, total=site.score.agatston.total - site.score.lesions[0].agatston),
    )
    (example,) = gather(replace(source, answer=rejected)).examples
    case, truth = example.case, example.truth
    assert case.sum_counted(case.judge()) == pytest.approx(site.score.agatston.total, abs=0.01)
    assert float(case.agatston @ truth.labels) == pytest.approx(rejected.agatston.total, abs=0.01)
    assert (truth.total, truth.beyond, example.patient) == (rejected.agatston.total, 0, source.patient)
    assert len(pool) == 1


class TestKept:
    """With a measurement that is invented, since what it says does not matter here."""

    @pytest.fixture(autouse=True)
    def quick(self, pool, source):
        pool.outcome = invent_case(np.random.default_rng(0), source.series_instance_uid, 5).to_bytes()

    @pytest.fixture
    def totals(self, source):
        return replace(source, answer=Totals(10.0, {}))

    def test_it_is_measured_once(self, totals, gather, pool, site):
        first, second = gather(totals), gather(totals)
        assert len(pool) == 1
        assert first.examples[0].case.to_bytes() == second.examples[0].case.to_bytes()
        (file,) = (site.installation.settings.node.data_dir / measuring.FOLDER).iterdir()
        assert Case.from_bytes(file.read_bytes()).series_instance_uid == site.series

    def test_other_software_settings_or_files_are_measured_anew(self, totals, gather, pool, site):
        gather(totals)
        gather(totals, version="1.1")
        settings = site.installation.settings
        scoring = settings.scoring.model_copy(update={"convention": "kvp-adjusted"})
        gather(totals, settings=settings.model_copy(update={"scoring": scoring}))
        gather(replace(totals, files=totals.files[:-1]))
        assert len(pool) == 4

    def test_one_that_is_damaged_is_measured_anew(self, totals, gather, pool, site):
        gather(totals)
        (file,) = (site.installation.settings.node.data_dir / measuring.FOLDER).iterdir()
        file.write_bytes(file.read_bytes()[:100])
        assert len(gather(totals).examples) == 1
        assert len(gather(totals).examples) == 1
        assert len(pool) == 2

    def test_a_result_by_another_convention_is_left_out(self, source, gather):
        other = replace(source.answer, provenance=replace(source.answer.provenance, convention="other"))
        gathered = gather(replace(source, answer=other))
        assert gathered.examples == ()
        assert "by the convention other, not standard" in gathered.left_out[0].why


def test_a_series_that_cannot_be_scored_is_left_out_in_words(source, gather, pool, site):
    gathered = gather(replace(source, files=source.files[:2]))
    assert gathered.examples == ()
    (left_out,) = gathered.left_out
    assert left_out.series_instance_uid == site.series
    assert " " in left_out.why
    assert not (site.installation.settings.node.data_dir / measuring.FOLDER).exists()


def test_a_process_that_is_killed_costs_its_series_alone(source, gather, monkeypatch):
    """The file of one series is a stand-in that kills whoever measures it; those that wait with it are measured."""
    monkeypatch.setattr(measuring, "_observe", kill_or_invent)
    deadly = replace(source, series_instance_uid="2.25.2", files=(source.files[0],), answer=Totals(0.0, {}))
    others = [
        replace(source, series_instance_uid=f"2.25.{number}", files=source.files[number:], answer=Totals(0.0, {}))
        for number in (3, 4)
    ]
    gathered = gather(deadly, *others)
    why = "the process that measured it ended: too little memory, or killed from outside"
    assert gathered.left_out == (LeftOut("2.25.2", why),)
    assert len(gathered.examples) == 2


def kill_or_invent(files, _):
    if len(files) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return invent_case(np.random.default_rng(0), "2.25.3", 5).to_bytes()


@pytest.mark.usefixtures("pool")
def test_a_fault_of_the_software_is_told_without_values_of_the_images(source, gather, monkeypatch):
    def fail(*_):
        raise ValueError("Doe^Jane")

    monkeypatch.setattr(observation, "observe", fail)
    (left_out,) = gather(source).left_out
    assert left_out.why == "it could not be measured, which is a fault of the software (ValueError)"


def test_images_that_have_gone_are_told(source, gather, pool):
    for path in source.files:
        path.unlink()
    (left_out,) = gather(source).left_out
    assert left_out.why
