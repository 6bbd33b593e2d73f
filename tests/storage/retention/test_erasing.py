"""Erasure on request: everything of a patient goes, nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import inspect, text

from storage.outbox import outcomes
from storage.retention.erasing import erase, find_wholes
from storage.reviews import drafts
from storage.reviews.drafts import Author, Basis
from storage.series import removals, results, states
from tests.storage.conftest import Node, at, ct

NOW = at(0) + timedelta(days=1)


def list_rows_about(node: Node, uid: str) -> dict[str, int]:
    """Count the rows of each table in which a UID stands in any column."""
    found = {}
    with node.db.engine.connect() as connection:
        for table in inspect(connection).get_table_names():
            columns = [column["name"] for column in inspect(connection).get_columns(table)]
            matched = " OR ".join(f"CAST({column} AS TEXT) LIKE '%{uid}%'" for column in columns)
            number = connection.execute(text(f"SELECT COUNT(*) FROM {table} WHERE {matched}")).scalar_one()  # noqa: S608
            if number:
                found[table] = number
    return found


def test_a_patient_goes_whole_and_nobody_else(node: Node, deliver: Callable[..., str]) -> None:
    mine, other = deliver("1.2.5551.1"), deliver("1.2.2.1")
    node.store(
        ct(
            SOPInstanceUID=f"{mine}.1",
            SeriesInstanceUID=mine,
            StudyInstanceUID="1.2.5551",
            PatientID="P1.2.5551",
            PatientName="X",
        ),
        5,
    )
    drafts.add_edit(node.db, Basis(mine, 1, 1, 0), Author("ann", "Ann"), "{}", "{}", at(20))
    (whole,) = find_wholes(node.db, patient_id="P1.2.5551")
    assert (whole.objects, whole.made, whole.quarantined, whole.reviews) == (3, 1, 1, 1)
    assert whole.in_hand == ("a reader is reviewing it",)
    deleted = erase(node.db, mine, NOW)
    assert deleted.objects == 5
    removals.carry_out(node.db, node.files, NOW)
    # the files that were removed are remembered for an hour, by hashes and the UID of their series
    assert set(list_rows_about(node, "1.2.5551")) == {"audit", "removals"}
    assert set(list_rows_about(node, "P1.2.5551")) == set()
    assert states.get(node.db, other).instance_count == 3
    assert results.get(node.db, other) is not None
    assert len(list(node.files.list_names())) == 4
    assert find_wholes(node.db, patient_id="P1.2.5551") == []


def test_the_result_stays_if_asked(node: Node, deliver: Callable[..., str]) -> None:
    uid = deliver()
    assert erase(node.db, uid, NOW, keep_result=True).objects == 3
    assert results.get(node.db, uid) is not None
    assert states.get(node.db, uid).images_deleted_at == NOW


def test_what_is_in_hand_is_said(node: Node, deliver: Callable[..., str]) -> None:
    deliver(
        "1.2.1.1", end=lambda one: outcomes.mark_failed(node.db, one, at(15), error="no connection", retry_at=at(99))
    )
    node.series(1, "1.2.2.1", StudyInstanceUID="1.2.2")
    found = {one.series_instance_uid: one.in_hand for one in find_wholes(node.db, series=["1.2.1.1", "1.2.2.1"])}
    assert found == {"1.2.1.1": ("1 deliveries are still to be sent",), "1.2.2.1": ("it is receiving",)}


def test_a_series_that_lies_in_quarantine_alone(node: Node) -> None:
    node.series(1)
    node.store(ct(SOPInstanceUID="1.2.1.1.1", SeriesInstanceUID="1.2.1.7"), 5)
    (whole,) = find_wholes(node.db, series=["1.2.1.7"])
    assert (whole.state, whole.quarantined) == ("", 1)
    assert erase(node.db, "1.2.1.7", NOW).objects == 1
    removals.carry_out(node.db, node.files, NOW)
    assert states.get(node.db, "1.2.1.1").instance_count == 1
    assert not list((node.files.root / "quarantine").iterdir())
