"""A researcher's folder of results and a table, without a node."""

import pytest

from config.errors import ConfigurationError, Permanent
from scp.validating.research import pair_files, read_results
from scp.validating.table import read_table


def rows(*lines):
    return read_table(("case,series_instance_uid,study_instance_uid,total\n" + "\n".join(lines)).encode())[0]


@pytest.fixture
def folder(tmp_path, result):
    (tmp_path / "gated-1.json").write_text(result("1.1", 10))
    (tmp_path / "gated-2.json").write_text(result("1.2", 0, status="not_scorable"))
    below = tmp_path / "more"
    below.mkdir()
    (below / "all.jsonl").write_text(result("1.3", 30) + "\n\n" + result("1.4", 40) + "\n")
    return tmp_path


def test_rows_find_results_by_case_series_and_study(folder):
    found, refused = pair_files(rows("gated-1,,,12", ",1.3,,33", ",,1.4.0,44", "gated-2,,,5"), read_results([folder]))
    assert {pair.series_instance_uid: (pair.ours.total, pair.theirs.total) for pair in found.pairs} == {
        "1.1": (10, 12),
        "1.3": (30, 33),
        "1.4": (40, 44),
    }
    assert [(one.series_instance_uid, one.why, one.detail) for one in found.left_out] == [
        ("1.2", "not_scorable", "contrast")
    ]
    assert refused == []


def test_unknown_and_repeated_rows_are_told(folder):
    _, refused = pair_files(rows("gated-9,,,1", "all,,,1", ",1.3,,1", ",1.3,,1", ",1.3,,2"), read_results([folder]))
    assert [(one.line, one.code) for one in refused] == [
        (2, "row_unknown"),
        (3, "row_unknown"),
        (5, "row_same"),
        (6, "row_other"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [("[]", "not a score"), ("{", "not JSON"), ('{"schema": "coronode.score/1"}', "complete score"), ("", "not JSON")],
)
def test_a_file_that_is_no_result_is_named(tmp_path, text, words):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(Permanent, match=rf"x\.json: .*{words}"):
        read_results([tmp_path])


def test_two_results_of_one_series_and_an_empty_folder_are_refused(folder, tmp_path, result):
    (folder / "again.json").write_text(result("1.1", 11))
    with pytest.raises(Permanent, match=r"series 1\.1 has a result already"):
        read_results([folder])
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ConfigurationError, match=r"has no \.json"):
        read_results([empty])
