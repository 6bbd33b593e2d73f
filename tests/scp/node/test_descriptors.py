"""A node that has ended leaves no descriptor and no thread behind: what starts and stops nodes all day may go on."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

from storage.series.states import State


def list_open():
    """What this process has open; the number of a pipe or socket is left out."""
    gc.collect()
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(descriptor.readlink()).partition(":[")[0])
        except FileNotFoundError:  # the descriptor that lists them
            continue
    return sorted(found)


def test_a_node_leaves_nothing_open(configured, run_node, scanner_of, patient, pacs, eventually, state_of):
    def live():
        images = patient()
        with run_node(configured({"PACS": pacs.port})) as node:
            assert set(scanner_of(node).send(images)) == {0}
            uid = str(images[0].SeriesInstanceUID)
            eventually("the report", lambda: state_of(node, uid) == State.DELIVERED)

    live()  # what is made once in a process
    before, threads = list_open(), threading.active_count()
    live()
    eventually("all threads to end", lambda: threading.active_count() <= threads)
    assert list_open() == before
