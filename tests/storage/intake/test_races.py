"""Two processes of a group take in the first objects of one series at the same moment: both are stored."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from storage.database.engine import Database
from storage.objects.files import Files
from storage.series import states
from tests.storage.conftest import Node, ct

ROUNDS = 20


def test_the_first_objects_of_a_series_come_to_two_processes_at_once(postgresql, tmp_path):
    databases = [Database.open(postgresql) for _ in range(2)]
    databases[0].migrate()
    nodes = [Node(database, Files(tmp_path / "store", owner=str(at))) for at, database in enumerate(databases)]
    barrier = threading.Barrier(2)

    def store(which: int) -> list[str]:
        outcomes = []
        for number in range(ROUNDS):
            uid = f"1.2.{number}"
            dataset = ct(StudyInstanceUID=uid, SeriesInstanceUID=f"{uid}.1", SOPInstanceUID=f"{uid}.1.{which}")
            barrier.wait(30)
            outcomes.append(nodes[which].store(dataset).outcome)
        return outcomes

    try:
        with ThreadPoolExecutor(2) as pool:
            outcomes = list(pool.map(store, range(2)))
        assert outcomes == [["stored"] * ROUNDS] * 2
        counts = {state.instance_count for state in states.list_receiving(databases[0])}
        assert counts == {2}
    finally:
        for database in databases:
            database.close()


def test_the_same_object_comes_to_two_processes_at_once(postgresql, tmp_path):
    databases = [Database.open(postgresql) for _ in range(2)]
    databases[0].migrate()
    nodes = [Node(database, Files(tmp_path / "store", owner=str(at))) for at, database in enumerate(databases)]
    barrier = threading.Barrier(2)

    def store(which: int) -> list[str]:
        outcomes = []
        for number in range(ROUNDS):
            barrier.wait(30)
            outcomes.append(nodes[which].store(ct(SOPInstanceUID=f"1.2.1.1.{number}")).outcome)
        return outcomes

    try:
        with ThreadPoolExecutor(2) as pool:
            one, other = pool.map(store, range(2))
        assert [{*pair} for pair in zip(one, other, strict=True)] == [{"stored", "duplicate"}] * ROUNDS
        assert states.get(databases[0], "1.2.1.1").instance_count == ROUNDS
    finally:
        for database in databases:
            database.close()
