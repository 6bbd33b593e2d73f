"""Receiver processes on a port with TLS: each takes objects, refuses who is not trusted, and takes up new files."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from config.errors import Transient
from config.settings import NodeSettings, PeerSettings
from scp.network.negotiation import PresentationContext
from scp.node import Node
from scp.scu.association import associate
from storage.intake.instances import find_instance
from tests.scp import certificates
from tests.scp.conftest import OpenAssociation

pytestmark = pytest.mark.component

PROCESSES = ("coronode-receiver-1", "coronode-receiver-2")


@pytest.fixture
def node(configured, run_node, tmp_path) -> Iterator[Node]:
    """A node of two receivers with TLS alone."""
    tls = certificates.write_node(tmp_path) | {"port": 0, "only": True}
    with run_node(configured({}, node={"receivers": 2, "tls": tls}, completion={"quiet_seconds": 3600})) as running:
        yield running


@contextmanager
def only(name: str) -> Iterator[None]:
    """The other processes stand still, so that this one takes every connection."""
    others = [child for child in multiprocessing.active_children() if child.name in PROCESSES and child.name != name]
    assert len(others) == len(PROCESSES) - 1
    for child in others:
        os.kill(child.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED)  # all of its threads: one might still take a connection
    try:
        yield
    finally:
        for child in others:
            os.kill(child.pid, signal.SIGCONT)


@pytest.fixture
def open_secure(node, tmp_path) -> Iterator[Callable[..., OpenAssociation]]:
    """`open_secure(by)`: an association of a scanner whose certificate this authority has issued."""
    trusted = tmp_path / "trusted by scanners.pem"
    trusted.write_bytes(certificates.authority(certificates.TRUSTED).issued.certificate)
    with ExitStack() as stack:

        def open_one(by: str = certificates.TRUSTED) -> OpenAssociation:
            own, key = certificates.write(tmp_path, f"scanner of {by}", certificates.issue("scanner", by=by))
            here = NodeSettings(ae_title="CT1", tls={"certificate": own, "key": key, "ca": trusted})
            peer = PeerSettings(ae_title="CORONODE", host="127.0.0.1", port=node.server.tls_port, tls=True)
            made = associate(here, peer, [PresentationContext(CTImageStorage, (ExplicitVRLittleEndian,))])
            stack.callback(made.release)
            return OpenAssociation(made)

        yield open_one


def subject_of(port: int, ca: Path) -> str:
    context = ssl.create_default_context(cafile=ca)
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port), 20), server_hostname="127.0.0.1") as caller:
        return str(dict(caller.getpeercert()["subject"][0])["commonName"])


def test_associations_of_both_processes_store_side_by_side(node, open_secure, patient):
    images = patient()[:24]
    associations = []
    for name in PROCESSES:
        with only(name):
            associations += [open_secure() for _ in range(3)]

    def store(number: int) -> list[int]:
        return [associations[number].store(image) for image in images[number::6]]

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(store, range(6))) == [[0] * 4] * 6
    assert all(find_instance(node.database, image.SOPInstanceUID) is not None for image in images)


def test_each_process_refuses_a_certificate_that_is_not_trusted(node, open_secure):
    refused = 'coronode_associations_refused_total{reason="tls"}'

    def count() -> float:
        lines = node.render_metrics().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(refused))

    before = count()
    for name in PROCESSES:
        with only(name), pytest.raises(Transient):
            open_secure("unknown authority")
    assert count() == before + 2
    for name in PROCESSES:
        with only(name):
            open_secure()


def test_a_renewed_certificate_reaches_each_process_and_costs_no_association(node, open_secure, patient, tmp_path):
    images, associations = patient()[:4], []
    for name in PROCESSES:
        with only(name):
            associations.append(open_secure())
    assert [association.store(image) for association, image in zip(associations, images, strict=False)] == [0, 0]
    certificates.write(tmp_path, "node", certificates.issue("node renewed"))
    node.adopt(node.settings)
    for name in PROCESSES:
        with only(name):
            assert subject_of(node.server.tls_port, tmp_path / "ca.pem") == "node renewed"
    assert [association.store(image) for association, image in zip(associations, images[2:], strict=True)] == [0, 0]


def test_an_authority_that_is_trusted_no_more_is_refused_by_each_process(node, open_secure, patient, tmp_path):
    images, associations = patient()[:2], []
    for name in PROCESSES:
        with only(name):
            associations.append(open_secure())
    (tmp_path / "ca.pem").write_bytes(certificates.authority("another authority").issued.certificate)
    node.adopt(node.settings)
    assert [association.store(image) for association, image in zip(associations, images, strict=True)] == [0, 0]
    for name in PROCESSES:
        with only(name), pytest.raises(Transient):
            open_secure()
