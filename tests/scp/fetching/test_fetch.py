"""The command against an archive: what is asked, what is moved, what is said; and every way in which it may fail."""

import os
import signal

import pytest
from pydicom import DataElement, dcmread
from pydicom.uid import ComprehensiveSRStorage, EnhancedCTImageStorage, SecondaryCaptureImageStorage

from scp.fetching.archive import Channel
from storage.database.engine import Database
from storage.series import states

pytestmark = pytest.mark.component

ONE, TWO = "1.2.1", "1.2.2"
FEW = ("--minimum-slices", 3)


@pytest.fixture
def studies(archive, series_of):
    """Two studies of a scan of five slices, a localizer, and a report."""
    for study in (ONE, TWO):
        archive.objects += series_of(study, f"{study}.1", 5)
        archive.objects += series_of(study, f"{study}.2", 1, SeriesDescription="Topogram")
        archive.objects += series_of(study, f"{study}.3", 1, Modality="SR", SOPClassUID=ComprehensiveSRStorage)
    return archive


def levels(archive):
    return [identifier.QueryRetrieveLevel for identifier in archive.fetched]


def test_a_study_by_its_uid(fetch, studies):
    ended = fetch("--study", ONE, "--out", "outcomes.csv", *FEW)
    assert (ended.code, ended.held) == (0, {f"{ONE}.1": 5})
    assert (ended.summary["fetched"], ended.summary["objects"]) == (1, 5)
    (row,) = ended.outcomes
    assert (row["outcome"], row["study_instance_uid"], row["series_selected"]) == ("fetched", ONE, f"{ONE}.1")
    assert (row["series_found"], row["skipped"]) == ("3", "only 1 slice; modality SR")
    assert [row[f"objects_{name}"] for name in ("expected", "before", "received", "missing")] == ["5", "0", "5", "0"]
    assert int(row["bytes"]) > 5 * 32
    assert [identifier.SeriesInstanceUID for identifier in studies.fetched] == [f"{ONE}.1"]
    assert "coronode serve scores what was fetched" in ended.err


def test_what_came_is_what_the_archive_has_and_waits_to_be_scored(fetch, studies, tmp_path):
    fetch("--study", ONE, *FEW)
    database = Database.open(f"sqlite:///{tmp_path / 'data' / 'coronode.sqlite'}")
    state = states.get(database, f"{ONE}.1")
    database.close()
    assert (state.state, state.instance_count, state.calling_ae) == ("receiving", 5, "ARCHIVE")
    files = sorted((tmp_path / "data").rglob("*.dcm")) or [p for p in (tmp_path / "data").rglob("*") if p.is_file()]
    images = {
        dataset.SOPInstanceUID: dataset
        for dataset in (dcmread(path) for path in files if path.read_bytes()[128:132] == b"DICM")
    }
    wanted = [item for item in studies.objects if item.SeriesInstanceUID == f"{ONE}.1"]
    assert len(images) == len(wanted)
    for item in wanted:
        assert list(images[item.SOPInstanceUID]) == list(item)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--accession", "A1"), {ONE}),
        (("--accession", "A1", "--accession", "A2"), {ONE, TWO}),
        (("--patient", "P2", "--date", "20240301"), {TWO}),
        (("--patient", "P2", "--date", "2024-01-01 - 2024-03-31"), {TWO}),
        (("--patient", "P2", "--since", "2024-03-01"), {TWO}),
        (("--date", "20240229-20240302"), {ONE, TWO}),
    ],
)
def test_other_ways_to_ask(fetch, studies, arguments, found):
    ended = fetch(*arguments, *FEW, "--out", "outcomes.csv")
    assert {row["study_instance_uid"] for row in ended.outcomes if row["outcome"] == "fetched"} == found
    assert ended.held == {f"{study}.1": 5 for study in found}


