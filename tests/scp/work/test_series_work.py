"""The work on a series, from every point where it can begin again."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from config.errors import NotScorable, Transient
from scoring.result import Score
from scoring.risk.context import Context
from scp.priors.comparison import History
from scp.work.documents import DocumentWork
from scp.work.series_work import SeriesWork
from storage.calibrations import calibrations
from storage.database import audit
from storage.intake.instances import register
from storage.objects.header import InstanceHeader
from storage.outbox import deliveries, outgoing
from storage.reviews import signing
from storage.reviews.drafts import Author, Basis
from storage.series import expectations, lifecycle, quarantine, refusals, rejecting, results, states, step_changes
from storage.series.expectations import Announcement
from storage.series.priors import Person
from storage.series.refusals import Refusal
from storage.series.rejections import Reference, RejectionNote
from storage.series.states import State
from storage.series.step_changes import Changes
from storage.series.steps import Reason, Step, StepState

UID = "1.2.1.1"


class Site:
    """A complete series and the work on it; `work` begins as after a start of the node."""

    def __init__(self, installation, receive, scorer) -> None:
        self.installation, self.scorer = installation, scorer
        self.database = installation.database
        self.receive = lambda count, first=1: receive(installation, count, first)
        self.receive(3)
        self.complete()

    @property
    def work(self) -> SeriesWork:
        reporting = DocumentWork(self.installation, self.scorer)
        return SeriesWork(self.installation, self.scorer, History(self.installation), reporting)

    def complete(self) -> int:
        checked = self.series.instance_count
        return lifecycle.complete(self.database, UID, self.installation.clock(), expected=checked)

    @property
    def now(self) -> datetime:
        return self.installation.clock()

    @property
    def series(self) -> states.SeriesState:
        return states.get(self.database, UID)

    def result(self, version: int = 1) -> results.Result | None:
        return results.get(self.database, UID, version)

    @property
    def outbox(self) -> list[tuple[int, str, str]]:
        return sorted((item.version, item.kind, item.destination) for item in deliveries.list_deliveries(self.database))


@pytest.fixture
def site(install, receive, scorer) -> Site:
    return Site(install(), receive, scorer)


def test_the_calibration_that_is_adopted_scores_from_the_next_series_on(site):
    fitted = calibrations.Fitted("site-2026-11", "ab", '{"weights": 1}', "[]", "{}", "better", "0.2.0")
    kept = calibrations.keep(site.database, fitted, site.installation.clock())
    site.work.run(UID, 1)
    calibrations.adopt(site.database, kept.id, "Dr Weber", "better", site.installation.clock())
    lifecycle.rescore(site.database, UID, site.installation.clock())
    site.work.run(UID, site.complete())
    assert site.scorer.calibrations == [None, '{"weights": 1}']


def test_scored_reported_and_owed_to_the_destination(site):
    site.work.run(UID, 1)
    (files,) = site.scorer.scored
    assert [path.read_bytes() for path in files] == [f"{UID}.{number}".encode() for number in (1, 2, 3)]
    settings = site.installation.settings
    assert site.scorer.given == [(settings.scoring, settings.selection, Context(settings.risk))]
    assert (site.series.state, site.series.reason_code) == (State.SCORED, "")
    assert Score.from_json(site.result().score_json).agatston.total == 100
    assert site.result().report is not None
    assert site.outbox == [(1, "sr", "PACS")]


def store(installation, sop_instance_uid: str, content: bytes, number: int) -> None:
    """Register an object of the series with these bytes and this Instance Number."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, sop_instance_uid
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Modality = "1.2.1", UID, "CT"
    dataset.InstanceNumber = number
    header = InstanceHeader.from_dataset(dataset, ExplicitVRLittleEndian)
    stored = installation.files.write(content, header.file_name(content.hex()))
    register(installation.database, installation.files, header, stored, now=installation.clock())


