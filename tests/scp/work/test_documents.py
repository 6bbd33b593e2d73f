"""Documents for each destination, in its own form, made once however often it is tried."""

from dataclasses import replace
from io import BytesIO

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from config.errors import NotScorable, Transient
from scoring.report.common.identifiers import SR_SOP_CLASSES, sr_instance_uid
from scp.work.documents import DocumentWork, label_document, parse_template
from storage.intake.instances import find_instance
from storage.outbox import deliveries
from storage.query.search import Search
from storage.series import lifecycle, results

UID = "1.2.1.1"
THREE = {
    "PACS": {},
    "VIEWER": {"documents": ("overlay", "pdf")},
    "REGISTRY": {"sr": "tid3900", "documents": ("sr", "overlay")},
}


class Site:
    """A scored series of version 1 whose documents are to be made."""

    def __init__(self, installation, receive, scorer, score) -> None:
        self.installation, self.scorer, self.json = installation, scorer, score.to_json()
        self.database = installation.database
        receive(installation, 3)
        self.score()

    def score(self) -> int:
        """A score of the next version."""
        now = self.installation.clock()
        version = lifecycle.complete(self.database, UID, now, expected=3)
        lifecycle.finish(self.database, UID, version, self.json, "scored", now=now)
        return version

    def score_again(self) -> int:
        lifecycle.rescore(self.database, UID, self.installation.clock())
        return self.score()

    @property
    def reporting(self) -> DocumentWork:
        return DocumentWork(self.installation, self.scorer)

    def report(self, version: int = 1) -> None:
        self.reporting.report(UID, self.result(version))

    def result(self, version: int = 1) -> results.Result:
        return results.get(self.database, UID, version)

    @property
    def outbox(self) -> set[tuple[int, str, str]]:
        items = deliveries.list_deliveries(self.database)
        assert len({(item.sop_instance_uid, item.destination) for item in items}) == len(items)
        return {(item.version, item.kind, item.destination) for item in items}


@pytest.fixture
def make_site(install, receive, scorer, score):
    return lambda *args, **results: Site(install(*args, **results), receive, scorer, score)


@pytest.fixture
def site(make_site) -> Site:
    return make_site(THREE)


@pytest.mark.parametrize(
    ("kind", "template", "label"),
    [
        ("sr", None, "sr"),
        ("sr", "tid1500", "sr"),
        ("sr", "tid1500-3d", "sr tid1500-3d"),
        ("sr", "tid3900", "sr tid3900"),
        ("overlay", None, "overlay"),
        ("letter", None, "letter"),
    ],
)
def test_labels(kind, template, label):
    assert label_document(kind, template) == label
    assert parse_template(label) == (None if kind != "sr" else template or "tid1500")


def test_each_destination_gets_its_kinds_and_its_form(site):
    site.report()
    assert site.outbox == {
        (1, "sr", "PACS"),
        (1, "overlay", "VIEWER"),
        (1, "pdf", "VIEWER"),
        (1, "sr tid3900", "REGISTRY"),
        (1, "overlay", "REGISTRY"),
    }
    assert [(request.kinds, request.templates) for request in site.scorer.requests if "sr" in request.kinds] == [
        (("sr",), ("tid1500",)),
        (("sr",), ("tid3900",)),
    ]
    (others,) = [request.kinds for request in site.scorer.requests if "sr" not in request.kinds]
    assert sorted(others) == ["overlay", "pdf"]


def test_what_is_noted_is_the_usual_form_and_what_is_queried_is_there(site):
    site.report()
    usual = sr_instance_uid(UID, 1, "tid1500")
    assert site.result().report.sop_instance_uid == usual
    for item in deliveries.list_deliveries(site.database):
        stored = find_instance(site.database, item.sop_instance_uid)
        assert stored.path == item.path
        assert dcmread(site.installation.files.path(item.path)).SOPInstanceUID == item.sop_instance_uid


def test_a_site_without_destinations_keeps_its_report(install, receive, scorer, score):
    installation = install()
    settings = installation.settings.model_copy(
        update={"results": installation.settings.results.model_copy(update={"destinations": ()})}
    )
    site = Site(replace(installation, settings=settings), receive, scorer, score)
    site.report()
    assert site.outbox == set()
    assert find_instance(site.database, site.result().report.sop_instance_uid) is not None


def test_a_repeat_adds_nothing_and_the_first_bytes_stay(site):
    site.report()
    before, paths = site.outbox, sorted(site.installation.files.root.rglob("*.dcm"))
    stored = {path: path.read_bytes() for path in paths}
    site.scorer.note = "made again, a little different"
    site.report()
    assert site.outbox == before
    assert {path: path.read_bytes() for path in sorted(site.installation.files.root.rglob("*.dcm"))} == stored


def test_the_first_version_has_no_predecessor(site):
    site.report()
    assert [request.report.predecessor for request in site.scorer.requests] == [None] * 3


def test_each_form_names_the_predecessor_of_its_own_form(site):
    site.report()
    assert site.score_again() == 2
    site.report(2)
    named = {request.templates[0]: request.report for request in site.scorer.requests[3:] if "sr" in request.kinds}
    assert set(named) == {"tid1500", "tid3900"}
    for template, report in named.items():
        assert report.version == 2
        assert report.predecessor.sop_instance_uid == sr_instance_uid(UID, 1, template)
        assert report.predecessor.sop_class_uid == SR_SOP_CLASSES[template]
        assert report.predecessor.study_instance_uid == "1.2.1"