def test_a_list_goes_on_where_it_stopped(fetch, studies, tmp_path):
    (tmp_path / "list.csv").write_text("\ufeffStudy_Instance_UID;accession_number\r\n1.2.1;\r\n\r\n;A2\r\n;A9\r\n")
    arguments = ("--csv", tmp_path / "list.csv", "--out", tmp_path / "outcomes.csv", *FEW)
    first = fetch(*arguments, "--limit", 1)
    assert (first.code, len(first.outcomes), first.held) == (0, 1, {f"{ONE}.1": 5})
    second = fetch(*arguments)
    assert second.code == 1
    assert [(row["study_instance_uid"], row["outcome"]) for row in second.outcomes] == [
        (ONE, "fetched"),
        (TWO, "fetched"),
        ("", "not_found"),
    ]
    assert (second.summary["requests_done_before"], second.summary["not_found"]) == (1, 1)
    third = fetch(*arguments)
    assert (third.code, len(third.outcomes), third.summary["studies"]) == (0, 3, 0)
    assert len(studies.fetched) == 2


def test_what_is_here_is_not_moved_again(fetch, studies):
    fetch("--study", ONE, *FEW)
    again = fetch("--study", ONE, *FEW, "--out", "outcomes.csv")
    assert (again.code, again.summary["already_here"], again.summary["objects"]) == (0, 1, 0)
    (row,) = again.outcomes
    assert (row["objects_expected"], row["objects_before"], row["objects_received"]) == ("5", "5", "0")
    assert studies.sent == 5


@pytest.mark.parametrize("counts", [True, False])
def test_a_series_that_is_here_in_part_is_completed(fetch, studies, series_of, counts):
    studies.counts = counts
    whole = studies.objects
    studies.objects = series_of(ONE, f"{ONE}.1", 3)
    arguments = ("--study", ONE, *FEW, "--exclude", "Topogram")
    fetch(*arguments)
    studies.objects, studies.sent = whole, 0
    ended = fetch(*arguments, "--out", "outcomes.csv")
    (row,) = ended.outcomes
    assert (row["outcome"], row["objects_before"], row["objects_received"]) == ("fetched", "3", "2")
    assert studies.sent == 2
    assert (levels(studies)[-1], list(studies.fetched[-1].SOPInstanceUID)) == ("IMAGE", [f"{ONE}.1.4", f"{ONE}.1.5"])


def test_an_archive_that_says_no_number_is_asked_for_its_images(fetch, studies):
    studies.counts = False
    ended = fetch("--study", ONE, "--out", "outcomes.csv", *FEW)
    assert (ended.code, ended.held) == (0, {f"{ONE}.1": 5, f"{ONE}.2": 1})  # nothing spoke against the localizer
    assert levels(studies) == ["SERIES", "SERIES"]


def test_frames_of_few_objects_count(fetch, archive, series_of):
    frames = {"SOPClassUID": EnhancedCTImageStorage, "NumberOfFrames": 30, "PixelData": bytes(30 * 32)}
    archive.objects += series_of(ONE, f"{ONE}.1", 2, **frames)
    archive.objects += series_of(ONE, f"{ONE}.2", 2)
    ended = fetch("--study", ONE, "--out", "outcomes.csv", "--minimum-slices", 50)
    assert ended.outcomes[0]["series_selected"] == f"{ONE}.1"
    assert ended.outcomes[0]["skipped"] == "only 2 slices"


def test_companions_that_the_node_drops_are_not_missed(fetch, archive, series_of):
    archive.objects += series_of(ONE, f"{ONE}.1", 4)
    archive.objects += series_of(
        ONE, f"{ONE}.1.9", 1, SeriesInstanceUID=f"{ONE}.1", SOPClassUID=SecondaryCaptureImageStorage
    )
    ended = fetch("--study", ONE, *FEW, "--out", "outcomes.csv", node='companions = "drop"')
    assert (ended.code, ended.held) == (0, {f"{ONE}.1": 4})
    assert (ended.outcomes[0]["outcome"], ended.outcomes[0]["objects_expected"]) == ("fetched", "4")


def test_a_dry_run_moves_nothing(fetch, studies):
    ended = fetch("--accession", "A1", "--accession", "A9", "--dry-run", "--exclude", "*1.0", *FEW, json_too=False)
    assert ended.code == 1
    assert ended.out.splitlines() == [
        f"{ONE}  {ONE}.1  5  Thorax 3.0  would be fetched",
        f"{ONE}  {ONE}.2  1  Topogram  only 1 slice",
        f"{ONE}  {ONE}.3  1  Thorax 3.0  modality SR",
    ]
    assert ended.err == "an accession number: the archive has no such study\n"
    assert studies.fetched == []