def test_another_image_under_the_uid_of_a_slice_is_shown_to_the_scorer(install, receive, scorer):
    """It lies in quarantine, and its place in the series may be empty; a corrected header is no such image."""
    site = Site(install(), receive, scorer)
    for uid, content, place in (
        ("9.1", b"first", 3),
        ("9.2", b"second", 6),
        ("9.1", b"another place", 4),
        ("9.2", b"corrected", 6),
    ):
        store(site.installation, uid, content, place)
    aside = {item.sop_instance_uid: item for item in quarantine.list_quarantined(site.database)}
    assert {uid: item.reason for uid, item in aside.items()} == {"9.1": "repeated_uid", "9.2": "other_bytes"}
    site.work.run(UID, site.complete())
    (files,) = site.scorer.scored
    assert files[5:] == (site.installation.files.path(aside["9.1"].path),)


def test_done_is_done(site):
    site.work.run(UID, 1)
    site.work.run(UID, 1)
    assert (len(site.scorer.scored), len(site.scorer.requests)) == (1, 1)


def test_a_crash_in_the_middle_of_scoring_is_scored_again(site):
    assert lifecycle.start_scoring(site.database, UID, 1, site.installation.clock())
    site.work.run(UID, 1)
    assert (len(site.scorer.scored), site.outbox) == (1, [(1, "sr", "PACS")])


def test_a_crash_between_score_and_report_makes_the_report_alone(site, score):
    now = site.installation.clock()
    lifecycle.start_scoring(site.database, UID, 1, now)
    lifecycle.finish(site.database, UID, 1, score.to_json(), "scored", now=now)
    site.work.run(UID, 1)
    assert (site.scorer.scored, len(site.scorer.requests)) == ([], 1)
    assert site.outbox == [(1, "sr", "PACS")]


def test_a_crash_in_the_middle_of_reporting_reports_again(site):
    site.scorer.failure = Transient("the node is stopping")
    with pytest.raises(Transient):
        site.work.run(UID, 1)
    assert (site.series.state, site.result().report, site.outbox) == (State.SCORED, None, [])
    site.scorer.failure = None
    site.work.run(UID, 1)
    assert (len(site.scorer.scored), site.outbox) == (1, [(1, "sr", "PACS")])


def test_a_late_slice_makes_the_result_out_of_date(site):
    site.scorer.during = lambda: site.receive(1, first=4)
    site.work.run(UID, 1)
    assert (site.series.state, site.result(), site.outbox) == (State.RECEIVING, None, [])
    site.scorer.during = lambda: None
    assert site.complete() == 2
    site.work.run(UID, 2)
    assert len(site.scorer.scored[1]) == 4
    assert (site.series.state, site.outbox) == (State.SCORED, [(2, "sr", "PACS")])


def test_a_version_that_was_replaced_meanwhile_is_left_alone(site):
    site.receive(1, first=4)
    assert site.complete() == 2
    site.work.run(UID, 1)
    assert (site.scorer.scored, site.series.state, site.series.version) == ([], State.COMPLETE, 2)


def test_a_late_slice_between_score_and_report_stops_the_report(site, score):
    now = site.installation.clock()
    lifecycle.finish(site.database, UID, 1, score.to_json(), "scored", now=now)
    site.receive(1, first=4)
    site.complete()
    site.work.run(UID, 1)
    assert (site.scorer.requests, site.outbox) == ([], [])


def test_a_verdict_of_the_scoring_is_kept_with_its_code(site):
    site.scorer.answers.append(NotScorable("crashed", ending="exit code 1"))
    site.work.run(UID, 1)
    assert (site.series.state, site.series.reason_code) == (State.NOT_SCORABLE, "crashed")
    assert site.series.reason
    assert (site.result().score_json, site.outbox) == ("", [])


def test_a_refused_score_names_the_flag_that_refused_it(site, refused):
    site.scorer.answers.append(refused("contrast"))
    site.work.run(UID, 1)
    assert (site.series.state, site.series.reason_code) == (State.NOT_SCORABLE, "contrast")
    assert Score.from_json(site.result().score_json).agatston is None
    assert site.outbox == []


def test_a_fault_of_the_machine_leaves_the_series_in_scoring(site):
    site.scorer.answers.append(Transient("the node is stopping"))
    with pytest.raises(Transient):
        site.work.run(UID, 1)
    assert (site.series.state, site.result()) == (State.SCORING, None)
    site.work.run(UID, 1)
    assert site.series.state == State.SCORED


