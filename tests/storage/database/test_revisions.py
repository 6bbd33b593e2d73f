"""Rows that an earlier version wrote mean the same after a revision."""

from alembic import command
from sqlalchemy import text

from storage.database.engine import Database
from storage.migrations.upgrade import migration_config
from storage.overview import listing
from storage.series import lifecycle
from storage.series.quarantine import Contradiction, list_quarantined

WORDS = {
    "1.2.1.1.1": "other bytes under a known SOP Instance UID",
    "1.2.1.1.2": "its series belongs to another study",
}


def test_names_are_folded_anew(node):
    node.series(1)
    written = "Mu\N{COMBINING DIAERESIS}ller^Ays\N{COMBINING CEDILLA}e"
    with node.db.engine.connect() as connection:
        command.downgrade(migration_config(connection), "0004")
        connection.execute(
            text("UPDATE studies SET patient_name = :name, patient_name_folded = :folded"),
            {"name": written, "folded": written.casefold()},
        )
        connection.commit()
    later = Database(node.db.engine)
    later.migrate()
    with later.engine.connect() as connection:
        assert connection.scalars(text("SELECT patient_name_folded FROM studies")).all() == ["müller^ayşe"]


def test_words_of_the_quarantine_become_codes(node, tmp_path):
    node.series(1)
    old = node.db
    with old.engine.connect() as connection:
        command.downgrade(migration_config(connection), "0003")
        for number, (uid, series) in enumerate((uid, series) for uid in WORDS for series in ("1.2.1.1", "1.2.1.9")):
            connection.execute(
                text(
                    "INSERT INTO quarantine (sop_instance_uid, series_instance_uid, study_instance_uid, path, size, "
                    "sha256, reason, calling_ae, received_at) "
                    "VALUES (:sop, :series, '1.2.1', 'p', 1, :digest, :reason, 'A', '2024-05-01 08:00:00')"
                ),
                {"sop": uid, "series": series, "digest": str(number), "reason": WORDS[uid]},
            )
        connection.commit()
    later = Database(old.engine)
    later.migrate()
    assert {(item.sop_instance_uid, item.series_instance_uid, item.reason) for item in list_quarantined(later)} == {
        ("1.2.1.1.1", "1.2.1.1", Contradiction.OTHER_BYTES),
        ("1.2.1.1.1", "1.2.1.9", Contradiction.OTHER_SERIES),
        ("1.2.1.1.2", "1.2.1.1", Contradiction.OTHER_STUDY),
        ("1.2.1.1.2", "1.2.1.9", Contradiction.OTHER_STUDY),
    }


def test_the_time_zone_of_earlier_objects_is_unknown(node):
    node.series(1)
    with node.db.engine.connect() as connection:
        command.downgrade(migration_config(connection), "0009")
        connection.commit()
    later = Database(node.db.engine)
    later.migrate()
    with later.engine.connect() as connection:
        for table in ("studies", "series", "instances"):
            query = text(f"SELECT timezone_offset_from_utc FROM {table}")  # noqa: S608
            assert set(connection.scalars(query)) == {""}


def test_reports_of_earlier_versions_of_the_node_are_superseded(node):
    node.series(1)
    for version in (1, 2, 3):
        node.store(
            node.ct(SOPInstanceUID=f"1.2.1.8.{version}", SeriesInstanceUID="1.2.1.8", Modality="SR"), origin="made"
        )
    with node.db.engine.connect() as connection:
        command.downgrade(migration_config(connection), "0008")
        # the third version was scored, and its report is still to be made
        for version, report in ((1, "1.2.1.8.1"), (2, "1.2.1.8.2"), (3, "")):
            connection.execute(
                text(
                    "INSERT INTO results (series_instance_uid, version, status, score_json, sr_sop_class_uid, "
                    "sr_sop_instance_uid, sr_series_instance_uid, created_at) "
                    "VALUES ('1.2.1.1', :version, 'scored', '', '', :report, '', '2024-05-01 08:00:00')"
                ),
                {"version": version, "report": report},
            )
        connection.commit()
    later = Database(node.db.engine)
    later.migrate()
    with later.engine.connect() as connection:
        hidden = connection.scalars(text("SELECT sop_instance_uid FROM instances WHERE superseded")).all()
        counts = connection.execute(text("SELECT series_instance_uid, hidden_count FROM series")).all()
    assert hidden == ["1.2.1.8.1"]
    assert sorted(map(tuple, counts)) == [("1.2.1.1", 0), ("1.2.1.8", 1)]


def test_lists_show_the_scores_of_earlier_versions_of_the_node(node):
    uid = node.series(1)
    node.complete(uid, 1)
    score = '{"agatston": {"total": 812.5}, "category": ">400", "flags": [{"code": "review", "severity": "warning"}]}'
    lifecycle.finish(node.db, uid, 1, score, "scored", now=node.at(2))
    with node.db.engine.connect() as connection:
        command.downgrade(migration_config(connection), "0014")
        connection.commit()
    later = Database(node.db.engine)
    later.migrate()
    item = listing.find_listed(later, uid)
    assert (item.agatston, item.category, item.wants_review) == (812.5, ">400", True)