def test_a_dry_run_says_what_is_here_and_keeps_to_the_limit(fetch, studies):
    fetch("--study", ONE, *FEW)
    ended = fetch("--study", ONE, "--study", TWO, "--dry-run", *FEW)
    verdicts = {row["series_instance_uid"]: row["verdict"] for row in ended.summary}
    assert (verdicts[f"{ONE}.1"], verdicts[f"{TWO}.1"]) == ("is here", "would be fetched")
    ended = fetch("--study", ONE, "--study", TWO, "--dry-run", "--limit", 1, *FEW)
    assert {row["study_instance_uid"] for row in ended.summary} == {ONE}


@pytest.mark.parametrize(
    ("arguments", "skipped"),
    [
        (("--include", "*cor*"), "description not included (2); modality SR"),
        (("--exclude", "TH*"), "description excluded; only 1 slice; modality SR"),
        (("--minimum-slices", 6), "only 5 slices; only 1 slice; modality SR"),
        (("--maximum-slices", 4), "5 slices; only 1 slice; modality SR"),
    ],
)
def test_a_study_without_a_fitting_series_is_skipped(fetch, studies, arguments, skipped):
    ended = fetch("--study", ONE, *FEW, *arguments, "--out", "outcomes.csv")
    (row,) = ended.outcomes
    assert (ended.code, row["outcome"], row["message"]) == (0, "skipped", "no series was selected")
    assert sorted(row["skipped"].split("; ")) == sorted(skipped.split("; "))
    assert studies.fetched == []


def test_an_object_that_does_not_come_is_asked_for_again_and_told(fetch, studies):
    studies.withheld = {f"{ONE}.1.2"}
    ended = fetch("--study", ONE, "--study", TWO, *FEW, "--out", "outcomes.csv")
    rows = {row["study_instance_uid"]: row for row in ended.outcomes}
    assert ended.code == 1
    assert (rows[ONE]["outcome"], rows[ONE]["message"]) == ("failed", "1 of 5 objects did not come")
    assert (rows[ONE]["objects_received"], rows[ONE]["objects_missing"]) == ("4", "1")
    assert rows[TWO]["outcome"] == "fetched"
    assert [row["study_instance_uid"] for row in ended.outcomes] == [TWO, ONE]  # after all others have had their turn
    assert levels(studies).count("IMAGE") >= 3
    studies.withheld = set()
    again = fetch("--study", ONE, "--study", TWO, *FEW, "--out", "outcomes.csv", "--retry-failed")
    assert again.code == 0
    assert sorted((row["study_instance_uid"], row["outcome"]) for row in again.outcomes) == [
        (ONE, "fetched"),
        (TWO, "fetched"),
    ]


@pytest.mark.parametrize("answer", [0xC001, 0xA700, "abort"])
def test_a_study_that_fails_for_now_gets_another_turn(fetch, studies, answer):
    studies.answers = [answer]
    ended = fetch("--study", ONE, *FEW, "--out", "outcomes.csv")
    assert (ended.code, ended.held) == (0, {f"{ONE}.1": 5})
    assert [row["outcome"] for row in ended.outcomes] == ["fetched"]


@pytest.mark.parametrize(("answer", "words"), [(0xA900, "answered C-FIND with 0xA900"), (0x0124, "not authorized")])
def test_a_study_that_is_refused_is_told(fetch, studies, answer, words):
    studies.answers = [answer]
    ended = fetch("--study", ONE, "--study", TWO, *FEW, "--out", "outcomes.csv")
    assert ended.code == 1
    assert [row["outcome"] for row in ended.outcomes] == ["refused", "fetched"]
    assert words in ended.outcomes[0]["message"]


