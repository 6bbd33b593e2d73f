"""Each caller gets a process of its own as long as one is free."""

import threading
from concurrent.futures import ThreadPoolExecutor

from scp.work.scoring_pool import ScoringPool


class FakeProcess:
    """A scoring process that answers when a test says so."""

    def __init__(self, go: threading.Event) -> None:
        self.go, self.begun, self.is_alive, self.calls = go, threading.Event(), False, 0

    def start(self) -> None:
        self.is_alive = True

    def close(self) -> None:
        self.is_alive = False

    def make_documents(self, request):
        self.calls += 1
        self.begun.set()
        assert self.go.wait(60)
        return [request]


def test_as_many_work_at_once_as_there_are_processes():
    go = threading.Event()
    processes = [FakeProcess(go) for _ in range(2)]
    pool = ScoringPool(processes)
    with ThreadPoolExecutor(3) as callers:
        answers = [callers.submit(pool.make_documents, number) for number in range(3)]
        assert all(process.begun.wait(60) for process in processes)
        assert [process.calls for process in processes] == [1, 1]  # the third waits
        go.set()
        assert [answer.result(60) for answer in answers] == [[0], [1], [2]]


def test_it_is_alive_while_one_of_them_is():
    processes = [FakeProcess(threading.Event()) for _ in range(2)]
    pool = ScoringPool(processes)
    assert not pool.is_alive
    pool.start()
    processes[0].close()
    assert pool.is_alive
    pool.close()
    assert not pool.is_alive
