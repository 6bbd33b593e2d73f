"""A node that is killed while it sends leaves a record of what may have left it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from dicom.sop_classes import STUDY_ROOT_GET
from scp.network import retrieval
from scp.network.errors import AssociationEnded
from scp.network.negotiation import PresentationContext
from scp.network.opening import Opening
from scp.network.requestor import Requestor
from storage.auditing import statements
from storage.auditing.statements import Retrieving
from storage.database import audit
from storage.database.engine import Database
from tests.scp.auditing.test_peers import make_slice, store
from tests.scp.auditing.test_transfers import IDENTIFIER, STUDY, find_context
from tests.scp.conftest import unused_port

pytestmark = pytest.mark.component

EXPLICIT = str(ExplicitVRLittleEndian)


@pytest.mark.parametrize("receivers", [1, 2])
def test_a_node_that_is_killed_in_the_middle_has_told_what_it_was_about_to_send(tmp_path, eventually, receivers):
    port, log, data = unused_port(), tmp_path / "node.log", tmp_path / "data"
    config = tmp_path / "coronode.toml"
    config.write_text(
        f"[node]\nport = {port}\naccept_unknown_peers = true\nreserve_mb = 0\ndata_dir = {json.dumps(str(data))}\n"
        f"receivers = {receivers}\n[completion]\nquiet_seconds = 3600\n[web]\nport = 0\n"
    )
    command = [sys.executable, "-c", "from scp.cli import main; main()", "serve", "--config", config]
    with log.open("wb") as output, subprocess.Popen(command, stderr=output, start_new_session=True) as node:
        try:
            eventually("the node to listen", lambda: f"127.0.0.1:{port}" in log.read_text())
            store(port, *(make_slice(number) for number in (1, 2, 3)))
            opening = Opening("VIEWER", "CORONODE", "127.0.0.1", port, 30, 30, 30, 16384)
            association = Requestor(
                opening,
                [
                    PresentationContext(STUDY_ROOT_GET, (EXPLICIT,)),
                    PresentationContext(CTImageStorage, (EXPLICIT,), as_scp=True),
                ],
            )

            def take(_):
                os.killpg(node.pid, signal.SIGKILL)  # with its receiver processes
                node.wait()
                association.messages.drop()
                return 0

            with pytest.raises(AssociationEnded):
                list(retrieval.get(association, find_context(association, STUDY_ROOT_GET), IDENTIFIER, take))
        finally:
            with suppress(ProcessLookupError):
                os.killpg(node.pid, signal.SIGKILL)
    database = Database.open(f"sqlite:///{data / 'coronode.sqlite'}")
    try:
        (event,) = audit.list_events(database, kind=statements.PEER_RETRIEVING)
        assert event.peer_ae == "VIEWER"
        assert statements.read(event.kind, event.text) == Retrieving(
            "C-GET", STUDY, (f"{STUDY}.1",), {CTImageStorage: 3}, host="127.0.0.1"
        )
    finally:
        database.close()