def test_failures_end_after_three_attempts(fetch, studies):
    studies.answers = [0xC001] * 3
    ended = fetch("--study", ONE, *FEW, "--out", "outcomes.csv")
    (row,) = ended.outcomes
    assert (ended.code, row["outcome"]) == (1, "failed")
    assert "0xC001" in row["message"]
    assert len(studies.asked) == 3


def test_an_archive_that_passes_over_keys_gives_no_other_study(fetch, studies, monkeypatch):
    monkeypatch.setattr(type(studies), "_list", lambda self, _: list(self.objects))
    ended = fetch("--accession", "A1", "--dry-run", *FEW)
    assert {row["study_instance_uid"] for row in ended.summary} == {ONE}


def test_an_interrupted_run_ends_with_what_it_has(fetch, studies):
    before = signal.getsignal(signal.SIGINT)
    studies.hook = lambda: os.kill(os.getpid(), signal.SIGINT)
    ended = fetch("--study", ONE, "--study", TWO, *FEW, "--out", "outcomes.csv")
    assert (ended.code, ended.outcomes, ended.summary["finished"]) == (1, [], False)
    assert signal.getsignal(signal.SIGINT) is before
    studies.hook = None
    ended = fetch("--study", ONE, "--study", TWO, *FEW, "--out", "outcomes.csv")
    assert (ended.code, len(ended.outcomes)) == (0, 2)


def test_several_studies_at_a_time_come_once_each(fetch, archive, series_of):
    studies = [f"1.2.{number}" for number in range(1, 8)]
    archive.objects = [image for study in studies for image in series_of(study, f"{study}.1", 4)]
    ended = fetch("--date", "20240301", *FEW, "--parallel", 4, "--out", "outcomes.csv")
    assert (ended.code, ended.held) == (0, {f"{study}.1": 4 for study in studies})
    assert sorted(row["study_instance_uid"] for row in ended.outcomes) == studies
    assert {row["studies"] for row in ended.outcomes} == {"7"}
    assert archive.sent == 28
    assert fetch("--date", "20240301", *FEW, "--out", "outcomes.csv").summary["requests_done_before"] == 1


@pytest.mark.usefixtures("studies")
def test_outside_of_its_hours_it_waits(fetch, monkeypatch):
    left = [600.0, 0.01, 0.0]
    monkeypatch.setattr("scp.fetching.campaign._LOOK_SECONDS", 0.01)
    monkeypatch.setattr("scp.fetching.limits.Hours.measure_wait", lambda *_: left.pop(0) if left else 0.0)
    ended = fetch("--study", ONE, *FEW, "--hours", "22:00-06:00")
    assert (ended.code, left) == (0, [])
    assert "waiting: it is outside of 22:00-06:00" in ended.err


@pytest.mark.parametrize("number", ["9" * 5000, "-1", "many", "\u0663"])
def test_a_number_that_is_none_is_no_number(fetch, studies, number, monkeypatch):
    answers = studies._find

    def find(event):
        for status, answer in answers(event):
            if answer is not None and answer.QueryRetrieveLevel == "SERIES":
                answer.add(DataElement(0x00201209, "UT", number))  # as an IS pynetdicom would refuse it
                answer.SpecificCharacterSet = "ISO_IR 192"
            yield status, answer

    monkeypatch.setattr(studies, "_find", find)
    studies.stop()
    studies.start()
    ended = fetch("--study", ONE, *FEW, "--exclude", "Topogram")
    assert (ended.code, ended.held) == (0, {f"{ONE}.1": 5})


def test_a_study_that_is_not_understood_does_not_keep_the_others(fetch, studies, monkeypatch):
    usual = Channel.list_series

    def list_series(channel, study):
        if study == ONE:
            raise KeyError(study)
        return usual(channel, study)

    monkeypatch.setattr(Channel, "list_series", list_series)
    ended = fetch("--study", ONE, "--study", TWO, *FEW, "--out", "outcomes.csv")
    assert [(row["outcome"], row["message"]) for row in ended.outcomes] == [
        ("fetched", ""),
        ("failed", "internal error, see the log"),
    ]