def test_a_form_that_is_new_names_the_report_that_was_made(make_site, install, scorer):
    site = make_site({"PACS": {}})
    site.report()
    site.score_again()
    site.installation = install({"PACS": {"sr": "tid3900"}})
    site.report(2)
    assert scorer.requests[-1].templates == ("tid3900",)
    assert scorer.requests[-1].report.predecessor.sop_instance_uid == sr_instance_uid(UID, 1, "tid1500")
    assert scorer.requests[-1].report.predecessor.sop_class_uid == SR_SOP_CLASSES["tid1500"]


def test_a_version_without_a_report_is_passed_over(site):
    site.report()
    assert (site.score_again(), site.score_again()) == (2, 3)
    site.report(3)
    for request in site.scorer.requests[3:]:
        assert request.report.predecessor.sop_instance_uid == sr_instance_uid(UID, 1, request.templates[0])


def test_a_substitute_is_made_once(site):
    site.report()
    (first,) = site.reporting.make_other(UID, 1, "sr tid1500-3d")
    site.scorer.note = "made again"
    (again,) = site.reporting.make_other(UID, 1, "sr tid1500-3d")
    assert first == again
    assert (first.kind, first.sop_instance_uid) == ("sr tid1500-3d", sr_instance_uid(UID, 1, "tid1500-3d"))
    assert site.reporting.make_other(UID, 9, "sr") == []


@pytest.mark.parametrize("reporting", ["never", "once"])
def test_a_score_owes_a_report_until_it_is_made(site, reporting):
    if reporting == "once":
        site.report()
    assert site.reporting.is_owed(site.result()) is (reporting == "never")


@pytest.mark.parametrize(
    ("code", "results", "owed"),
    [
        ("contrast", {"not_scorable_report": True}, True),
        ("contrast", {"not_scorable_report": False}, False),
        ("contrast", {"not_scorable_report": True, "documents": ("overlay",)}, False),
        ("localizer", {"not_scorable_report": True}, False),
        ("not_ct", {"not_scorable_report": True}, False),
        ("too_few_slices", {"not_scorable_report": True}, False),
    ],
)
def test_a_refusal_owes_a_report_where_the_site_asks_for_it_and_a_score_was_expected(
    make_site, refused, code, results, owed
):
    site = make_site(**results)
    refusal = replace(site.result(), status="not_scorable", score_json=refused(code).to_json())
    assert site.reporting.is_owed(refusal) is owed


def test_a_refusal_without_a_result_owes_nothing(make_site):
    site = make_site(not_scorable_report=True)
    assert not site.reporting.is_owed(replace(site.result(), status="not_scorable", score_json=""))


def test_of_a_refused_series_only_the_report_is_made(make_site, refused, scorer):
    site = make_site({"PACS": {}, "VIEWER": {"documents": ("sr", "overlay")}}, not_scorable_report=True)
    site.reporting.report(UID, replace(site.result(), status="not_scorable", score_json=refused("contrast").to_json()))
    assert [request.kinds for request in scorer.requests] == [("sr",)]
    assert site.outbox == {(1, "sr", "PACS"), (1, "sr", "VIEWER")}


@pytest.mark.parametrize("failure", [NotScorable("internal", error="no document"), Transient("the node is stopping")])
def test_a_document_that_cannot_be_made_leaves_the_report_owed(site, failure):
    site.scorer.failure = failure
    with pytest.raises(type(failure)):
        site.report()
    assert site.reporting.is_owed(site.result())
    assert site.outbox == set()


def test_a_database_that_does_not_take_a_document_is_a_fault_that_may_pass(site):
    site.installation.database.refusals = 1
    with pytest.raises(Transient, match="a document was not stored: the database is busy or full"):
        site.report()
    assert site.outbox == set()
    site.report()
    assert len(site.outbox) == 5


def list_shown(database) -> set[str]:
    """The documents that a query of their study finds."""
    identifier = Dataset()
    identifier.QueryRetrieveLevel, identifier.SOPInstanceUID, identifier.Modality = "IMAGE", "", "SR"
    matches = Search.parse("study", identifier).encode_matches(database, implicit=True)
    read = (read_dataset(BytesIO(match), is_implicit_VR=True, is_little_endian=True) for match in matches)
    return {item.SOPInstanceUID for item in read}


def test_a_new_version_supersedes_every_document_of_the_old_one(site):
    site.report()
    first = list_shown(site.database)
    assert sr_instance_uid(UID, 1, "tid3900") in first
    site.score_again()
    assert list_shown(site.database) == first, "until it has a report, the old one is the latest"
    site.report(2)
    shown = list_shown(site.database)
    assert shown.isdisjoint(first)
    assert len(shown) == len(first)


def test_a_document_that_comes_after_its_successor_is_not_shown(site):
    site.report()
    site.score_again()
    site.report(2)
    shown = list_shown(site.database)
    (late,) = site.reporting.make_other(UID, 1, "sr tid1500-3d")
    assert late.sop_instance_uid not in shown
    assert list_shown(site.database) == shown


def test_documents_that_a_late_slice_overtakes_are_neither_sent_nor_shown(site):
    result = site.result()
    site.scorer.during_documents = lambda: lifecycle.rescore(site.database, UID, site.installation.clock())
    site.reporting.report(UID, result)
    assert site.outbox == set()
    assert list_shown(site.database) == set()
    assert site.result().report is None