def test_a_database_that_is_away_at_the_result_leaves_the_series_in_scoring(site):
    def fail_from_now_on():
        site.database.refusals = 1

    site.scorer.during = fail_from_now_on
    with pytest.raises(Transient, match="disk full"):
        site.work.run(UID, 1)
    assert (site.series.state, site.result()) == (State.SCORING, None)


def test_a_series_that_is_postponed_waits_the_longer_the_longer_the_fault_lasts(site, clock):
    pauses = []
    for lasting in (0, 60, 600, 86400):
        clock.now = site.series.completed_at + timedelta(seconds=lasting)
        site.work.postpone(UID, 1, "/store/1.dcm: No such file or directory")
        assert site.series.wait_reason == "/store/1.dcm: No such file or directory"
        pauses.append((site.series.wait_until - clock.now).total_seconds())
    assert pauses == [5, 30, 300, 900]
    site.work.run(UID, 1)
    assert (site.series.state, site.series.wait_reason, site.series.wait_until) == (State.SCORED, "", None)


def test_a_report_that_was_postponed_no_longer_waits_once_it_is_made(site, score):
    now = site.installation.clock()
    lifecycle.finish(site.database, UID, 1, score.to_json(), "scored", now=now)
    site.work.postpone(UID, 1, "the disk is away")
    assert site.series.wait_until is not None
    site.work.run(UID, 1)
    assert (site.series.wait_reason, site.series.wait_until, len(site.outbox)) == ("", None, 1)


def test_only_the_current_version_is_postponed(site):
    site.work.postpone(UID, 7, "the disk is away")
    site.receive(1, first=4)
    site.work.postpone(UID, 1, "the disk is away")
    assert site.series.wait_until is None


def test_images_without_uids_are_scored_under_those_of_the_index(site, score):
    nameless = replace(score.series, study_instance_uid="", series_instance_uid="")
    site.scorer.answers.append(replace(score, series=nameless))
    site.work.run(UID, 1)
    info = Score.from_json(site.result().score_json).series
    assert (info.study_instance_uid, info.series_instance_uid) == ("1.2.1", UID)


@pytest.mark.parametrize(("count", "begins"), [(1, "1 image of the series was"), (2, "2 images of the series were")])
def test_images_that_were_refused_are_told_in_the_result(site, count, begins):
    for number in range(count):
        refusals.note(site.database, Refusal(UID, f"{UID}.9{number}", "CT", "0xC000"), site.installation.clock())
    site.work.run(UID, site.complete())
    (flag,) = Score.from_json(site.result(2).score_json).flags
    assert (flag.code, flag.severity, flag.values) == ("refused_images", "warning", {"count": count})
    assert flag.message.startswith(begins)


def test_a_result_after_a_signed_one_says_so(site):
    site.work.run(UID, 1)
    author = Author("anna", "Dr. Anna")
    signed = signing.sign(site.database, Basis(UID, 1, 1, 0), author, "{}", site.now, person="anna", text="")
    assert signed == 2
    lifecycle.rescore(site.database, UID, site.now)
    site.work.run(UID, site.complete())
    (flag,) = Score.from_json(site.result(3).score_json).flags
    assert (flag.code, flag.severity) == ("signed_review", "warning")
    assert flag.values == {"reader": "Dr. Anna", "date": site.now.date().isoformat(), "version": 2}