class TestAway:
    def test_an_archive_that_is_away_is_given_up_in_the_end(self, fetch, studies):
        studies.stop()
        ended = fetch("--study", ONE, "--out", "outcomes.csv", "--give-up-after", 1)
        assert (ended.code, ended.outcomes, ended.summary["finished"]) == (1, [], False)
        assert "no connection" in ended.summary["given_up"]
        studies.start()
        assert fetch("--study", ONE, "--out", "outcomes.csv", *FEW).code == 0

    def test_an_archive_that_comes_back_is_gone_on_with(self, fetch, studies, monkeypatch):
        studies.stop()
        waited = []

        def restart(patience, reason):
            waited.append(reason)
            studies.start()

        monkeypatch.setattr("scp.fetching.patience.Patience.wait", restart)
        ended = fetch("--study", ONE, *FEW)
        assert (ended.code, len(waited)) == (0, 1)

    def test_one_that_rejects_for_good_ends_the_run(self, fetch, studies):
        ended = fetch("--study", ONE, node='ae_title = "X"', peer="", json_too=False)
        assert ended.code == 0  # this archive takes any calling AE title
        studies.models = studies.models[:1]
        studies.stop()
        studies.start()
        ended = fetch("--study", TWO, *FEW, json_too=False)
        assert ended.code == 1
        assert "neither C-GET (with role selection) nor C-MOVE" in ended.err


@pytest.mark.usefixtures("studies")
class TestMove:
    def test_by_c_move_to_the_running_node(self, fetch, studies, configured, run_node):
        with run_node(configured({}, completion={"quiet_seconds": 600})) as node:
            studies.destination = node.server.port
            ended = fetch("--study", ONE, *FEW, "--out", "outcomes.csv", peer='retrieve = "move"')
        assert (ended.code, ended.held) == (0, {f"{ONE}.1": 5})
        assert ended.outcomes[0]["objects_received"] == "5"
        assert "coronode serve" not in ended.err

    def test_a_destination_that_the_archive_does_not_know(self, fetch, configured, run_node):
        with run_node(configured({}, completion={"quiet_seconds": 600})):
            ended = fetch("--study", ONE, *FEW, "--method", "move")
        assert ended.code == 1
        assert "does not know CORONODE as a destination of C-MOVE: add this node" in ended.err

    def test_without_a_node_it_is_waited_for(self, fetch):
        ended = fetch("--study", ONE, *FEW, "--method", "move", "--give-up-after", 0.5)
        assert ended.code == 1
        assert "no node runs here to receive them: start coronode serve" in ended.summary["given_up"]

    def test_a_running_node_scores_what_the_command_stores(self, fetch, configured, run_node, eventually):
        with run_node(configured({}, completion={"quiet_seconds": 1})) as node:
            ended = fetch("--study", ONE, *FEW)
            assert ended.code == 0
            eventually("a verdict", lambda: states.get(node.database, f"{ONE}.1").state == "not_scorable")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "say what to fetch"),
        (("--study", "1.2.x"), "is not a UID"),
        (("--study", ONE, "--accession", "A1"), "give --study, --accession"),
        (("--accession", "A1", "--date", "20240101"), "give --study, --accession"),
        (("--patient", "*"), "cannot be asked for"),
        (("--date", "-20240101"), "no first day"),
        (("--date", "20240101", "--since", "20240101"), "not both"),
        (("--study", ONE, "--retry-failed"), "needs the --out FILE"),
        (("--study", ONE, "--dry-run", "--out", "x.csv"), "writes no --out"),
        (("--study", ONE, "--hours", "22"), "are no hours"),
        (("--study", ONE, "--rate", "fast"), "is no rate"),
        (("--csv", "list.csv"), "does not exist"),
    ],
)
def test_a_wrong_command_is_exit_2(fetch, arguments, words):
    ended = fetch(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err.replace("\n", " ")


def test_a_list_with_an_error_is_exit_2_before_anything_is_asked(fetch, studies, tmp_path):
    (tmp_path / "list.csv").write_text("study_instance_uid\n1.2.1\nnonsense\n")
    ended = fetch("--csv", tmp_path / "list.csv")
    assert ended.code == 2
    assert "line 3, column study_instance_uid" in ended.err
    assert studies.asked == []
