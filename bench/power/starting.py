"""A real node started from what a power cut left: it takes everything again, scores it and delivers it."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from bench.killing.index import open_sqlite
from bench.killing.losses import find_half_written, find_losses, find_tracebacks
from bench.killing.node import NodeProcess, started
from bench.killing.objects import FolderObjects
from bench.killing.pacs import Pacs
from bench.killing.waiting import free_port, wait_for
from bench.power.examining import Expected, find_missing
from bench.power.session import Plan, Session, count_delivered, send


def find_faults_of_start(
    data: Path, folder: Path, session: Session, expected: Expected, plan: Plan, rng: random.Random
) -> Iterator[str]:
    """Start a node on a data folder, send every series that must be complete, and yield what is wrong at the end.

    `folder` takes its configuration and log.
    """
    patients = [
        replace(patient, acknowledged=set())
        for patient in session.patients
        if patient.series_instance_uid in expected.series
    ]
    with closing(Pacs(pause=0.05)) as pacs:
        with started(NodeProcess(folder, free_port(), plan.configure(pacs.port), data=data)) as node:
            send(node.port, patients, plan, rng, threading.Event())
            try:
                if not plan.short:
                    wait_for("every SR", lambda: count_delivered(data) == len(session.patients), seconds=180, pause=0.2)
            except TimeoutError as error:
                yield str(error)
            if code := node.stop():
                yield f"serve ended with {code} after SIGTERM"
            yield from find_tracebacks(node.log())
        store = FolderObjects(data / "objects")
        with open_sqlite(data) as rows:
            # what was deleted is here again where it has been sent again
            yield from find_missing(rows, store.root, replace(expected, removed=frozenset()) if patients else expected)
            yield from find_half_written(store)
            for patient in () if plan.short else patients:
                reports = {
                    uid: [data]
                    for uid, (data, *_) in session.reports[patient.study_instance_uid].items()
                    if uid in expected.documents
                }
                for uid, copies in pacs.documents[patient.study_instance_uid].items():
                    reports[uid] = reports.get(uid, []) + copies
                yield from find_losses(rows, store, patient, reports)
