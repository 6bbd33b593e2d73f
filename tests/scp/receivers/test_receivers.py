"""Receiver processes on the port of one node: limits, completion, counters are the node's; a killed one comes back."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
from collections import Counter
from contextlib import ExitStack

import pytest
from pydicom import Dataset
from pynetdicom import AE

from dicom.sop_classes import STUDY_ROOT_FIND
from scp.installation import Installation, utc_now
from scp.network.errors import AssociationEnded
from scp.receivers.supervised import Supervised
from storage.auditing import chain, statements
from storage.database import audit
from storage.database.engine import Database
from storage.series import states
from storage.series.states import State

STORED = 'coronode_objects_total{status="0x0000"}'
REFUSED = 'coronode_associations_refused_total{reason="limit"}'


def receivers():
    return {child.name: child for child in multiprocessing.active_children() if "receiver" in child.name}


def read(node, name):
    found = re.search(rf"^{name} (\S+)$", node.render_metrics().decode(), re.MULTILINE)
    return float(found.group(1)) if found else 0.0


@pytest.mark.component
def test_two_processes_are_one_node(patient, configured, run_node, scanner_of, eventually, state_of):
    images = patient()
    uid = str(images[0].SeriesInstanceUID)
    limits = {"receivers": 2, "max_associations": 3}
    before = len(images) // 2
    with run_node(configured({}, node=limits, completion={"quiet_seconds": 2, "hold_seconds": 60})) as node:
        assert len(receivers()) == 2
        stored, refused = read(node, STORED), read(node, REFUSED)  # this process has had other nodes
        with ExitStack() as opened:
            associations = [opened.enter_context(scanner_of(node).associated()) for _ in range(3)]
            with pytest.raises(AssociationEnded):
                opened.enter_context(scanner_of(node).associated())
            assert [associations[k % 3].store(image) for k, image in enumerate(images[:before])] == [0] * before
            eventually("both counters", lambda: read(node, STORED) == stored + before)
            assert read(node, "coronode_associations") == 3

            # both are killed: what they held is free, what was counted stays, and others take their place
            for child in receivers().values():
                os.kill(child.pid, signal.SIGKILL)
            opened.pop_all()  # there is nobody to release them to
        eventually("the seats", lambda: read(node, "coronode_associations") == 0)
        assert scanner_of(node).send_in_parallel(images[before:], 3) == [0] * (len(images) - before)
        eventually("all counters", lambda: read(node, STORED) == stored + len(images))
        assert read(node, REFUSED) == refused + 1
        eventually("a result", lambda: state_of(node, uid) == State.SCORED)
        assert states.get(node.database, uid).flags == ()
        assert len(receivers()) == 2
    assert receivers() == {}


@pytest.mark.component
def test_an_open_association_holds_its_series(patient, configured, run_node, scanner_of, eventually, state_of):
    images = patient()
    uid = str(images[0].SeriesInstanceUID)
    with run_node(configured({}, node={"receivers": 2}, completion={"quiet_seconds": 0.5, "hold_seconds": 60})) as node:
        with scanner_of(node).associated() as association:
            assert [association.store(image) for image in images] == [0] * len(images)
            eventually("word of the association", lambda: node._completion._watch._timers[uid].holders)
            holder = node._completion._watch._timers[uid].holders[0]
            assert holder.is_alive()
            assert state_of(node, uid) == State.RECEIVING
        eventually("its end", lambda: not holder.is_alive())
        eventually("a result", lambda: state_of(node, uid) == State.SCORED)


@pytest.mark.component
def test_what_peers_ask_of_a_process_is_in_the_audit_log_of_the_node(configured, run_node):
    asked = Dataset()
    asked.QueryRetrieveLevel = "STUDY"
    ae = AE("VIEWER")
    ae.add_requested_context(STUDY_ROOT_FIND)
    with run_node(configured({}, node={"receivers": 2})) as node:
        for _ in range(5):
            association = ae.associate("127.0.0.1", node.server.port, ae_title="CORONODE")
            assert [answer.Status for answer, _ in association.send_c_find(asked, STUDY_ROOT_FIND)] == [0]
            association.release()
            assert not ae.associate("127.0.0.1", node.server.port, ae_title="SOMEBODY").is_established
        database = Database.open(node.database.engine.url.render_as_string())
    try:
        events = audit.list_events(database)
        counts = Counter()
        for event in events:
            if (statement := statements.read(event.kind, event.text)) is not None:
                counts[event.kind, event.peer_ae] += statement.count
        assert counts == {(statements.QUERIED, "VIEWER"): 5, (statements.REFUSED, "VIEWER"): 5}
        assert list(chain.verify(database, utc_now())) == []
    finally:
        database.close()


def test_one_receiver_is_the_node_itself(configured):
    from scp.receivers.supervisor import Receivers  # noqa: PLC0415

    def make(count):
        settings = configured({}, node={"receivers": count})
        return Receivers.from_settings(
            Installation(settings, None, None), received=lambda *_: None, announced=lambda _: None
        )

    assert make(1) is None
    assert [type(each) for each in make(3)._all] == [Supervised] * 3
