"""`coronode series show` says where the score stands among other people and what became of it since the last scan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from config.settings import Settings
from scoring.report.common.catalogue import in_language
from scoring.report.common.texts import load_english
from scoring.result import Earlier, Percentile, Score
from scoring.risk.comparison import compare
from storage.database import audit
from storage.database.opening import open_database
from storage.series import results

NOW = datetime(2026, 1, 6, tzinfo=UTC)
STANDING = Percentile("MESA", "McClelland 2006", "white", "male", 60.0, 85, "75th-90th", 68.0, 0, 28.0, 155.0, 452.0)
THEN = Earlier("2023-01-02", 100.0, 90.0, 20.0, "index", "1.2.3", "1.2.3.4")


@pytest.fixture
def shown(coronode, undelivered, tmp_path):
    """What is shown of the stored series after its score was changed."""
    folder, delivery = undelivered
    (tmp_path / "coronode.toml").write_text(f'[node]\ndata_dir = "{folder}"\n')

    def show(change) -> tuple[list[str], Score]:
        database = open_database(Settings(node={"data_dir": folder}))
        score = change(Score.from_json(results.get(database, delivery.series_instance_uid).score_json))
        results.save(database, delivery.series_instance_uid, 2, "scored", score.to_json(), now=NOW)
        database.close()
        ended = coronode("series", "show", delivery.series_instance_uid)
        assert ended.code == 0
        return ended.out.splitlines(), score

    return show


def test_percentile_and_change_are_shown(shown):
    def grown(score: Score) -> Score:
        dated = replace(score, series=replace(score.series, date="2024-01-02"), percentile=STANDING)
        return in_language(replace(dated, change=compare(dated, [THEN])), load_english())

    lines, score = shown(grown)
    total = score.agatston.total
    assert any(
        line.startswith("percentile:  75th to 90th (estimate 85) among white men of 60 years in MESA") for line in lines
    )
    at = lines.index("change:      since 2023-01-02 (365 days):")
    assert lines[at + 1].startswith(f"             - Agatston 100.0 then, {total:.1f} now: {total - 100:+.1f}")
    assert any("body mass index of 27 was assumed" in line for line in lines)


def test_what_is_not_known_is_said(shown):
    lines, _ = shown(lambda score: replace(score, percentile=None, change=None))
    assert any(line.startswith("percentile:  not determined") for line in lines)
    assert "change:      no comparison with an earlier scan. No earlier score is known for this patient." in lines


def test_history_names_the_person(coronode, undelivered, tmp_path):
    folder, delivery = undelivered
    (tmp_path / "coronode.toml").write_text(f'[node]\ndata_dir = "{folder}"\n')
    database = open_database(Settings(node={"data_dir": folder}))
    audit.record(
        database, NOW, "rescored", "on a page", series_instance_uid=delivery.series_instance_uid, person="anna"
    )
    database.close()
    ended = coronode("series", "show", delivery.series_instance_uid)
    assert "event:       2026-01-06 00:00 rescored on a page by anna" in ended.out.splitlines()