@pytest.mark.parametrize(
    ("source", "missing", "begins"),
    [("mpps", 1, "1 of 4 images that were announced for the series has"), ("witness", 2, "2 of 5 images that were")],
)
def test_images_that_were_announced_and_did_not_come_are_told_in_the_result(site, source, missing, begins):
    expectations.announce(site.database, Announcement(UID, "commitment", "1.2.8", 4, final=False), site.now)
    expectations.announce(site.database, Announcement(UID, source, "1.2.9", 3 + missing), site.now)
    site.work.run(UID, site.complete())
    (flag,) = Score.from_json(site.result(2).score_json).flags
    assert (flag.code, flag.severity) == ("announced_images", "warning")
    assert flag.values == {"count": missing, "expected": 3 + missing}
    assert flag.message.startswith(begins)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Reason("110514", "DCM", "Incorrect worklist entry selected"), "reports (Incorrect worklist entry selected):"),
        (Reason("X1", "99ACME"), "reports (X1 99ACME):"),
        (Reason(), "as the scanner reports:"),
    ],
    ids=str,
)
def test_a_discontinued_acquisition_is_not_scored_until_an_operator_overrules(site, reason, words):
    step_changes.create(site.database, Step("1.2.9"), ["1.2.1"], {UID: frozenset()}, site.now)
    step_changes.change(site.database, "1.2.9", Changes(StepState.DISCONTINUED, reason=reason), site.now)
    site.work.run(UID, site.complete())
    assert (site.series.state, site.series.reason_code) == (State.NOT_SCORABLE, "acquisition_discontinued")
    assert words in site.series.reason
    assert site.result(2).status == "not_scorable"

    step_changes.overrule(site.database, UID)
    lifecycle.rescore(site.database, UID, site.now)
    site.work.run(UID, site.complete())
    assert site.series.state == State.SCORED


def reject(site, *numbers, title="quality", note="1.2.9.1") -> None:
    references = tuple(Reference("1.2.1", UID, f"{UID}.{number}") for number in numbers)
    rejection = RejectionNote(note, "1.2.1", title, Person(""), references, "PACS")
    rejecting.obey(site.database, rejection, site.installation.clock(), withdraw=outgoing.withdraw)


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("quality", "PACS rejected the images for quality reasons: a rejection note names all 3 of them"),
        ("safety", "PACS rejected the images for patient safety reasons: a rejection note names all 3 of them"),
        (
            "worklist",
            "PACS rejected the images because the worklist entry was wrong: a rejection note names all 3 of them",
        ),
        (
            "retention",
            "PACS removed the images because their retention period had expired: a rejection note names all 3 of them",
        ),
    ],
)
def test_a_series_whose_images_are_all_rejected_is_not_scored(site, title, words):
    reject(site, 1, 2, 3, title=title)
    site.work.run(UID, lifecycle.complete(site.database, UID, site.installation.clock(), expected=0))
    assert (site.series.state, site.series.reason_code) == (State.NOT_SCORABLE, "rejected_by_note")
    assert site.series.reason == words
    assert site.scorer.scored == []
    assert site.outbox == []


def test_a_series_is_scored_without_its_rejected_images_and_says_so(site):
    reject(site, 2)
    site.work.run(UID, lifecycle.complete(site.database, UID, site.installation.clock(), expected=2))
    (paths,) = site.scorer.scored
    assert len(paths) == 2
    (flag,) = Score.from_json(site.result(2).score_json).flags
    assert (flag.code, flag.severity, flag.values) == ("rejected_images", "warning", {"count": 1})
    assert flag.message.startswith("1 image of the series was rejected by a note and left out")


def test_a_report_that_is_being_made_while_the_images_are_rejected_is_not_sent(site):
    site.scorer.during_documents = lambda: reject(site, 1, 2, 3)
    site.work.run(UID, 1)
    assert site.series.state == State.RECEIVING
    assert site.outbox == []


def test_a_series_that_is_abandoned_before_its_score_says_why(site):
    site.work.abandon(UID, 1, "the document cannot be written")
    assert site.series.state == State.NOT_SCORABLE
    assert (site.series.reason_code, site.series.reason) == ("internal", "the document cannot be written")
    (event,) = audit.list_events(site.database, series_instance_uid=UID, kind="abandoned")
    assert event.text == "the document cannot be written"


def test_a_series_whose_report_is_abandoned_keeps_its_score(site):
    site.scorer.failure = NotScorable("internal", error="no document")
    with pytest.raises(NotScorable):
        site.work.run(UID, 1)
    site.work.abandon(UID, 1, "no document")
    assert site.series.state == State.UNDELIVERABLE
    assert site.result().status == "scored"
    assert len(audit.list_events(site.database, series_instance_uid=UID, kind="abandoned")) == 1
